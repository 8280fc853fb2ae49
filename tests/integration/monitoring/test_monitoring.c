/* SPDX-License-Identifier: Apache-2.0
 *
 * monitoring/ says what the host says: every query of the dashboard has data, every metric that a rule
 * asks for is there with its labels, and the rules do what their tests say. */
#include <ctype.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "prometheus.h"
#include "support/postgres.h"

TestSuite(monitoring, .timeout = 240);

#define MONITORING TEST_SOURCE "/../monitoring"
#define NAME_BYTES 100

Test(monitoring, rules_do_what_their_tests_say)
{
    cr_assert_eq(system("promtool check config " MONITORING "/prometheus.yml"), 0);
    cr_assert_eq(system("promtool test rules " MONITORING "/tests/rules_test.yml"), 0);
}

/* ---- a host at work -------------------------------------------------------------------------- */

struct scene {
    struct play play;
    struct prometheus prometheus;
    struct postgres db;
    char tally[100];
    uint32_t sent;
};

static bool open_scene(struct scene *scene)
{
    char config[2000], output[4000];
    const char *url = getenv("DATABASE_URL"), *redis = getenv("REDIS_URL");
    if (!url || !redis) fputs("passed over: no DATABASE_URL, or no REDIS_URL\n", stderr);
    if (!url || !redis || !play_open(&scene->play, "monitoring")) return false;
    struct play *play = &scene->play;
    postgres_make(&scene->db, play->queue);
    snprintf(scene->tally, sizeof scene->tally, "%s.tally", play->queue);
    snprintf(config, sizeof config,
             "name: %s\namqp: {url: \"${AMQP_URL}\"}\nredis: {url: \"%s\"}\n"
             "postgres: {url: \"%s\"}\nhttp: {listen: 127.0.0.1:0}\nplugins: %s\nconsumers:\n"
             "  - {queue: %s, handler: login_collect}\n"
             "  - {queue: %s, handler: tally, options: {field: kind}}\n",
             play->name, redis, scene->db.url, play_workers_dir(), play->queue, scene->tally);
    play_write(play, "warrener.yaml", config);
    PROVE(play, RUN(play, output, "migrate", "--dir", TEST_SOURCE "/../sql/workers") == 0, "%s",
          output);
    play_start_ready(play);
    prometheus_start(&scene->prometheus, play);
    return true;
}

static void close_scene(struct scene *scene)
{
    static const char *const more[] = { "",           ".dead",     ".retry.1s",
                                        ".retry.10s", ".retry.1m", ".retry.10m" };
    char queue[120];
    prometheus_end(&scene->prometheus);
    PROVE(&scene->play, play_end(&scene->play) == 0);
    for (size_t i = 0; i < sizeof more / sizeof *more; i++) {
        snprintf(queue, sizeof queue, "%s%s", scene->tally, more[i]);
        rabbit_delete(scene->play.rabbit, queue);
    }
    play_close(&scene->play);
    postgres_drop(&scene->db);
}

/* A few logins to each queue; of every ten one is a repeat. */
static void keep_busy(struct scene *scene)
{
    char text[8192], output[1024];
    size_t n = 0;
    for (uint32_t i = 0; i < 20; i++, scene->sent++)
        n += (size_t)snprintf(text + n, sizeof text - n,
                              "{\"id\":\"m%u\",\"key\":\"%s\",\"body\":{\"event_id\":\"%08x-0000-"
                              "7000-8000-000000000000\","
                              "\"user_id\":%u,\"kind\":\"login_ok\",\"at\":\"2026-01-02T03:04:05."
                              "678Z\",\"ip\":\"10.1.2.3\","
                              "\"ua\":\"test\"}}\n",
                              scene->sent, i % 2 ? scene->play.queue : scene->tally,
                              scene->sent / 10, i + 1);
    play_write(&scene->play, "logins", text);
    PROVE(&scene->play,
          RUN(&scene->play, output, "publish", "--exchange", "", "--ndjson",
              play_path(&scene->play, "logins")) == 0,
          "%s", output);
}

/* ---- what is asked --------------------------------------------------------------------------- */

/* The next metric of ours that `*text` names, recorded ones (queue:warrener_…) and patterns left out. */
static bool next_name(const char **text, char name[NAME_BYTES])
{
    for (const char *at = *text; (at = strstr(at, "warrener_"));) {
        const bool begins =
            at == *text || (!isalnum((unsigned char)at[-1]) && at[-1] != ':' && at[-1] != '_');
        size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyz_");
        const char *const found = at;
        at += n;
        *text = at;
        if (!begins || *at == '.' || *at == ':' || n >= NAME_BYTES) continue;
        snprintf(name, NAME_BYTES, "%.*s", (int)n, found);
        return true;
    }
    return false;
}

static char *read_file(const char *path)
{
    char *text = calloc(1, 1 << 20);
    FILE *file = fopen(path, "re");
    cr_assert(file && text, "%s", path);
    cr_assert(fread(text, 1, (1 << 20) - 1, file) > 0);
    fclose(file);
    return text;
}

/* Grafana's variables, as it would fill them in. */
static void fill_in(const char *expr, char *out, size_t room)
{
    static const char *const variables[][2] = {
        { "$__rate_interval", "5s" }, { "$__range", "10s" }, { "$job", ".*" }, { "$queue", ".*" }
    };
    size_t n = 0;
    while (*expr && n + 8 < room) {
        size_t i = 0;
        while (i < 4 && strncmp(expr, variables[i][0], strlen(variables[i][0])) != 0) i++;
        cr_assert(i < 4 || *expr != '$', "a variable the test does not know: %s", expr);
        if (i == 4) {
            out[n++] = *expr++;
            continue;
        }
        n += (size_t)snprintf(out + n, room - n, "%s", variables[i][1]);
        expr += strlen(variables[i][0]);
    }
    out[n] = '\0';
    cr_assert(!*expr);
}

static void prove_data(struct scene *scene, const char *title, const char *expr)
{
    char query[1000];
    fill_in(expr, query, sizeof query);
    const uint64_t deadline_ms = clock_now_ms() + PLAY_PATIENCE_MS / 3;
    while (!prometheus_has(&scene->prometheus, query)) {
        PROVE(&scene->play, clock_now_ms() < deadline_ms, "no data in panel \"%s\": %s", title,
              query);
        keep_busy(scene);
    }
}

static unsigned prove_panels(struct scene *scene, const json_t *panels)
{
    unsigned n = 0;
    size_t i, j;
    json_t *panel, *target;
    json_array_foreach(panels, i, panel)
        json_array_foreach(json_object_get(panel, "targets"), j, target)
    {
        const char *expr = json_string_value(json_object_get(target, "expr"));
        PROVE(&scene->play, expr, "a target without a query");
        prove_data(scene, json_string_value(json_object_get(panel, "title")), expr);
        n++;
    }
    return n;
}

/* With the labels that are asked for: their values may be renamed, too. */
static void prove_names(struct scene *scene, const char *file)
{
    char name[NAME_BYTES], query[400];
    char *const all = read_file(file);
    for (const char *at = all; next_name(&at, name);) {
        const int labels = *at == '{' ? (int)strcspn(at + 1, "}") : 0;
        snprintf(query, sizeof query, "{__name__=~\"%s(_count)?\"%s%.*s}", name, labels ? ", " : "",
                 labels, labels ? at + 1 : "");
        const uint64_t deadline_ms = clock_now_ms() + PLAY_PATIENCE_MS / 3;
        while (!prometheus_has(&scene->prometheus,
                               query)) { /* after a scrape that came late: nothing */
            PROVE(&scene->play, clock_now_ms() < deadline_ms,
                  "%s asks for %s, which the host does not have", file, query);
            play_pause_ms(100);
        }
    }
    free(all);
}

Test(monitoring, every_query_has_data_from_a_host_at_work)
{
    struct scene scene = { .sent = 0 };
    if (!open_scene(&scene)) return;
    json_error_t fault;
    json_t *dashboard = json_load_file(MONITORING "/grafana/dashboards/warrener.json", 0, &fault);
    PROVE(&scene.play, dashboard, "line %d: %s", fault.line, fault.text);
    keep_busy(&scene);
    PROVE(&scene.play, prove_panels(&scene, json_object_get(dashboard, "panels")) > 40);
    json_decref(dashboard);
    prove_names(&scene, MONITORING "/rules.yml");
    close_scene(&scene);
}
