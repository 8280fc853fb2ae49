/* SPDX-License-Identifier: Apache-2.0
 *
 * The connection; see migrate_link.h. Who waits for the lock asks for it again and again: a statement
 * that stands in line would hold a snapshot, for which CREATE INDEX CONCURRENTLY of the lock's holder
 * waits in turn, for ever. */
#include "store/migrate_link.h"

#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "store/conninfo.h"
#include "store/session.h"

#define LOCK "1465995885, 1768776289" /* any two numbers, the same for ever */
#define LOCK_AGAIN_MS 200
#define LOCK_SAY_AGAIN_MS 30000

struct migrate_link {
    PGconn *conn;
    struct conninfo *info;
    FILE *words;
    const char *about;
    char server[300];
};

/* ---- words ----------------------------------------------------------------------------------- */

static const char *field_of(const PGresult *result, int field)
{
    const char *text = result ? PQresultErrorField(result, field) : NULL;
    return text ? text : "";
}

static void add_line(FILE *to, const char *name, const char *text)
{
    if (*text) fprintf(to, "\n  %s: %s", name, text);
}

bool migrate_link_is_lost(const struct migrate_link *link)
{
    return PQstatus(link->conn) != CONNECTION_OK;
}

const char *migrate_link_words(const struct migrate_link *link, const PGresult *result, char *out,
                               size_t out_bytes)
{
    char said[300];
    const char *message = field_of(result, PG_DIAG_MESSAGE_PRIMARY);
    FILE *to = fmemopen(out, out_bytes, "w");
    CHECK(to && out_bytes > 0);
    if (*message)
        fprintf(to, "%s (%s)", message, field_of(result, PG_DIAG_SQLSTATE));
    else
        fputs(conninfo_redact(link->info, PQerrorMessage(link->conn), said, sizeof said), to);
    add_line(to, "detail", field_of(result, PG_DIAG_MESSAGE_DETAIL));
    add_line(to, "hint", field_of(result, PG_DIAG_MESSAGE_HINT));
    fclose(to);
    out[out_bytes - 1] = '\0';
    return out;
}

static void on_notice(void *own, const PGresult *result)
{
    const struct migrate_link *link = own;
    char words[500];
    fprintf(link->words, "%s: %s: %s\n", link->about, field_of(result, PG_DIAG_SEVERITY),
            migrate_link_words(link, result, words, sizeof words));
}

void migrate_link_about(struct migrate_link *link, const char *about)
{
    link->about = about;
}

const char *migrate_link_server(const struct migrate_link *link)
{
    return link->server;
}

PGconn *migrate_link_conn(struct migrate_link *link)
{
    return link->conn;
}

/* ---- asking ---------------------------------------------------------------------------------- */

static bool fail(struct migrate_link *link, const char *what, const PGresult *result,
                 struct status *status)
{
    char words[600];
    return status_fail(status, migrate_link_is_lost(link) ? EXIT_UNREACHABLE : EXIT_CONFIG,
                       "%s: cannot %s: %s", link->server, what,
                       migrate_link_words(link, result, words, sizeof words));
}

static bool is_well(const PGresult *result)
{
    const ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

PGresult *migrate_link_ask(struct migrate_link *link, const char *what, const char *sql,
                           const struct migrate_parameter *parameters, size_t n,
                           struct status *status)
{
    const char *values[MIGRATE_PARAMETERS_MOST];
    int lengths[MIGRATE_PARAMETERS_MOST], formats[MIGRATE_PARAMETERS_MOST];
    CHECK(n <= MIGRATE_PARAMETERS_MOST);
    for (size_t i = 0; i < n; i++) {
        values[i] = parameters[i].value.at; /* text is NUL-terminated: its owners see to that */
        lengths[i] = (int)parameters[i].value.len;
        formats[i] = parameters[i].is_bytes;
    }
    PGresult *result = PQexecParams(link->conn, sql, (int)n, NULL, values, lengths, formats, 0);
    if (is_well(result)) return result;
    fail(link, what, result, status);
    PQclear(result);
    return NULL;
}

bool migrate_link_do(struct migrate_link *link, const char *what, const char *sql,
                     struct status *status)
{
    PGresult *result = PQexec(link->conn, sql);
    const bool is_done = is_well(result) || fail(link, what, result, status);
    PQclear(result);
    return is_done;
}

/* ---- connecting ------------------------------------------------------------------------------ */

static PGconn *connect_to(const char *conninfo, const char *application_name)
{
    /* What stands before dbname is what the conninfo may say otherwise. */
    const char *const keywords[] = {
        "application_name",    "connect_timeout",      "keepalives_idle",
        "keepalives_interval", "keepalives_count",     "dbname",
        "client_encoding",     "target_session_attrs", NULL
    };
    const char *const values[] = { application_name, "10",   "10",         "5", "6",
                                   conninfo,         "UTF8", "read-write", NULL };
    return PQconnectdbParams(keywords, values, 1);
}

static bool refuse_pooler(struct migrate_link *link, struct status *status)
{
    PGresult *result =
        migrate_link_ask(link, "ask who answers", "select pg_backend_pid()", NULL, 0, status);
    if (!result) return false;
    int64_t pid = 0;
    const bool is_direct =
        text_to_int(text_of(PQgetvalue(result, 0, 0)), &pid) && pid == PQbackendPID(link->conn);
    PQclear(result);
    if (is_direct) return true;
    return status_fail(status, EXIT_CONFIG,
                       "%s: a pooler (PgBouncer, say) is in between, and the lock of a migration "
                       "needs a connection to itself; name the server directly in "
                       "postgres.migrate_url",
                       link->server);
}

static bool refuse_old(struct migrate_link *link, struct status *status)
{
    const int version = PQserverVersion(link->conn);
    if (version >= SESSION_OLDEST) return true;
    return status_fail(status, EXIT_CONFIG, "%s: PostgreSQL %d is too old; %d or newer is needed",
                       link->server, version / 10000, SESSION_OLDEST / 10000);
}

bool migrate_link_open(const char *conninfo, const char *application_name, FILE *words,
                       struct migrate_link **out, struct status *status)
{
    char said[600];
    struct migrate_link *link = NEW(struct migrate_link);
    link->words = words;
    link->about = "";
    if (!conninfo_parse(conninfo, &link->info, status)) {
        free(link);
        return false;
    }
    conninfo_show(link->info, NULL, link->server, sizeof link->server);
    link->conn = connect_to(conninfo, application_name);
    PQsetNoticeReceiver(link->conn, on_notice, link);
    const bool is_up =
        PQstatus(link->conn) == CONNECTION_OK ||
        status_fail(status, EXIT_UNREACHABLE, "%s: %s", link->server,
                    conninfo_redact(link->info, PQerrorMessage(link->conn), said, sizeof said));
    if (is_up && refuse_old(link, status) && refuse_pooler(link, status)) {
        *out = link;
        return true;
    }
    migrate_link_close(link);
    return false;
}

void migrate_link_close(struct migrate_link *link)
{
    if (!link) return;
    PQfinish(link->conn);
    conninfo_free(link->info);
    free(link);
}

/* ---- the lock -------------------------------------------------------------------------------- */

static bool try_lock(struct migrate_link *link, bool *is_ours, struct status *status)
{
    PGresult *result = migrate_link_ask(link, "take the lock of migrations",
                                        "select pg_try_advisory_lock(" LOCK ")", NULL, 0, status);
    if (!result) return false;
    *is_ours = *PQgetvalue(result, 0, 0) == 't';
    PQclear(result);
    return true;
}

/* The holder may be another role's, of which less is shown. */
static bool say_wait(struct migrate_link *link, struct status *status)
{
    PGresult *result = migrate_link_ask(
        link, "see who migrates",
        "select format('process %s%s%s', a.pid, ', ' || nullif(a.application_name, ''),"
        " ', from ' || host(a.client_addr))"
        " from pg_locks l join pg_stat_activity a using (pid)"
        " where l.locktype = 'advisory' and l.granted"
        " and l.database = (select oid from pg_database where datname = current_database())"
        " and (l.classid::bigint, l.objid::bigint) = (" LOCK ")",
        NULL, 0, status);
    if (!result) return false;
    fprintf(link->words, "%s: another migrate is at work (%s); waiting for it\n", link->server,
            PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "just done");
    PQclear(result);
    return true;
}

bool migrate_link_lock(struct migrate_link *link, struct status *status)
{
    const struct timespec pause = { .tv_nsec = LOCK_AGAIN_MS * 1000000L };
    uint64_t say_ms = clock_now_ms();
    for (bool is_ours = false;;) {
        if (!try_lock(link, &is_ours, status)) return false;
        if (is_ours) return true;
        if (clock_now_ms() >= say_ms) {
            if (!say_wait(link, status)) return false;
            say_ms = clock_now_ms() + LOCK_SAY_AGAIN_MS;
        }
        nanosleep(&pause, NULL);
    }
}
