/* SPDX-License-Identifier: Apache-2.0
 *
 * A host that is killed at random moments, its supervisor or both, while it retries, buries, commits
 * and publishes: every id has its one right end, and no effect is there twice. */
#include <ctype.h>
#include <libpq-fe.h>
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "integration/failure/moods.h"
#include "integration/outbox/office.h"

TestSuite(kills, .timeout = 3600);

struct bank {
    struct play play;
    PGconn *admin, *conn;
    char database[80], out[120];
    unsigned kills, of_host;
};

/* ---- the database ---------------------------------------------------------------------------- */

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

static bool open_bank(struct bank *bank)
{
    char url[300], top[400], consumer[600], output[2000];
    *bank = (struct bank){ .kills = 0 };
    if (!getenv("DATABASE_URL")) {
        fputs("no DATABASE_URL: passed over\n", stderr);
        return false;
    }
    if (!play_open(&bank->play, "kills")) return false;
    struct play *play = &bank->play;
    play->may_die = true;
    make_database(bank, url);
    snprintf(bank->out, sizeof bank->out, "%s.out", play->queue);
    PROVE(play, rabbit_declare(play->rabbit, bank->out, "quorum", 1000000, false));
    snprintf(top, sizeof top, "postgres: {url: \"%s\"}", url);
    snprintf(consumer, sizeof consumer,
             "prefetch: 300, lanes: 2, batch: {rows: 50, wait: 20ms}, delivery_limit: 100000, "
             "retry: {delays: [200ms, 400ms], attempts: 4}, options: {out: \"%s\"}",
             bank->out);
    play_configure(play, &(struct setup){ .handler = "teller", .top = top, .consumer = consumer });
    PROVE(play, RUN(play, output, "migrate") == 0, "%s", output);
    return true;
}

static void close_bank(struct bank *bank)
{
    char text[120];
    rabbit_delete(bank->play.rabbit, bank->out);
    play_close(&bank->play);
    PQfinish(bank->conn);
    snprintf(text, sizeof text, "drop database %s with (force)", bank->database);
    sql(bank->admin, text);
    PQfinish(bank->admin);
}

/* ---- the nemesis ----------------------------------------------------------------------------- */

/* The host alone is started again by its supervisor; a supervisor takes its host with it. */
static void strike(struct bank *bank)
{
    struct play *play = &bank->play;
    const pid_t host = random_below(2) ? play_host_pid(play) : 0;
    bank->kills++;
    if (host > 0 && kill(host, SIGKILL) == 0) {
        bank->of_host++;
        if (random_below(4)) return; /* or the supervisor too, in the same moment */
    }
    play_kill(play);
    play_start(play);
}

static unsigned long told(const struct bank *bank)
{
    return sql(bank->conn, "select count(*) from told");
}

static uint32_t retries_ready(const struct play *play)
{
    char first[120], second[120];
    snprintf(first, sizeof first, "%s.retry.200ms", play->queue);
    snprintf(second, sizeof second, "%s.retry.400ms", play->queue);
    return rabbit_ready(play->rabbit, first) + rabbit_ready(play->rabbit, second);
}

/* Once it is quiet: nothing is in the queue, on its way to be tried again, or in hand. */
static bool is_over(const struct play *play)
{
    return play_is_still(play) && retries_ready(play) == 0 && play_is_still(play);
}

Test(kills, at_any_moment_neither_lose_nor_repeat)
{
    struct bank bank;
    if (!open_bank(&bank)) return;
    struct play *play = &bank.play;
    const unsigned kills = moods_are_long() ? 200 : 3;
    const uint32_t n = moods_are_long() ? 60000 : 2500;
    const uint64_t begun_ms = clock_now_ms();
    play_write_many(play, "lines", 0, n, "{\"n\":%u}");
    PROVE(play, rabbit_declare(play->rabbit, play->dead, "quorum", 1000000, false));
    play_start_ready(play);
    const pid_t sender =
        play_spawn(play, (const char *const[]){ "publish", "--exchange", "", "--key", play->queue,
                                                "--rate", moods_are_long() ? "300" : "2000",
                                                "--ndjson", play_path(play, "lines"), NULL });
    while (bank.kills < kills) {
        play_pause_ms((uint32_t)random_below(moods_are_long() ? 1500 : 900));
        strike(&bank);
    }
    PROVE(play, play_reap(sender) == 0);
    play_kill(play); /* one more, so that it is known where the host listens */
    play_start(play);
    const unsigned long before = told(&bank);
    WAIT(play, play_is_ready(play));
    WAIT_UP_TO(play, 600000, told(&bank) == n - n / 50);
    WAIT(play, is_over(play));
    PROVE(play, sql(bank.conn, "select count(*) from told where n <> 1") == 0);
    struct office *office = office_open(NULL);
    uint32_t letters, copies;
    const uint32_t dead = office_count_ids(office, play->dead, &letters);
    const uint32_t out = office_count_ids(office, bank.out, &copies);
    fprintf(stderr,
            "%u kills (%u of the host under its supervisor) in %llu s: %lu rows of 1 (%lu before "
            "the quiet), %u ids dead in %u letters, %u ids published in %u messages\n",
            bank.kills, bank.of_host, (unsigned long long)(clock_now_ms() - begun_ms) / 1000,
            told(&bank), before, dead, letters, out, copies);
    PROVE(play, dead == n / 50, "%u ids are dead", dead);
    PROVE(play, out == n - n / 50, "%u ids were published", out);
    office_close(office);
    PROVE(play, play_end(play) == 0 && play_left(play) == 0);
    close_bank(&bank);
}
