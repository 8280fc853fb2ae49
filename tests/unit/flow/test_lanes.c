/* SPDX-License-Identifier: Apache-2.0
 *
 * Lanes with real threads and a handler of the test's own: everything given comes back once, in order
 * where order is asked for, and nothing waits behind a slow message that need not. */
#include "flow/lanes.h"

#include <criterion/criterion.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "flow/parking.h"

#define DEADLINE_MS 20000
#define MOST 4096

/* The body says what the handler does: "d" done, "r" retry once, "s" sleep until told. */
static _Atomic int opened, closed;
static _Atomic bool may_go;

static bool on_open(struct wr_host *host, void **self)
{
    (void)host;
    *self = NULL;
    opened++;
    return true;
}

static bool on_open_declined(struct wr_host *host, void **self)
{
    (void)self;
    wr_open_because(host, "the coffee is out");
    return false;
}

static enum wr_verdict on_handle(void *self, struct wr_job *job, const struct wr_message *message)
{
    (void)self;
    (void)job;
    if (message->body.at[0] == 'r' && message->attempt == 1) return WR_RETRY;
    while (message->body.at[0] == 's' && !may_go)
        nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
    return WR_DONE;
}

static void on_close(void *self)
{
    (void)self;
    closed++;
}

static const struct wr_sink no_sinks[1];
static const struct wr_loader no_loaders[1];
static const struct wr_option no_options[1];
static const struct wr_counter no_counters[1];

static struct wr_handler handler = {
    .size = sizeof(struct wr_handler),
    .name = "test",
    .sinks = no_sinks,
    .loaders = no_loaders,
    .options = no_options,
    .counters = no_counters,
    .open = on_open,
    .handle = on_handle,
    .close = on_close,
};

/* ---- a crew of the test's own -------------------------------------------------------------- */

struct stage {
    struct lane_orders orders;
    struct bell bell;
    struct pulse_clock clock;
    struct pulse pulses[4], *pulse_list[4];
    struct metrics *metrics;
    struct delivery_pool pool;
    struct lanes *lanes;
    struct delivery *back[MOST];
    size_t n_back;
};

static struct lanes *start_lanes(struct stage *stage, unsigned n, bool is_ordered,
                                 struct status *status)
{
    const char *const labels[] = { "q" };
    const struct lanes_settings settings = {
        .n = n,
        .pulses = stage->pulse_list,
        .lane = { .job = { .handler = &handler, .queue = "q" },
                  .capacity = MOST,
                  .timeout_ms = 1000,
                  .orders = &stage->orders,
                  .finished = &stage->bell,
                  .handler_seconds =
                      metrics_histogram(stage->metrics, METRIC_HANDLER_SECONDS, labels),
                  .busy_seconds = metrics_counter(stage->metrics, METRIC_LANE_BUSY_SECONDS, labels),
                  .is_ordered = is_ordered },
    };
    return lanes_start(&settings, status);
}

static struct stage *open_stage(unsigned n, bool is_ordered)
{
    struct stage *stage = calloc(1, sizeof *stage);
    struct status status = { 0 };
    stage->clock.counted_ms = 1;
    for (int i = 0; i < 4; i++) {
        stage->pulses[i].clock = &stage->clock;
        stage->pulse_list[i] = &stage->pulses[i];
    }
    stage->orders.epoch = 1;
    stage->orders.drain_deadline_ms = UINT64_MAX;
    stage->metrics = metrics_new();
    delivery_pool_init(&stage->pool);
    cr_assert(bell_open(&stage->bell, &status));
    stage->lanes = start_lanes(stage, n, is_ordered, &status);
    cr_assert(stage->lanes, "%s", status.text);
    return stage;
}

static void on_back(void *own, struct delivery *delivery)
{
    struct stage *stage = own;
    stage->back[stage->n_back++] = delivery;
}

static void await_back(struct stage *stage, size_t n)
{
    const uint64_t deadline_ms = clock_now_ms() + DEADLINE_MS;
    while (stage->n_back < n) {
        cr_assert(clock_now_ms() < deadline_ms, "%zu of %zu came back", stage->n_back, n);
        struct pollfd bell = { .fd = stage->bell.fd, .events = POLLIN };
        if (poll(&bell, 1, 100) == 1) bell_wait(&stage->bell);
        lanes_collect(stage->lanes, on_back, stage);
        (void)lanes_push(stage->lanes, UINT32_MAX);
    }
}

static struct delivery *add(struct stage *stage, uint64_t tag, const char *body, uint64_t key)
{
    struct delivery *delivery = delivery_take(&stage->pool);
    delivery->epoch = 1;
    delivery->tag = tag;
    delivery->order_key = key << 32 | key;
    delivery->job = (struct job_message){ .message = { .body = text_of(body), .attempt = 1 },
                                          .headers = { "", 0 } };
    lanes_add(stage->lanes, delivery);
    return delivery;
}

static void give_all_back(struct stage *stage)
{
    for (size_t i = 0; i < stage->n_back; i++) delivery_give(&stage->pool, &stage->back[i]);
    stage->n_back = 0;
}

static void close_stage(struct stage *stage)
{
    give_all_back(stage);
    cr_assert(lanes_stop(stage->lanes, clock_now_ms() + DEADLINE_MS));
    lanes_free(stage->lanes);
    delivery_pool_fini(&stage->pool);
    bell_close(&stage->bell);
    metrics_free(stage->metrics);
    free(stage);
}

/* ---- tests --------------------------------------------------------------------------------- */

Test(lanes, give_everything_back_once)
{
    struct stage *stage = open_stage(4, false);
    static bool seen[MOST + 1];
    for (uint64_t tag = 1; tag <= 2000; tag++) (void)add(stage, tag, "d", 0);
    (void)lanes_push(stage->lanes, UINT32_MAX);
    await_back(stage, 2000);
    for (size_t i = 0; i < 2000; i++) {
        cr_assert(!seen[stage->back[i]->tag]);
        seen[stage->back[i]->tag] = true;
        cr_assert(stage->back[i]->outcome.verdict == WR_DONE && !stage->back[i]->is_skipped);
    }
    cr_assert(lanes_busy(stage->lanes) == 0);
    uint64_t handled = 0;
    for (unsigned i = 0; i < 4; i++) handled += lanes_handled(stage->lanes, i);
    cr_assert(handled == 2000);
    close_stage(stage);
    cr_assert(opened == 4 && closed == 4);
}

Test(lanes, keep_the_order_of_each_key)
{
    struct stage *stage = open_stage(3, true);
    uint64_t last[7] = { 0 };
    for (uint64_t tag = 1; tag <= 2000; tag++) (void)add(stage, tag, "d", tag % 7);
    (void)lanes_push(stage->lanes, UINT32_MAX);
    await_back(stage, 2000);
    for (size_t i = 0; i < 2000; i++) {
        const uint64_t tag = stage->back[i]->tag;
        cr_assert(tag > last[tag % 7]);
        last[tag % 7] = tag;
    }
    close_stage(stage);
}

Test(lanes, park_what_comes_behind_a_message_that_goes_again)
{
    struct stage *stage = open_stage(1, true);
    struct delivery *head = add(stage, 1, "r", 5);
    (void)add(stage, 2, "d", 5);
    (void)add(stage, 3, "d", 6);
    (void)lanes_push(stage->lanes, UINT32_MAX);
    await_back(stage, 3);
    cr_assert(stage->back[0] == head && head->outcome.verdict == WR_RETRY && !head->is_parked);
    cr_assert(stage->back[1]->tag == 2 && stage->back[1]->is_parked);
    cr_assert(stage->back[2]->tag == 3 && !stage->back[2]->is_parked);

    struct delivery *parked = stage->back[1], *other = stage->back[2];
    stage->n_back = 0;
    delivery_give(&stage->pool, &other);
    delivery_move(head, DELIVERY_HELD);
    delivery_move(head, DELIVERY_RECEIVED);
    delivery_move(parked, DELIVERY_RECEIVED);
    head->is_head = true;
    head->job.message.attempt = 2;
    lanes_add(stage->lanes, head);
    lanes_add(stage->lanes, parked);
    (void)lanes_push(stage->lanes, UINT32_MAX);
    await_back(stage, 2);
    cr_assert(stage->back[0] == head && head->outcome.verdict == WR_DONE);
    cr_assert(stage->back[1] == parked && !parked->is_parked);
    close_stage(stage);
}

Test(lanes, flow_while_one_sleeps)
{
    struct stage *stage = open_stage(4, false);
    may_go = false;
    (void)add(stage, 1, "s", 0);
    (void)lanes_push(stage->lanes, UINT32_MAX);
    for (uint64_t tag = 2; tag <= 1000; tag++) (void)add(stage, tag, "d", 0);
    (void)lanes_push(stage->lanes, UINT32_MAX);
    await_back(stage, 900); /* all but the sleeper and the few that stand behind it */
    may_go = true;
    await_back(stage, 1000);
    close_stage(stage);
}

Test(lanes, skip_what_is_of_another_subscription_or_not_begun_at_a_drain)
{
    struct stage *stage = open_stage(1, false);
    add(stage, 1, "d", 0)->epoch = 9;
    (void)lanes_push(stage->lanes, UINT32_MAX);
    await_back(stage, 1);
    cr_assert(stage->back[0]->is_skipped);
    atomic_store(&stage->orders.is_draining, true);
    (void)add(stage, 2, "d", 0);
    (void)lanes_push(stage->lanes, UINT32_MAX);
    await_back(stage, 2);
    cr_assert(stage->back[1]->is_skipped);
    cr_assert(lanes_handled(stage->lanes, 0) == 0);
    close_stage(stage);
}

Test(lanes, forget_what_no_lane_has_seen)
{
    struct stage *stage = open_stage(2, true);
    struct list forgotten;
    list_init(&forgotten);
    for (uint64_t tag = 1; tag <= 10; tag++) (void)add(stage, tag, "d", tag);
    lanes_forget(stage->lanes, &forgotten);
    unsigned n = 0;
    for (struct list *link; (link = list_take_first(&forgotten)); n++) {
        struct delivery *delivery = LIST_ENTRY(link, struct delivery, link);
        delivery_give(&stage->pool, &delivery);
    }
    cr_assert(n == 10 && lanes_busy(stage->lanes) == 0);
    close_stage(stage);
}

Test(lanes, say_why_a_handler_would_not_open)
{
    struct stage *stage = open_stage(1, false);
    struct status status = { 0 };
    handler.open = on_open_declined;
    cr_assert(start_lanes(stage, 2, false, &status) == NULL);
    handler.open = on_open;
    cr_assert(strstr(status.text, "the coffee is out"), "%s", status.text);
    close_stage(stage);
}

/* Past what waits; and what waits is known of. */
Test(lanes, give_one_alone)
{
    struct stage *stage = open_stage(2, false);
    for (uint64_t tag = 1; tag <= 3; tag++) (void)add(stage, tag, "d", 0);
    struct delivery *one = add(stage, 4, "d", 0);
    list_remove(&one->link);
    lanes_give_one(stage->lanes, one);
    cr_assert(lanes_busy(stage->lanes) == 1 && lanes_have_waiting(stage->lanes));
    while (!stage->n_back) lanes_collect(stage->lanes, on_back, stage);
    cr_assert(stage->n_back == 1 && stage->back[0] == one);
    await_back(stage, 4);
    cr_assert(!lanes_have_waiting(stage->lanes));
    close_stage(stage);
}

/* A lane that is given up is not waited for; one that comes back after all is counted as before. */
Test(lanes, are_given_up_and_may_come_back)
{
    struct stage *stage = open_stage(2, true);
    may_go = false;
    (void)add(stage, 1, "s", 0);
    (void)add(stage, 2, "d", 0);
    (void)add(stage, 3, "d", 1);
    (void)lanes_push(stage->lanes, UINT32_MAX);
    await_back(stage, 1);
    cr_assert(stage->back[0]->tag == 3 && lanes_busy(stage->lanes) == 2);
    lanes_give_up(stage->lanes, 0);
    lanes_give_up(stage->lanes, 0);
    cr_assert(lanes_busy(stage->lanes) == 0);
    may_go = true;
    await_back(stage, 3);
    cr_assert(lanes_busy(stage->lanes) == 0);
    close_stage(stage);
}
