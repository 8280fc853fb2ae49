/* SPDX-License-Identifier: Apache-2.0
 *
 * See library.h. The database is named after the play, and goes with it. */
#include "library.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *library_ask(PGconn *conn, const char *format, ...)
{
    static char answer[2000];
    char text[2000];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    PGresult *result = PQexec(conn, text);
    const ExecStatusType status = PQresultStatus(result);
    cr_assert(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s: %s", text,
              PQerrorMessage(conn));
    snprintf(answer, sizeof answer, "%s", PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return answer;
}

static void make_database(struct library *library)
{
    const char *url = getenv("DATABASE_URL");
    cr_assert(url);
    library->admin = PQconnectdb(url);
    cr_assert_eq(PQstatus(library->admin), CONNECTION_OK, "%s", PQerrorMessage(library->admin));
    snprintf(library->database, sizeof library->database, "%s", library->play.queue);
    for (char *at = library->database; *at; at++)
        if (*at == '-' || *at == '.') *at = '_';
    library_ask(library->admin, "set client_min_messages = warning");
    library_ask(library->admin, "drop database if exists \"%s\"", library->database);
    library_ask(library->admin, "create database \"%s\"", library->database);
    snprintf(library->url, sizeof library->url, "%.*s/%s",
             (int)strcspn(strstr(url, "://") + 3, "/") + (int)(strstr(url, "://") + 3 - url), url,
             library->database);
    library->conn = PQconnectdb(library->url);
    cr_assert_eq(PQstatus(library->conn), CONNECTION_OK);
    library_ask(library->conn, "set client_min_messages = warning");
}

bool library_open(struct library *library, const char *name, bool has_redis)
{
    *library = (struct library){ .redis = { 0 } };
    if (!getenv("DATABASE_URL") || (has_redis && !getenv("REDIS_URL"))) {
        fputs("no DATABASE_URL, or no REDIS_URL: passed over\n", stderr);
        return false;
    }
    if (!play_open(&library->play, name)) return false;
    make_database(library);
    if (has_redis) redis_start(&library->redis, NULL);
    const int n =
        snprintf(library->top, sizeof library->top, "postgres: {url: \"%s\"}\n", library->url);
    if (has_redis)
        snprintf(library->top + n, sizeof library->top - (size_t)n,
                 "redis: {url: \"redis://127.0.0.1:%u/0\", timeout: 500ms}\n", library->redis.port);
    return true;
}

void library_configure(struct library *library, const char *handler, const char *consumer)
{
    char output[2000];
    play_configure(&library->play, &(struct setup){ .handler = handler,
                                                    .top = library->top,
                                                    .consumer = *consumer ? consumer : NULL });
    PROVE(&library->play, RUN(&library->play, output, "migrate") == 0, "%s", output);
}

void library_close(struct library *library)
{
    play_close(&library->play);
    if (library->redis.pid) redis_end(&library->redis);
    PQfinish(library->conn);
    library_ask(library->admin, "drop database \"%s\" with (force)", library->database);
    PQfinish(library->admin);
}
