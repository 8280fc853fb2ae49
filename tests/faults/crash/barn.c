/* SPDX-License-Identifier: Apache-2.0
 *
 * See barn.h. */
#include "faults/crash/barn.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 300000
#define KEYS 7

bool barn_is_full_form(void)
{
    const char *form = getenv("WARRENER_FAULTS");
    return form && strcmp(form, "full") == 0;
}

static void run_sql(struct barn *barn, const char *format)
{
    char text[400];
    snprintf(text, sizeof text, format, barn->table); // NOLINT(clang-diagnostic-format-nonliteral)
    PGresult *result = PQexec(barn->sql, text);
    cr_assert(PQresultStatus(result) == PGRES_COMMAND_OK, "%s", PQerrorMessage(barn->sql));
    PQclear(result);
}

long barn_count(struct barn *barn, const char *what)
{
    char text[400];
    snprintf(text, sizeof text, "select count(%s) from %s", what, barn->table);
    PGresult *result = PQexec(barn->sql, text);
    cr_assert(PQresultStatus(result) == PGRES_TUPLES_OK, "%s", PQerrorMessage(barn->sql));
    const long count = strtol(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return count;
}

/* Rows of one key are numbered as they were sent: those of a key go through one lane. */
bool barn_is_in_order(struct barn *barn)
{
    char text[400];
    snprintf(
        text, sizeof text,
        "select count(*) from (select n < lag(n) over (partition by n %% %d order by nth) back "
        "from (select nth, substr(id, 2)::int n from %s) rows) steps where back",
        KEYS, barn->table);
    PGresult *result = PQexec(barn->sql, text);
    cr_assert(PQresultStatus(result) == PGRES_TUPLES_OK, "%s", PQerrorMessage(barn->sql));
    const long back = strtol(PQgetvalue(result, 0, 0), NULL, 10);
    PQclear(result);
    return back == 0;
}

static void configure(struct barn *barn, unsigned i, const char *top, const char *consumer)
{
    char all[1000], keys[400];
    struct play *play = &barn->plays[i];
    snprintf(all, sizeof all, "postgres: {url: \"${DATABASE_URL}\"}\n%s", top);
    snprintf(keys, sizeof keys,
             "prefetch: 2000, lanes: 4, options: {table: %s}, retry: {delays: [1s]}, %s",
             barn->table, consumer);
    play_configure(play, &(struct setup){ .handler = "crasher", .top = all, .consumer = keys });
}

bool barn_open(struct barn *barn, const char *name, unsigned hosts, const char *top,
               const char *consumer)
{
    char output[4096], host[64];
    *barn = (struct barn){ .hosts = hosts };
    if (!getenv("DATABASE_URL")) {
        fprintf(stderr, "passed over: DATABASE_URL is not set\n");
        return false;
    }
    snprintf(barn->table, sizeof barn->table, "crash_%s_%d", name, (int)getpid());
    for (unsigned i = 0; i < hosts; i++) {
        struct play *play = &barn->plays[i];
        snprintf(host, sizeof host, "crash-%s-%u", name, i);
        if (!play_open(play, host)) return false;
        play->may_die = true;
        if (i) {
            memcpy(play->queue, barn->plays[0].queue, sizeof play->queue);
            memcpy(play->dead, barn->plays[0].dead, sizeof play->dead);
        }
        configure(barn, i, top, consumer);
    }
    struct play *play = &barn->plays[0];
    PROVE(play, RUN(play, output, "migrate") == 0, "%s", output);
    barn->sql = PQconnectdb(getenv("DATABASE_URL"));
    cr_assert(PQstatus(barn->sql) == CONNECTION_OK);
    run_sql(barn, "create table %s (nth bigserial, id text)");
    cr_assert(rabbit_declare(play->rabbit, play->dead, "quorum", 1000000, false));
    cr_assert(rabbit_declare(play->rabbit, play->queue, "quorum", 100, true));
    return true;
}

static void write_messages(const struct barn *barn, const char *way)
{
    FILE *file = fopen(play_path(&barn->plays[0], "messages"), "we");
    const uint32_t gap = barn->sent / (barn->bad + 1);
    uint32_t bad = 0;
    cr_assert(file);
    for (uint32_t i = 0; i < barn->sent; i++) {
        fprintf(file, "{\"id\":\"m%u\",\"body\":{\"n\":%u,\"key\":\"k%u\"}}\n", i, i, i % KEYS);
        if (bad == barn->bad || (i + 1) % (gap + 1) != gap) continue;
        fprintf(file,
                "{\"id\":\"bad%u\",\"body\":{\"n\":%u,\"do\":\"%s\","
                "\"key\":\"k1\"%s%s%s}}\n",
                bad, bad, way, *barn->gate ? ",\"gate\":\"" : "", barn->gate,
                *barn->gate ? "\"" : "");
        bad++;
    }
    cr_assert(fclose(file) == 0 && bad == barn->bad);
}

void barn_send(struct barn *barn, uint32_t n, uint32_t bad, const char *way)
{
    char output[1024];
    const struct play *play = &barn->plays[0];
    barn->sent = n;
    barn->bad = bad;
    write_messages(barn, way);
    PROVE(play,
          RUN(play, output, "publish", "--exchange", "", "--key", play->queue, "--ndjson",
              play_path(play, "messages")) == 0,
          "%s", output);
}

void barn_start(struct barn *barn)
{
    barn->began_ms = clock_now_ms();
    for (unsigned i = 0; i < barn->hosts; i++) play_start(&barn->plays[i]);
}

unsigned barn_deaths(const struct barn *barn, unsigned host)
{
    char line[8192];
    unsigned deaths = 0;
    FILE *file = fopen(barn->plays[host].log, "re");
    while (file && fgets(line, sizeof line, file)) deaths += strstr(line, "the host died") != NULL;
    if (file) fclose(file);
    return deaths;
}

static bool is_over(struct barn *barn)
{
    struct play *play = &barn->plays[0];
    return rabbit_ready(play->rabbit, play->dead) >= barn->bad &&
           rabbit_ready(play->rabbit, play->queue) == 0 &&
           barn_count(barn, "distinct id") == (long)barn->sent;
}

/* Each of them and nothing else. One that was killed between letter and ack has two. */
static void prove_letters(struct barn *barn, const char *reason)
{
    struct play *play = &barn->plays[0];
    struct letter letter;
    uint32_t seen = 0, letters = 0;
    while (rabbit_get(play->rabbit, play->dead, &letter)) {
        const char *number = strpbrk(letter.body, "0123456789");
        PROVE(play, strstr(letter.body, "\"do\""), "%s is dead for %s: %s", letter.id,
              letter.reason, letter.detail);
        PROVE(play, strcmp(letter.reason, reason) == 0, "%s for %s: %s", letter.id, letter.reason,
              letter.detail);
        const unsigned long nth = number ? strtoul(number, NULL, 10) : barn->bad;
        PROVE(play, nth < barn->bad);
        seen |= 1u << nth;
        letters++;
        if (letters == 1) fprintf(stderr, "  %s: %.160s\n", letter.reason, letter.detail);
    }
    if (letters > barn->bad) fprintf(stderr, "  %u letters\n", letters);
    PROVE(play, letters >= barn->bad && seen == (1u << barn->bad) - 1, "%u letters", letters);
}

void barn_prove(struct barn *barn, const char *reason)
{
    struct play *play = &barn->plays[0];
    unsigned deaths[BARN_HOSTS] = { 0 };
    WAIT_UP_TO(play, PATIENCE_MS, is_over(barn));
    for (unsigned i = 0; i < barn->hosts; i++) {
        deaths[i] = barn_deaths(barn, i);
        PROVE(&barn->plays[i], deaths[i] <= 2 * barn->bad, "%u deaths", deaths[i]);
        PROVE(&barn->plays[i], play_end(&barn->plays[i]) == 0);
    }
    PROVE(play, play_left(play) == 0, "ready + unacked");
    fprintf(stderr, "%s: %u messages and %u bad ones in %.1f s; deaths %u and %u\n", play->name,
            barn->sent, barn->bad, (double)(clock_now_ms() - barn->began_ms) / 1e3, deaths[0],
            deaths[1]);
    prove_letters(barn, reason);
    PROVE(play, barn_count(barn, "*") == (long)barn->sent, "%ld rows", barn_count(barn, "*"));
}

void barn_close(struct barn *barn)
{
    run_sql(barn, "drop table %s");
    PQfinish(barn->sql);
    for (unsigned i = barn->hosts; i-- > 0;) play_close(&barn->plays[i]);
}
