/* SPDX-License-Identifier: Apache-2.0
 *
 * See ground.h. */
#include "ground.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

__attribute__((constructor)) static void one_at_a_time(void)
{
    setenv("CRITERION_JOBS", "1", 1);
}

bool ground_is_full(void)
{
    const char *form = getenv("WARRENER_FAULTS");
    return form && strcmp(form, "full") == 0;
}

bool ground_open(struct ground *ground, const char *name, const char *policy, const char *consumer)
{
    char top[600], words[60];
    *ground = (struct ground){ .n_others = 0 };
    snprintf(words, sizeof words, "on_failure: %s", policy);
    struct pantry *pantry = &ground->pantry;
    if (!open_pantry(pantry, name, "cupboard", words, true)) return false;
    ground->proxy = proxy_open(pantry->redis.port);
    snprintf(top, sizeof top,
             "redis: {url: \"redis://127.0.0.1:%u/0\", timeout: 300ms, on_failure: %s}\n"
             "postgres: {url: \"%s\", connections: 2}",
             proxy_port(ground->proxy), policy, pantry->db.url);
    play_configure(&pantry->play, &(struct setup){ .handler = "cupboard",
                                                   .top = top,
                                                   .amqp = "url: \"${AMQP_URL}\", heartbeat: 5s",
                                                   .consumer = consumer });
    pantry_make_tables(pantry);
    play_start_ready(&pantry->play);
    WAIT(&pantry->play, play_metric(&pantry->play, "warrener_connected{server=\"redis\"}") == 1);
    return true;
}

void ground_add_hosts(struct ground *ground, unsigned n)
{
    struct play *play = &ground->pantry.play;
    uint32_t ready, consumers = 0;
    for (unsigned i = 0; i < n; i++)
        ground->others[ground->n_others++] = play_spawn(play, (const char *const[]){ "run", NULL });
    WAIT(play, rabbit_look(play->rabbit, play->queue, &ready, &consumers) && consumers == n + 1);
}

void ground_end_hosts(struct ground *ground)
{
    struct play *play = &ground->pantry.play;
    for (unsigned i = 0; i < ground->n_others; i++) kill(ground->others[i], SIGTERM);
    for (unsigned i = 0; i < ground->n_others; i++)
        PROVE(play, play_reap(ground->others[i]) == 0, "a host did not end well");
    ground->n_others = 0;
    PROVE(play, play_end(play) == 0);
    PROVE(play, play_left(play) == 0, "something was not acked");
}

void ground_close(struct ground *ground)
{
    for (unsigned i = 0; i < ground->n_others; i++) kill(ground->others[i], SIGKILL);
    proxy_close(ground->proxy);
    close_pantry(&ground->pantry);
}

pid_t ground_host(const struct ground *ground, unsigned nth)
{
    const pid_t supervisor = nth ? ground->others[nth - 1] : ground->pantry.play.host;
    char path[80];
    int child = 0;
    snprintf(path, sizeof path, "/proc/%d/task/%d/children", (int)supervisor, (int)supervisor);
    FILE *file = fopen(path, "re");
    if (file) {
        if (fscanf(file, "%d", &child) != 1) child = 0; // NOLINT
        fclose(file);
    }
    return child;
}

/* ---- messages -------------------------------------------------------------------------------- */

void ground_publish(struct ground *ground, unsigned rate)
{
    const struct play *play = &ground->pantry.play;
    char words[12];
    snprintf(words, sizeof words, "%u", rate);
    ground->publisher = play_spawn(
        play, (const char *const[]){ "publish", "--exchange", "", "--key", play->queue, "--ndjson",
                                     play_path(play, "messages"), "--rate", words, NULL });
}

bool ground_is_publishing(struct ground *ground)
{
    int state;
    if (ground->publisher && waitpid(ground->publisher, &state, WNOHANG) == ground->publisher) {
        cr_assert(WIFEXITED(state) && WEXITSTATUS(state) == 0, "publishing failed");
        ground->publisher = 0;
    }
    return ground->publisher != 0;
}

/* ---- comparing ------------------------------------------------------------------------------- */

unsigned ground_compare(struct ground *ground, const char *table, const char *value,
                        unsigned *absent)
{
    char text[400];
    unsigned differ = 0;
    struct redis *redis = &ground->pantry.redis;
    snprintf(text, sizeof text, "select id, lpad(ver::text, 20, '0'), (%s)::text from %s t", value,
             table);
    PGresult *rows = PQexec(ground->pantry.db.conn, text);
    cr_assert_eq(PQresultStatus(rows), PGRES_TUPLES_OK, "%s",
                 PQerrorMessage(ground->pantry.db.conn));
    *absent = 0;
    for (int i = 0; i < PQntuples(rows); i++) {
        const char *ver = redis_ask(redis, "HGET %s:%s ver", table, PQgetvalue(rows, i, 0));
        const char *kept = redis_ask(redis, "HGET %s:%s value", table, PQgetvalue(rows, i, 0));
        if (strcmp(kept, "(nil)") == 0) {
            (*absent)++;
        } else if (strcmp(ver, PQgetvalue(rows, i, 1)) != 0 ||
                   strcmp(kept, PQgetvalue(rows, i, 2)) != 0) {
            if (differ++ < 5)
                fprintf(stderr, "%s:%s is %s %s, and in the table %s %s\n", table,
                        PQgetvalue(rows, i, 0), ver, kept, PQgetvalue(rows, i, 1),
                        PQgetvalue(rows, i, 2));
        }
    }
    PQclear(rows);
    return differ;
}
