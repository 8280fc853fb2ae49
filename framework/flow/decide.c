/* SPDX-License-Identifier: Apache-2.0
 *
 * What a handler's verdict leads to: a place in the batch, another try after a while (in place where
 * its order must be kept, else by way of a retry queue), or the dead queue. */
#include <stdio.h>

#include "flow/crew_inside.h"

static uint64_t now_ms(const struct crew *crew)
{
    return crew->now.now_ns / 1000000u;
}

static struct wr_text reason_of(const struct delivery *delivery)
{
    const struct wr_text reason = delivery->outcome.reason;
    return reason.len ? reason : WR_TEXT_OF("its handler gave no reason");
}

void crew_complain(struct crew *crew, const struct delivery *delivery, const char *what)
{
    const struct grievance grievance = {
        .what = what,
        .message = &delivery->job,
        .code = delivery->outcome.code,
        .reason = reason_of(delivery),
        .attempt = delivery->attempt,
    };
    char shown[200];
    snprintf(crew->last_error, sizeof crew->last_error, "%s: %s", what,
             text_show(grievance.reason, shown, sizeof shown));
    complaints_note(&crew->complaints, &grievance, now_ms(crew));
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
        crew_offer(crew, LIST_ENTRY(link, struct delivery, link));
    }
}

static void stage(struct crew *crew, struct delivery *delivery)
{
    release_key(crew, delivery);
    delivery_move(delivery, DELIVERY_STAGED);
    batch_add(&crew->batch, delivery, now_ms(crew));
    if (crew->batch.n >= crew->settings.batch.rows) crew_close_batch(crew);
}

static void bury(struct crew *crew, struct delivery *delivery, enum dead_reason reason)
{
    release_key(crew, delivery);
    crew_bury(crew, delivery, reason, delivery->outcome.reason);
}

/* Unseen by its handler where it cannot be read. */
static void bury_rejected(struct crew *crew, struct delivery *delivery)
{
    bury(crew, delivery, delivery->job.fault.len ? DEAD_UNDECODABLE : DEAD_REJECTED);
}

/* As it arrived, or each try would add to it; what it reads, it will read anew. */
static void forget_outcome(struct crew *crew, struct delivery *delivery)
{
    crew_end_reading(crew, delivery);
    delivery->is_prepared = delivery->is_fetched = false;
    delivery->wanted = NULL;
    arena_rewind(&delivery->arena, &delivery->arrived);
    delivery->outcome = (struct job_outcome){ 0 };
}

static void hold(struct crew *crew, struct delivery *delivery, uint32_t after_ms)
{
    delivery_move(delivery, DELIVERY_HELD);
    forget_outcome(crew, delivery);
    if (crew_is_ordered(crew)) {
        delivery->is_head = true;
        parking_stop(&crew->parking, delivery->order_key);
    }
    hold_add(&crew->hold, delivery, now_ms(crew) + after_ms);
    if (delivery->is_suspect) crew_suspect_left(crew, delivery);
}

static void go_again(struct crew *crew, struct delivery *delivery)
{
    const struct retry_choice choice = retry_choose(&crew->settings.retry, delivery->attempt);
    if (choice.is_dead) {
        bury(crew, delivery, DEAD_ATTEMPTS);
        return;
    }
    crew_complain(crew, delivery, "message to be handled again");
    if (!crew_is_ordered(crew)) {
        crew_retry_later(crew, delivery, choice.after_ms);
        return;
    }
    counter_add(crew->settle.retried, 1); /* in place, or its key's order would be lost */
    delivery->attempt++;
    hold(crew, delivery, choice.after_ms);
}

/* No attempt is spent; when it is handled again is the valve's to say. */
static void wait_for_it(struct crew *crew, struct delivery *delivery)
{
    text_show(reason_of(delivery), crew->waits_for, sizeof crew->waits_for);
    crew_complain(crew, delivery, "handler waits for what it needs");
    valve_wait(&crew->valve, now_ms(crew));
    hold(crew, delivery, 0);
}

static void follow(struct crew *crew, struct delivery *delivery)
{
    if (!crew->cacher) { /* write-through is off */
        delivery->outcome.effects.caches = NULL;
        delivery->outcome.effects.n_caches = 0;
    }
    switch (delivery->outcome.verdict) {
    case WR_DONE: stage(crew, delivery); break;
    case WR_RETRY: go_again(crew, delivery); break;
    case WR_WAIT: wait_for_it(crew, delivery); break;
    case WR_REJECT: bury_rejected(crew, delivery); break;
    }
}

/* What failed after the breaker had tripped is handled again when that rests no more: the dead queue
 * is to get a few, not all that was in hand. */
static void weigh(struct crew *crew, struct delivery *delivery)
{
    const enum wr_verdict verdict = delivery->outcome.verdict;
    const bool is_failure = verdict == WR_RETRY || verdict == WR_REJECT;
    const bool is_late = is_failure && valve_has_tripped(&crew->valve);
    if (verdict != WR_WAIT) valve_note(&crew->valve, VALVE_HANDLED, is_failure, now_ms(crew));
    if (is_late)
        hold(crew, delivery, 0);
    else
        follow(crew, delivery);
}

/* Its key was stopped while it was in its lane's hands. */
static bool is_overtaking(const struct crew *crew, const struct delivery *delivery)
{
    return !delivery->is_head && parking_is_stopped(&crew->parking, delivery->order_key);
}

/* Behind the head of its key, to be handled anew. */
static void wait_behind(struct crew *crew, struct delivery *delivery)
{
    delivery_move(delivery, DELIVERY_RECEIVED);
    delivery->is_parked = delivery->is_head = false;
    forget_outcome(crew, delivery);
    parking_add(&crew->parking, delivery);
    if (delivery->is_suspect) crew_suspect_left(crew, delivery);
}

static void park(struct crew *crew, struct delivery *delivery)
{
    wait_behind(crew, delivery);
    valve_took_back(&crew->valve);
}

/* Its key was stopped when these were decided already. */
static void park_staged(struct crew *crew, uint64_t order_key)
{
    struct list behind;
    list_init(&behind);
    shipper_take_key(crew->shipper, order_key, &behind);
    crew->batch.n -= batch_take_key(&crew->batch.deliveries, order_key, &behind);
    LIST_EACH (link, &behind) {
        list_remove(link);
        wait_behind(crew, LIST_ENTRY(link, struct delivery, link));
    }
}

/* What it wants is loaded; then it goes to a lane again. */
static void fetch(struct crew *crew, struct delivery *delivery)
{
    valve_took_back(&crew->valve);
    delivery_move(delivery, DELIVERY_FETCHING);
    fetcher_add(crew->fetcher, delivery);
}

void crew_decide(void *own, struct delivery *delivery)
{
    struct crew *crew = own;
    const bool is_stale = delivery->epoch != crew->settle.ledger.epoch;
    if (UNLIKELY(is_stale)) crew_blame_slow(crew, delivery);
    if (is_stale || delivery->is_skipped)
        crew_free_delivery(crew, delivery); /* unacked: it comes again, to us or to another */
    else if (delivery->is_parked || is_overtaking(crew, delivery))
        park(crew, delivery);
    else if (delivery->is_prepared && !delivery->is_fetched)
        fetch(crew, delivery);
    else {
        fetcher_note_handled(delivery);
        weigh(crew, delivery);
    }
}

/* ---- what was read -------------------------------------------------------------------------- */

static void on_fetched(void *own, struct delivery *delivery)
{
    struct crew *crew = own;
    delivery_move(delivery, DELIVERY_RECEIVED);
    crew_offer_fetched(crew, delivery);
    timer_arm_ms(&crew->timer, 0); /* a turn follows */
}

static void on_refused(void *own, struct delivery *delivery, const struct fetch_refusal *refusal)
{
    struct crew *crew = own;
    crew_read_clocks(crew);
    delivery->outcome = (struct job_outcome){
        .verdict = WR_REJECT,
        .reason = arena_copy(&delivery->arena, refusal->words),
        .code = arena_copy(&delivery->arena, refusal->code),
    };
    const bool is_late = valve_has_tripped(&crew->valve);
    valve_note(&crew->valve, VALVE_HANDLED, true, now_ms(crew));
    if (is_late)
        hold(crew, delivery, 0);
    else if (refusal->is_final)
        bury(crew, delivery, DEAD_REJECTED);
    else
        go_again(crew, delivery);
    timer_arm_ms(&crew->timer, 0);
}

const struct fetcher_events crew_fetcher_events = { on_fetched, on_refused };

/* ---- what the store said ------------------------------------------------------------------- */

static void put_reason(struct crew *crew, struct delivery *delivery,
                       const struct store_answer *answer)
{
    crew_read_clocks(crew);
    delivery->outcome.reason = arena_copy(&delivery->arena, text_of(answer->text));
    delivery->outcome.code = arena_copy(&delivery->arena, text_of(answer->sqlstate));
}

/* The letter says all that PostgreSQL said; the log leaves out the row's own values. */
static void on_bad_row(void *own, struct delivery *delivery, const struct store_answer *answer)
{
    char words[1500];
    snprintf(words, sizeof words, "%s%s%s%s%s%s%s%s%s", answer->text,
             *answer->table ? "; table " : "", answer->table, *answer->column ? "; column " : "",
             answer->column, *answer->constraint ? "; constraint " : "", answer->constraint,
             *answer->detail ? "; " : "", answer->detail);
    struct crew *crew = own;
    put_reason(crew, delivery, answer);
    const bool is_late = valve_has_tripped(&crew->valve) && !crew_is_ordered(crew);
    valve_note(&crew->valve, VALVE_STORED, true, now_ms(crew));
    if (is_late)
        hold(crew, delivery, 0);
    else
        crew_bury(crew, delivery, DEAD_ROW, arena_copy(&delivery->arena, text_of(words)));
}

static void on_not_yet(void *own, struct delivery *delivery, const struct store_answer *answer)
{
    struct crew *crew = own;
    const uint64_t order_key = delivery->order_key;
    put_reason(crew, delivery, answer);
    valve_note(&crew->valve, VALVE_STORED, true, now_ms(crew));
    go_again(crew, delivery);
    if (crew_is_ordered(crew) && parking_is_stopped(&crew->parking, order_key))
        park_staged(crew, order_key);
}

/* No attempt is spent: what it decides on now is newer. Its keys are still its own. */
static void on_moved(void *own, struct delivery *delivery)
{
    struct crew *crew = own;
    crew_read_clocks(crew);
    if (crew->is_draining) {
        crew_free_delivery(crew, delivery); /* unacked: another host handles it */
        return;
    }
    delivery_move(delivery, DELIVERY_FETCHING);
    delivery->outcome = (struct job_outcome){ 0 };
    fetcher_add_again(crew->fetcher, delivery);
}

static void on_answered(void *own)
{
    crew_turn(own);
}

static void on_forgotten(void *own, struct delivery *delivery)
{
    crew_free_delivery(own, delivery);
}

static void on_recalled(void *own, const struct recalled *recalled, size_t n, uint64_t began_ns)
{
    struct crew *crew = own;
    if (crew->cacher) cacher_add_recalled(crew->cacher, recalled, n, began_ns);
}

const struct shipper_events crew_shipper_events = {
    .on_recalled = on_recalled,
    .on_stored = crew_conclude,
    .on_bad_row = on_bad_row,
    .on_not_yet = on_not_yet,
    .on_moved = on_moved,
    .on_answered = on_answered,
    .on_forgotten = on_forgotten,
};
