/* SPDX-License-Identifier: Apache-2.0
 *
 * See postgres.h. */
#include "support/postgres.h"

#include <criterion/criterion.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *sql(PGconn *conn, const char *format, ...)
{
    static char answers[8][2000];
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

static PGconn *reach(const char *url)
{
    PGconn *conn = PQconnectdb(url);
    cr_assert_eq(PQstatus(conn), CONNECTION_OK, "%s", PQerrorMessage(conn));
    sql(conn, "set client_min_messages = warning");
    return conn;
}

void postgres_make(struct postgres *postgres, const char *name)
{
    const char *server = getenv("DATABASE_URL");
    cr_assert(server && strstr(server, "://"));
    const char *host = strstr(server, "://") + strlen("://");
    postgres->admin = reach(server);
    snprintf(postgres->name, sizeof postgres->name, "%s", name);
    for (char *at = postgres->name; *at; at++)
        if (!isalnum((unsigned char)*at)) *at = '_';
    sql(postgres->admin, "drop database if exists \"%s\"", postgres->name);
    sql(postgres->admin, "create database \"%s\"", postgres->name);
    snprintf(postgres->url, sizeof postgres->url, "%.*s/%s",
             (int)(host - server + (ptrdiff_t)strcspn(host, "/")), server, postgres->name);
    postgres->conn = reach(postgres->url);
}

void postgres_drop(struct postgres *postgres)
{
    if (!postgres->admin) return;
    PQfinish(postgres->conn);
    sql(postgres->admin, "drop database \"%s\" with (force)", postgres->name);
    PQfinish(postgres->admin);
    *postgres = (struct postgres){ .conn = NULL };
}

long postgres_blocked(const struct postgres *postgres)
{
    return strtol(sql(postgres->admin,
                      "select count(*) from pg_stat_activity where datname = '%s'"
                      " and wait_event_type = 'Lock'",
                      postgres->name),
                  NULL, 10);
}
