/* SPDX-License-Identifier: Apache-2.0
 *
 * What a handler's verdict leads to: a place in the batch, another try after a while, or the dead
 * queue. */
#include <stdio.h>

#include "base/log.h"
#include "flow/crew_inside.h"

static uint64_t now_ms(const struct crew *crew)
{
    return crew->now.now_ns / 1000000u;
}

/* One line a second for each consumer, however many messages fail. */
static void complain(struct crew *crew, const struct delivery *delivery, const char *what)
{
    const struct wr_text reason = delivery->outcome.reason;
    char shown[200];
    snprintf(crew->last_error, sizeof crew->last_error, "%s: %s", what,
             text_show(reason, shown, sizeof shown));
    if (crew->complained_ms && now_ms(crew) - crew->complained_ms < 1000) {
        crew->unsaid++;
        return;
    }
    log_warn("flow", what, LOG_TEXT(QUEUE, crew->settings.name),
             LOG_SPAN(MESSAGE_ID, delivery->job.message.id), LOG_SPAN(REASON, reason),
             LOG_SPAN(CODE, delivery->outcome.code), LOG_INT(ATTEMPT, delivery->attempt),
             LOG_INT(COUNT, crew->unsaid + 1));
    crew->complained_ms = now_ms(crew);
    crew->unsaid = 0;
}

/* Its key, if it was stopped for it, flows again. */
static void release_key(struct crew *crew, const struct delivery *delivery)
{
    if (!delivery->is_head) return;
    struct list parked;
    list_init(&parked);
    parking_release(&crew->parking, delivery->order_key, &parked);
    LIST_EACH (link, &parked) {
        list_remove(link);
        lanes_add(crew->lanes, LIST_ENTRY(link, struct delivery, link));
    }
}

static void stage(struct crew *crew, struct delivery *delivery)
{
    release_key(crew, delivery);
    delivery_move(delivery, DELIVERY_STAGED);
    batch_add(&crew->batch, delivery, now_ms(crew));
}

static void bury(struct crew *crew, struct delivery *delivery, enum dead_reason reason)
{
    complain(crew, delivery,
             reason == DEAD_ATTEMPTS ? "message dead: no attempts left" : "message dead: rejected");
    release_key(crew, delivery);
    settle_dead(&crew->settle, delivery, reason);
    crew_free_delivery(crew, delivery);
}

static void hold(struct crew *crew, struct delivery *delivery, uint32_t after_ms)
{
    delivery_move(delivery, DELIVERY_HELD);
    arena_rewind(&delivery->arena, &delivery->arrived); /* or each try would add to it */
    delivery->outcome = (struct job_outcome){ 0 };
    if (crew_is_ordered(crew)) {
        delivery->is_head = true;
        parking_stop(&crew->parking, delivery->order_key);
    }
    hold_add(&crew->hold, delivery, now_ms(crew) + after_ms);
}

static void go_again(struct crew *crew, struct delivery *delivery)
{
    const struct retry_choice choice = retry_choose(&crew->settings.retry, delivery->attempt);
    if (choice.is_dead) {
        bury(crew, delivery, DEAD_ATTEMPTS);
        return;
    }
    counter_add(crew->retried, 1);
    complain(crew, delivery, "message to be handled again");
    delivery->attempt++;
    delivery->waits = 0;
    hold(crew, delivery, choice.after_ms);
}

static void wait_for_it(struct crew *crew, struct delivery *delivery)
{
    complain(crew, delivery, "handler waits for what it needs");
    hold(crew, delivery, retry_wait_ms(++delivery->waits));
}

/* No publisher and no cache are there to carry it out. */
static bool asks_for_the_impossible(const struct delivery *delivery)
{
    return delivery->outcome.effects.n_publishes || delivery->outcome.effects.n_caches;
}

static void follow(struct crew *crew, struct delivery *delivery)
{
    if (asks_for_the_impossible(delivery)) {
        delivery->outcome.verdict = WR_REJECT;
        delivery->outcome.reason =
            text_of("the handler publishes or writes to the cache, which this host cannot do");
    }
    switch (delivery->outcome.verdict) {
    case WR_DONE: stage(crew, delivery); break;
    case WR_RETRY: go_again(crew, delivery); break;
    case WR_WAIT: wait_for_it(crew, delivery); break;
    case WR_REJECT: bury(crew, delivery, DEAD_REJECTED); break;
    }
}

void crew_decide(void *own, struct delivery *delivery)
{
    struct crew *crew = own;
    const bool is_stale = delivery->epoch != crew->settle.ledger.epoch;
    if (is_stale || delivery->is_skipped)
        crew_free_delivery(crew, delivery); /* unacked: it comes again, to us or to another */
    else if (delivery->is_parked) {
        delivery_move(delivery, DELIVERY_RECEIVED);
        delivery->is_parked = false;
        parking_add(&crew->parking, delivery);
    } else
        follow(crew, delivery);
}

/* ---- what the store said ------------------------------------------------------------------- */

static void put_reason(struct crew *crew, struct delivery *delivery, const char *text,
                       const char *code)
{
    crew_read_clocks(crew);
    delivery->outcome.reason = arena_copy(&delivery->arena, text_of(text));
    delivery->outcome.code = arena_copy(&delivery->arena, text_of(code));
}

static void on_bad_row(void *own, struct delivery *delivery, const char *text, const char *code)
{
    put_reason(own, delivery, text, code);
    bury(own, delivery, DEAD_ROW);
}

static void on_not_yet(void *own, struct delivery *delivery, const char *text, const char *code)
{
    put_reason(own, delivery, text, code);
    go_again(own, delivery);
}

static void on_answered(void *own)
{
    crew_turn(own);
}

static void on_forgotten(void *own, struct delivery *delivery)
{
    crew_free_delivery(own, delivery);
}

const struct shipper_events crew_shipper_events = {
    .on_stored = crew_conclude,
    .on_bad_row = on_bad_row,
    .on_not_yet = on_not_yet,
    .on_answered = on_answered,
    .on_forgotten = on_forgotten,
};
