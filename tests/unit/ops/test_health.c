/* SPDX-License-Identifier: Apache-2.0
 *
 * How hosts and consumers are judged. */
#include <criterion/criterion.h>
#include <string.h>

#include "base/json.h"
#include "ops/health.h"

#define STEPS 3 /* of history */

struct scene {
    struct board *board;
    struct board_snapshot *draft;
    struct history *history;
    struct history_sample sample;
    struct health_facts facts;
    struct metrics_text text;
};

/* One consumer that is subscribed and has nothing to do, two servers that are connected. */
static void open_scene(struct scene *scene)
{
    static const char *const kinds[] = { "amqp", "postgres" };
    const struct board_consumer_plan consumer = { 2, 30000 };
    *scene = (struct scene){ .board = board_new(&(struct board_plan){ 2, 1, &consumer }) };
    scene->draft = board_draft(scene->board);
    scene->history = history_new(1);
    board_say(scene->draft->version, sizeof scene->draft->version, "1.0");
    for (int i = 0; i < 2; i++) {
        struct board_server *server = &scene->draft->servers[i];
        board_say(server->kind, sizeof server->kind, kinds[i]);
        board_say(server->name, sizeof server->name, i ? "store" : "consume");
        server->connected = true;
    }
    struct board_consumer *only = &scene->draft->consumers[0];
    board_say(only->name, sizeof only->name, "login");
    only->subscribed = true;
    only->prefetch = 50;
    scene->facts = (struct health_facts){ .board = scene->board,
                                          .snapshot = scene->draft,
                                          .history = scene->history,
                                          .is_live = true,
                                          .is_ready = true,
                                          .words = "ready\n" };
}

static void close_scene(struct scene *scene)
{
    metrics_text_fini(&scene->text);
    history_free(scene->history);
    board_free(scene->board);
}

/* So many a step, from now on. */
static void pass(struct scene *scene, uint64_t done, uint64_t dead)
{
    for (uint64_t i = 1; i <= STEPS; i++) {
        scene->sample.done += done;
        scene->sample.received += done + dead;
        scene->sample.dead += dead;
        history_take(scene->history, i * HISTORY_STEP_MS, &scene->sample);
    }
}

static void expect_state(struct scene *scene, unsigned trouble, const char *word, const char *more)
{
    struct health_state state;
    health_judge(&scene->facts, 0, &state);
    cr_assert(state.trouble == trouble && !strcmp(state.word, word) && !strcmp(state.more, more),
              "%u %s: %s", state.trouble, state.word, state.more);
}

static void expect_health(struct scene *scene, const char *wanted)
{
    struct json_write json = { .out = &scene->text };
    scene->text.len = 0;
    health_write(&json, &scene->facts);
    metrics_text_add(&scene->text, "", 1);
    cr_assert_str_eq(scene->text.at, wanted);
}

Test(health, consumers)
{
    struct scene scene;
    open_scene(&scene);
    struct board_consumer *login = &scene.draft->consumers[0];
    expect_state(&scene, 0, "idle", "");
    login->in_flight = 3;
    expect_state(&scene, 0, "working", "");
    login->in_flight = login->prefetch;
    login->ready = 1;
    pass(&scene, 0, 0);
    expect_state(&scene, 1, "none done", "as many as the prefetch allows are in hand");
    pass(&scene, 7, 0);
    expect_state(&scene, 0, "flowing", "");
    pass(&scene, 7, 1);
    expect_state(&scene, 1, "messages die", "");
    scene.draft->servers[1].connected = false;
    expect_state(&scene, 1, "messages die", "");
    login->stages[BOARD_STORING] = 1;
    expect_state(&scene, 2, "waiting", "PostgreSQL is away");
    login->subscribed = false;
    expect_state(&scene, 2, "not consuming", "");
    board_say(login->breaker, sizeof login->breaker, "half-open");
    expect_state(&scene, 2, "trying a few", "nearly all have failed");
    login->paused = true;
    board_say(login->why, sizeof login->why, "handler: the bank is away");
    expect_state(&scene, 2, "paused", "handler: the bank is away");
    board_say(login->why, sizeof login->why, "postgres: FATAL: no");
    expect_state(&scene, 2, "paused", "PostgreSQL is away");
    board_tick(scene.board, 1000);
    pulse_beat(board_lane_pulse(scene.board, 0, 1));
    for (uint64_t ms = 1000; ms < 40000; ms += 500) board_tick(scene.board, ms);
    expect_state(&scene, 3, "stuck", "a lane is past its timeout of 30s");
    close_scene(&scene);
}

Test(health, hosts)
{
    struct scene scene;
    open_scene(&scene);
    expect_health(&scene,
                  "\"health\":{\"level\":\"good\",\"title\":\"All is well\",\"reasons\":[]}");
    scene.draft->servers[1].connected = false;
    board_say(scene.draft->servers[1].last_error, 20, "refused");
    board_say(scene.draft->servers[0].breaker, 10, "open");
    scene.draft->consumers[0].subscribed = false;
    pass(&scene, 0, 1);
    expect_health(&scene, "\"health\":{\"level\":\"warn\",\"title\":\"Work flows, with trouble\","
                          "\"reasons\":[\"the breaker before RabbitMQ is open\","
                          "\"PostgreSQL (store) is away: refused\",\"login is not consuming\","
                          "\"messages are going to the dead queue: 20 a minute of late\"]}");
    scene.facts.is_ready = false;
    scene.facts.words = "queue login: paused\n";
    expect_health(&scene, "\"health\":{\"level\":\"bad\",\"title\":\"Not ready\",\"reasons\":["
                          "\"queue login: paused\"]}");
    board_set_draining(scene.board);
    scene.facts.words = "draining: nothing new is taken\nqueue login: paused\n";
    expect_health(&scene, "\"health\":{\"level\":\"warn\",\"title\":\"Draining\",\"reasons\":["
                          "\"queue login: paused\"]}");
    scene.facts.is_live = false;
    expect_health(&scene, "\"health\":{\"level\":\"bad\",\"title\":\"Stuck\",\"reasons\":["
                          "\"queue login: paused\"]}");
    close_scene(&scene);
}

Test(health, what_waits_for_a_server_is_told_by_it)
{
    struct scene scene;
    open_scene(&scene);
    struct board_consumer *login = &scene.draft->consumers[0];
    login->stages[BOARD_CACHING] = login->in_flight = 1;
    scene.draft->servers[1].connected = false;
    expect_state(&scene, 0, "working", ""); /* that is another server */
    board_say(scene.draft->servers[1].kind, sizeof scene.draft->servers[1].kind, "redis");
    expect_state(&scene, 2, "waiting", "Redis is away");
    close_scene(&scene);
}

/* A full hand is no trouble while nothing waits behind it, or something comes in all the same. */
Test(health, a_full_hand_alone_is_no_trouble)
{
    struct scene scene;
    open_scene(&scene);
    struct board_consumer *login = &scene.draft->consumers[0];
    login->in_flight = login->prefetch;
    pass(&scene, 0, 0);
    expect_state(&scene, 0, "working", "");
    login->ready = 1;
    expect_state(&scene, 1, "none done", "as many as the prefetch allows are in hand");
    scene.sample.received = 1;
    history_take(scene.history, (STEPS + 1) * HISTORY_STEP_MS, &scene.sample);
    expect_state(&scene, 0, "working", "");
    close_scene(&scene);
}

/* Losses are told of all together, and of many only some by name. */
Test(health, not_all_are_named)
{
    const struct board_consumer_plan plans[7] = { { 1, 1000 } };
    struct scene scene;
    open_scene(&scene);
    pass(&scene, 1, 1);
    expect_health(&scene, "\"health\":{\"level\":\"warn\",\"title\":\"Work flows, with trouble\","
                          "\"reasons\":[\"messages are going to the dead queue: 20 a minute of "
                          "late\"]}");
    board_free(scene.board);
    scene.board = board_new(&(struct board_plan){ 0, 7, plans });
    struct board_snapshot *draft = board_draft(scene.board);
    for (size_t i = 0; i < 7; i++) {
        snprintf(draft->consumers[i].name, BOARD_NAME_BYTES, "c%zu", i);
        draft->consumers[i].subscribed = i > 4;
        draft->consumers[i].prefetch = 1;
    }
    scene.facts.board = scene.board;
    scene.facts.snapshot = draft;
    scene.facts.history = NULL;
#define FIVE                                                                                       \
    "\"health\":{\"level\":\"warn\",\"title\":\"Work flows, with trouble\",\"reasons\":["          \
    "\"c0 is not consuming\",\"c1 is not consuming\",\"c2 is not consuming\","                     \
    "\"c3 is not consuming\",\"c4 is not consuming\""
    expect_health(&scene, FIVE "]}");
    draft->consumers[5].subscribed = draft->consumers[6].subscribed = false;
    expect_health(&scene, FIVE ",\"and 2 more\"]}");
    close_scene(&scene);
}
