/* SPDX-License-Identifier: Apache-2.0
 *
 * The bank; see bank.h. */
#include "integration/failure/bank.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

static unsigned long sql(PGconn *conn, const char *text)
{
    PGresult *result = PQexec(conn, text);
    const ExecStatusType status = PQresultStatus(result);
    cr_assert(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s: %s", text,
              PQerrorMessage(conn));
    const unsigned long n = PQntuples(result) ? strtoul(PQgetvalue(result, 0, 0), NULL, 10) : 0;
    PQclear(result);
    return n;
}

static void make_database(struct bank *bank, char url[300])
{
    char text[200];
    const char *of_tests = getenv("DATABASE_URL");
    cr_assert(of_tests);
    snprintf(bank->database, sizeof bank->database, "told_%s", bank->play.name);
    for (char *at = bank->database; *at; at++)
        if (!isalnum((unsigned char)*at)) *at = '_';
    bank->admin = PQconnectdb(of_tests);
    sql(bank->admin, "set client_min_messages = warning");
    snprintf(text, sizeof text, "drop database if exists %s", bank->database);
    sql(bank->admin, text);
    snprintf(text, sizeof text, "create database %s", bank->database);
    sql(bank->admin, text);
    snprintf(url, 300, "%.*s/%s", (int)(strrchr(of_tests, '/') - of_tests), of_tests,
             bank->database);
    bank->conn = PQconnectdb(url);
    cr_assert(PQstatus(bank->conn) == CONNECTION_OK);
    sql(bank->conn, "create table told (id text primary key, n bigint not null)");
}

bool bank_open(struct bank *bank, const char *name, const char *consumer)
{
    char url[300], top[400], all[700], output[2000];
    *bank = (struct bank){ .conn = NULL };
    if (!getenv("DATABASE_URL")) {
        fputs("no DATABASE_URL: passed over\n", stderr);
        return false;
    }
    if (!play_open(&bank->play, name)) return false;
    struct play *play = &bank->play;
    play->may_die = true;
    make_database(bank, url);
    snprintf(bank->out, sizeof bank->out, "%s.out", play->queue);
    PROVE(play, rabbit_declare(play->rabbit, bank->out, "quorum", 1000000, false));
    snprintf(top, sizeof top, "postgres: {url: \"%s\"}", url);
    snprintf(all, sizeof all,
             "prefetch: 300, lanes: 2, batch: {rows: 50, wait: 20ms}, delivery_limit: 100000, "
             "retry: {delays: [200ms, 400ms], attempts: 4}, options: {out: \"%s\"}, %s",
             bank->out, consumer);
    play_configure(play, &(struct setup){ .handler = "teller", .top = top, .consumer = all });
    PROVE(play, RUN(play, output, "migrate") == 0, "%s", output);
    return true;
}

void bank_close(struct bank *bank)
{
    char text[120];
    rabbit_delete(bank->play.rabbit, bank->out);
    play_close(&bank->play);
    PQfinish(bank->conn);
    snprintf(text, sizeof text, "drop database %s with (force)", bank->database);
    sql(bank->admin, text);
    PQfinish(bank->admin);
}

unsigned long bank_ask(const struct bank *bank, const char *text)
{
    return sql(bank->conn, text);
}
