/* SPDX-License-Identifier: Apache-2.0
 *
 * Applying a file; see migration_run.h. Each statement is sent by itself in either case, so that an
 * error without a position still has the place of its statement. */
#include "store/migration_run.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "store/split_sql.h"

/* What a file has set does not reach the next one, nor the books. DISCARD would drop the lock. For a
 * role that is called warrener "$user" is the host's own schema, where nobody else's tables belong. */
#define AFRESH                                                                                     \
    "set session authorization default;"                                                           \
    "reset all;"                                                                                   \
    "set standard_conforming_strings = on;"                                                        \
    "select set_config('search_path', coalesce((select string_agg(quote_ident(s), ', ')"           \
    " from unnest(current_schemas(false)) s where s <> 'warrener'), 'public'), false)"             \
    " where current_schema() = 'warrener'"

struct run {
    struct migrate_link *link;
    const char *home;
    const struct migration_file *file;
    struct wr_text statement; /* the one at work */
    unsigned n_done;
    unsigned last_line; /* where the last one that was done begins */
    struct status *status;
};

/* ---- words ----------------------------------------------------------------------------------- */

static struct sql_place place_in(const struct run *run, const PGresult *result)
{
    const char *position = result ? PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION) : NULL;
    size_t at = (size_t)(run->statement.at - run->file->text.at);
    int64_t nth = 0;
    if (position && text_to_int(text_of(position), &nth) && nth > 0)
        at += sql_byte_of(run->statement, (size_t)nth);
    return sql_place_of(run->file->text, at);
}

static const char *tell_rest(const struct run *run, char *out, size_t out_bytes)
{
    if (run->file->has_transaction)
        snprintf(out, out_bytes, "nothing of this file was applied");
    else if (run->n_done == 0)
        snprintf(
            out, out_bytes,
            "it was the first statement of a file without a transaction; mend it (an index that "
            "was left INVALID has to be dropped) and run migrate again");
    else
        snprintf(out, out_bytes,
                 "the file has no transaction: %u statement%s before this one, up to line %u, stay "
                 "done; make them bear being run again (IF NOT EXISTS; drop an index that was left "
                 "INVALID), mend this one and run migrate again",
                 run->n_done, run->n_done == 1 ? "" : "s", run->last_line);
    return out;
}

static bool fail_at(const struct run *run, struct sql_place place, const char *words)
{
    char rest[300];
    return status_fail(run->status, EXIT_CONFIG, "%s:%u:%u: %s\n%s", run->file->path, place.line,
                       place.column, words, tell_rest(run, rest, sizeof rest));
}

static bool fail_lost(const struct run *run, struct sql_place place)
{
    char words[400];
    return status_fail(run->status, EXIT_UNREACHABLE,
                       "%s:%u:%u: the connection to %s was lost here: %s\nrun migrate again; what "
                       "was committed is in the books",
                       run->file->path, place.line, place.column, migrate_link_server(run->link),
                       migrate_link_words(run->link, NULL, words, sizeof words));
}

static void add_hint(const struct run *run, const PGresult *result, char *words, size_t bytes)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const size_t n = strlen(words);
    if (sqlstate && !strcmp(sqlstate, "25001") && run->file->has_transaction)
        snprintf(words + n, bytes - n,
                 "\n  hint: a file whose first line is `-- no-transaction` runs without one");
    const char *context = PQresultErrorField(result, PG_DIAG_CONTEXT);
    if (context)
        snprintf(words + n, bytes - n, "\n  in: %.*s", (int)strcspn(context, "\n"), context);
}

static bool fail_result(const struct run *run, const PGresult *result)
{
    char words[600];
    const struct sql_place place = place_in(run, result);
    if (migrate_link_is_lost(run->link)) return fail_lost(run, place);
    const ExecStatusType kind = PQresultStatus(result);
    if (kind == PGRES_COPY_IN || kind == PGRES_COPY_OUT)
        return fail_at(run, place,
                       "COPY from or to the client has no place in a migration; use INSERT");
    migrate_link_words(run->link, result, words, sizeof words);
    add_hint(run, result, words, sizeof words);
    return fail_at(run, place, words);
}

/* ---- statements ------------------------------------------------------------------------------ */

static bool run_statement(struct run *run)
{
    char *sql = text_copy(run->statement);
    PGresult *result = PQexec(migrate_link_conn(run->link), sql);
    const ExecStatusType kind = PQresultStatus(result);
    const bool is_done = kind == PGRES_COMMAND_OK || kind == PGRES_TUPLES_OK ||
                         kind == PGRES_EMPTY_QUERY || fail_result(run, result);
    PQclear(result);
    free(sql);
    if (!is_done) return false;
    run->n_done++;
    run->last_line =
        sql_place_of(run->file->text, (size_t)(run->statement.at - run->file->text.at)).line;
    return true;
}

static bool refuse_transactions(struct run *run)
{
    struct split_sql split = { .script = run->file->text };
    while (split_sql_next(&split, &run->statement))
        if (split_sql_is_transaction(run->statement))
            return fail_at(run, place_in(run, NULL),
                           "each file runs in a transaction of its own already; take BEGIN, COMMIT "
                           "and ROLLBACK out, or let its first line be `-- no-transaction`");
    return true;
}

static bool run_statements(struct run *run)
{
    struct split_sql split = { .script = run->file->text };
    while (split_sql_next(&split, &run->statement))
        if (!run_statement(run)) return false;
    return true;
}

/* ---- the books ------------------------------------------------------------------------------- */

static bool write_down(const struct run *run, uint64_t took_ms)
{
    char number[24], took[24];
    snprintf(number, sizeof number, "%lld", (long long)run->file->number);
    snprintf(took, sizeof took, "%llu", (unsigned long long)took_ms);
    const struct migrate_parameter parameters[] = {
        { text_of(run->home), false },
        { text_of(number), false },
        { text_of(run->file->name), false },
        { run->file->text, true },
        { text_of(took), false },
    };
    PGresult *result = migrate_link_ask(
        run->link, "write into warrener.migration",
        "insert into warrener.migration (home, number, name, checksum, took_ms)"
        " values ($1, $2::bigint, $3, encode(sha256($4::bytea), 'hex'), $5::bigint)",
        parameters, sizeof parameters / sizeof *parameters, run->status);
    PQclear(result);
    return result != NULL;
}

/* Deferred constraints speak up here. */
static bool commit(struct run *run)
{
    PGresult *result = PQexec(migrate_link_conn(run->link), "commit");
    const bool is_done =
        PQresultStatus(result) == PGRES_COMMAND_OK && !strcmp(PQcmdStatus(result), "COMMIT");
    if (!is_done) fail_result(run, result);
    PQclear(result);
    return is_done;
}

static bool run_in_transaction(struct run *run, uint64_t since_ms, uint64_t *took_ms)
{
    if (!refuse_transactions(run)) return false;
    if (!migrate_link_do(run->link, "begin", "begin", run->status)) return false;
    if (!run_statements(run)) return false;
    *took_ms = clock_now_ms() - since_ms;
    return migrate_link_do(run->link, "set the session right", AFRESH, run->status) &&
           write_down(run, *took_ms) && commit(run);
}

static bool run_bare(struct run *run, uint64_t since_ms, uint64_t *took_ms)
{
    if (!run_statements(run)) return false;
    *took_ms = clock_now_ms() - since_ms;
    if (PQtransactionStatus(migrate_link_conn(run->link)) != PQTRANS_IDLE)
        return fail_at(run, place_in(run, NULL), "the file ends within a transaction it began");
    return migrate_link_do(run->link, "set the session right", AFRESH, run->status) &&
           write_down(run, *took_ms);
}

bool migration_run(struct migrate_link *link, const char *home, const struct migration_file *file,
                   uint64_t *took_ms, struct status *status)
{
    struct run run = { .link = link, .home = home, .file = file, .status = status };
    const uint64_t since_ms = clock_now_ms();
    run.statement = text_from(file->text.at, 0);
    if (!migrate_link_do(link, "set the session right", AFRESH, status)) return false;
    migrate_link_about(link, file->path);
    return file->has_transaction ? run_in_transaction(&run, since_ms, took_ms)
                                 : run_bare(&run, since_ms, took_ms);
}
