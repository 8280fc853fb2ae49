/* SPDX-License-Identifier: Apache-2.0
 *
 * A host's site without a host, for the browser and the terminal to be tested against: fifty consumers
 * with names long and short, of which some are in trouble. Prints its port; ends with its stdin.
 * Words on stdin, one a line, change what it says: "busy" (at first), "stuck", "unready", "drain",
 * "died". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/log_kept.h"
#include "base/random.h"
#include "net/loop.h"
#include "ops/site.h"

#define TURN_MS 100

struct stage {
    struct loop *loop;
    struct timer timer;
    struct socket_watch input;
    struct board *board;
    struct metrics *metrics;
    struct site *site;
    size_t n;
    bool is_stuck, is_unready, is_died;
};

static void name(struct board_consumer *consumer, size_t i)
{
    static const char *const rooms[] = { "shop.orders", "mail.welcome", "ledger", "search.index",
                                         "a-very.long-name.of-a.queue-that.somebody-gave" };
    snprintf(consumer->queue, sizeof consumer->queue, "%s.%zu", rooms[i % 5], i);
    snprintf(consumer->name, sizeof consumer->name, i % 7 ? "%s" : "%s <b>&amp;", consumer->queue);
    snprintf(consumer->handler, sizeof consumer->handler, "handler_%zu", i % 9);
    snprintf(consumer->handler_version, sizeof consumer->handler_version, "1.%zu", i % 4);
    consumer->prefetch = 1000;
    consumer->subscribed = i != 11;
    consumer->paused = i == 23;
    if (i == 23) board_say(consumer->why, sizeof consumer->why, "postgres");
    if (i == 31)
        board_say(consumer->last_error, sizeof consumer->last_error,
                  "message dead: rejected: no such customer: <script>alert(1)</script>");
    consumer->since_unix_us = clock_unix_us();
}

static void work(struct stage *stage, struct board_consumer *consumer, size_t i)
{
    struct histogram *settle = metrics_histogram(stage->metrics, METRIC_SETTLE_SECONDS,
                                                 (const char *[]){ consumer->name });
    const uint64_t n = stage->is_stuck || i % 4 == 3 ? 0 : random_below(i * 8 + 2);
    consumer->counted_unix_us = clock_unix_us();
    consumer->ready = i % 6 ? 0 : (uint32_t)(100 * i);
    consumer->stages[BOARD_STORING] = (uint32_t)n;
    consumer->stages[BOARD_HANDLING] = i % 5 == 2;
    consumer->in_flight = (uint32_t)n + (i % 5 == 2);
    if (!consumer->subscribed || consumer->paused) return;
    consumer->received += n;
    consumer->done += n;
    histogram_note_many(settle, (5 + random_below(60)) * 1000000u, n);
    if (i == 31 && !random_below(3)) consumer->dead++, consumer->dead_ready++;
}

static void die(struct board_snapshot *draft)
{
    draft->restarts = 3;
    draft->last_death_unix_us = clock_unix_us() - 120 * INT64_C(1000000);
    board_say(draft->last_death_by, sizeof draft->last_death_by, "crash");
    board_say(draft->last_death, sizeof draft->last_death,
              "SIGSEGV: total in orders.so+0x1139 < handle in orders.so+0x1204");
    board_say(draft->last_death_consumer, sizeof draft->last_death_consumer, "ledger.2");
    board_say(draft->last_death_handler, sizeof draft->last_death_handler, "handler_2");
    board_say(draft->last_death_message, sizeof draft->last_death_message, "0197-<b>7");
    draft->consumers[2].crashes = 3;
}

static void turn(void *own)
{
    struct stage *stage = own;
    struct board_snapshot *draft = board_draft(stage->board);
    draft->n_reasons = 0;
    if (stage->is_unready)
        board_add_reason(draft, "postgres: not connected: postgresql://u:secret@db/x: refused");
    draft->servers[1].connected = !stage->is_unready;
    if (stage->is_died) die(draft);
    for (size_t i = 0; i < stage->n; i++) work(stage, &draft->consumers[i], i);
    if (!stage->is_stuck) pulse_beat(board_loop_pulse(stage->board));
    board_publish(stage->board);
    timer_arm_ms(&stage->timer, TURN_MS);
}

static void follow(struct stage *stage, const char *word)
{
    if (!strcmp(word, "stuck")) stage->is_stuck = true;
    if (!strcmp(word, "unready")) stage->is_unready = true;
    if (!strcmp(word, "died")) stage->is_died = true;
    if (!strcmp(word, "busy")) stage->is_stuck = stage->is_unready = false;
    if (!strcmp(word, "drain")) board_set_draining(stage->board);
    if (stage->is_stuck) pulse_beat(board_lane_pulse(stage->board, 2, 0));
}

static void on_input(void *own, bool can_read, bool can_write)
{
    (void)can_read;
    (void)can_write;
    struct stage *stage = own;
    char word[32];
    if (!fgets(word, sizeof word, stdin)) {
        loop_stop(stage->loop);
        return;
    }
    word[strcspn(word, "\n")] = '\0';
    follow(stage, word);
}

static void introduce(struct stage *stage)
{
    struct board_snapshot *draft = board_draft(stage->board);
    board_say(draft->version, sizeof draft->version, "1.0");
    board_say(draft->name, sizeof draft->name, "stage");
    draft->started_unix_us = clock_unix_us();
    static const char *const servers[][2] = { { "amqp", "consume" }, { "postgres", "store" } };
    for (size_t i = 0; i < 2; i++) {
        board_say(draft->servers[i].kind, sizeof draft->servers[i].kind, servers[i][0]);
        board_say(draft->servers[i].name, sizeof draft->servers[i].name, servers[i][1]);
        draft->servers[i].connected = true;
    }
    for (size_t i = 0; i < stage->n; i++) name(&draft->consumers[i], i);
    log_warn("flow", "message dead: rejected", LOG_TEXT(QUEUE, "shop.orders"),
             LOG_TEXT(REASON, "no such customer"), LOG_INT(COUNT, 12));
}

static bool open_all(struct stage *stage, struct board_consumer_plan *plans)
{
    struct status status;
    for (size_t i = 0; i < stage->n; i++)
        plans[i] =
            (struct board_consumer_plan){ .lanes = i % 10 == 9 ? 40 : 1 + i % 8, .timeout_ms = 1 };
    stage->loop = loop_new();
    stage->metrics = metrics_new();
    stage->board = board_new(
        &(struct board_plan){ .n_servers = 2, .n_consumers = stage->n, .consumers = plans });
    log_kept_begin();
    introduce(stage);
    stage->site = site_open("127.0.0.1:0", stage->board, stage->metrics, &status);
    if (!stage->site) fprintf(stderr, "stage: %s\n", status.text);
    return stage->site;
}

int main(int argc, char **argv)
{
    struct stage stage = { .n = argc > 1 ? strtoul(argv[1], NULL, 10) : 50 };
    struct board_consumer_plan *plans = calloc(stage.n + 1, sizeof *plans);
    if (!plans || !open_all(&stage, plans)) return 1;
    setvbuf(stdin, NULL, _IONBF, 0);
    printf("%u\n", site_port(stage.site));
    fflush(stdout);
    timer_init(&stage.timer, stage.loop, turn, &stage);
    timer_arm_ms(&stage.timer, 0);
    stage.input = (struct socket_watch){ .on_ready = on_input, .owner = &stage };
    socket_watch_set(&stage.input, stage.loop, 0, true, false);
    loop_run(stage.loop);
    socket_watch_fini(&stage.input);
    timer_fini(&stage.timer);
    site_close(stage.site);
    board_free(stage.board);
    metrics_free(stage.metrics);
    loop_free(stage.loop);
    free(plans);
    return 0;
}
