/* SPDX-License-Identifier: Apache-2.0
 *
 * See pantry.h. */
#include "pantry.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- the database ---------------------------------------------------------------------------- */

const char *sql(PGconn *conn, const char *format, ...)
{
    static char answers[8][400];
    static unsigned turn;
    char *const answer = answers[turn++ % 8], text[4000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    PGresult *result = PQexec(conn, text);
    const ExecStatusType status = PQresultStatus(result);
    cr_assert(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s: %s", text,
              PQerrorMessage(conn));
    snprintf(answer, sizeof answers[0], "%s", PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return answer;
}

static void make_database(struct pantry *pantry)
{
    const char *url = getenv("DATABASE_URL");
    cr_assert(url);
    pantry->admin = PQconnectdb(url);
    cr_assert_eq(PQstatus(pantry->admin), CONNECTION_OK, "%s", PQerrorMessage(pantry->admin));
    snprintf(pantry->database, sizeof pantry->database, "shelf_%s",
             strrchr(pantry->play.queue, '.') ? strrchr(pantry->play.queue, '.') + 1 : "x");
    for (char *at = pantry->database; *at; at++)
        if (*at == '-') *at = '_';
    sql(pantry->admin, "set client_min_messages = warning");
    sql(pantry->admin, "drop database if exists \"%s\"", pantry->database);
    sql(pantry->admin, "create database \"%s\"", pantry->database);
    snprintf(pantry->url, sizeof pantry->url, "%.*s/%s", (int)(strrchr(url, '/') - url), url,
             pantry->database);
    pantry->conn = PQconnectdb(pantry->url);
    cr_assert_eq(PQstatus(pantry->conn), CONNECTION_OK);
}

/* ---- life ------------------------------------------------------------------------------------ */

bool open_pantry(struct pantry *pantry, const char *name, const char *handler, const char *redis,
                 bool has_store)
{
    char top[800], output[2000];
    *pantry = (struct pantry){ .redis = { 0 } };
    if (!getenv("REDIS_URL") || (has_store && !getenv("DATABASE_URL"))) {
        fputs("no REDIS_URL, or no DATABASE_URL: passed over\n", stderr);
        return false;
    }
    if (!play_open(&pantry->play, name)) return false;
    redis_start(&pantry->redis, NULL);
    int n =
        snprintf(top, sizeof top, "redis: {url: \"redis://127.0.0.1:%u/0\", timeout: 500ms, %s}",
                 pantry->redis.port, redis);
    if (has_store) {
        make_database(pantry);
        snprintf(top + n, sizeof top - (size_t)n, "\npostgres: {url: \"%s\"}", pantry->url);
    }
    play_configure(&pantry->play, &(struct setup){ .handler = handler, .top = top });
    if (has_store) PROVE(&pantry->play, RUN(&pantry->play, output, "migrate") == 0, "%s", output);
    return true;
}

void close_pantry(struct pantry *pantry)
{
    play_close(&pantry->play);
    redis_end(&pantry->redis);
    if (!pantry->conn) return;
    PQfinish(pantry->conn);
    sql(pantry->admin, "drop database \"%s\" with (force)", pantry->database);
    PQfinish(pantry->admin);
}
