/* SPDX-License-Identifier: Apache-2.0
 *
 * Telling the broker; see settle.h. */
#include "flow/settle.h"

#define ACKS_AT_ONCE 64
#define REST_MS 5
#define REST_MOST_MS 10 /* turns come far more often; a timer that moves with each ack is a cost */
#define FEW_OF_WINDOW 4

#define OUTCOME(name) metrics_counter(metrics, METRIC_SETTLED, (const char *[]){ queue, name })

void settle_init(struct settle *settle, struct metrics *metrics, const char *queue,
                 uint32_t prefetch, uint32_t grace_ms)
{
    const char *const labels[] = { queue };
    *settle = (struct settle){
        .grace_ms = grace_ms,
        .window = prefetch,
        .few = prefetch / FEW_OF_WINDOW,
        .done = OUTCOME("done"),
        .retried = OUTCOME("retry"),
        .dead = OUTCOME("dead"),
        .last_done = metrics_gauge(metrics, METRIC_LAST_DONE, labels),
        .settle_seconds = metrics_histogram(metrics, METRIC_SETTLE_SECONDS, labels),
        .age_seconds = metrics_histogram(metrics, METRIC_MESSAGE_AGE_SECONDS, labels),
    };
    for (int i = 0; i < DEAD_REASON_COUNT; i++)
        settle->reasons[i] = metrics_counter(
            metrics, METRIC_DEAD, (const char *[]){ queue, dead_reason_name((enum dead_reason)i) });
    ledger_init(&settle->ledger, prefetch);
}

void settle_fini(struct settle *settle)
{
    ledger_fini(&settle->ledger);
}

void settle_begin(struct settle *settle, uint64_t epoch)
{
    ledger_begin(&settle->ledger, epoch);
}

bool settle_open(struct settle *settle, uint64_t epoch, uint64_t tag)
{
    return epoch == settle->ledger.epoch && ledger_open(&settle->ledger, tag);
}

static void note_age(struct settle *settle, const struct delivery *delivery, int64_t unix_ms)
{
    const int64_t sent_ms = delivery->job.message.timestamp_ms;
    if (!sent_ms) return;
    const uint64_t age_ms = unix_ms > sent_ms ? (uint64_t)(unix_ms - sent_ms) : 0;
    histogram_note(settle->age_seconds, age_ms * 1000000u);
}

static bool finish(struct settle *settle, const struct delivery *delivery,
                   const struct settle_time *now)
{
    if (delivery->epoch != settle->ledger.epoch) return false;
    ledger_finish(&settle->ledger, delivery->tag);
    histogram_note(settle->settle_seconds, now->now_ns - delivery->received_ns);
    return true;
}

void settle_done(struct settle *settle, struct delivery *delivery, const struct settle_time *now)
{
    if (!finish(settle, delivery, now)) return;
    counter_add(settle->done, 1);
    gauge_set(settle->last_done, (double)now->unix_ms / 1e3);
    note_age(settle, delivery, now->unix_ms);
}

void settle_retried(struct settle *settle, struct delivery *delivery, const struct settle_time *now)
{
    if (finish(settle, delivery, now)) counter_add(settle->retried, 1);
}

static void count_dead(struct settle *settle, enum dead_reason reason)
{
    counter_add(settle->dead, 1);
    counter_add(settle->reasons[reason], 1);
}

void settle_dead(struct settle *settle, struct delivery *delivery, enum dead_reason reason,
                 const struct settle_time *now)
{
    if (finish(settle, delivery, now)) count_dead(settle, reason);
}

void settle_oversize(struct settle *settle, uint64_t epoch, uint64_t tag)
{
    if (!settle_open(settle, epoch, tag)) return;
    ledger_drop(&settle->ledger, tag);
    count_dead(settle, DEAD_OVERSIZE);
}

void settle_flush(struct settle *settle, uint64_t now_ms)
{
    struct ledger_ack acks[ACKS_AT_ONCE];
    size_t n;
    do {
        n = ledger_collect(&settle->ledger, now_ms, settle->grace_ms, acks, ACKS_AT_ONCE);
        for (size_t i = 0; i < n; i++)
            if (!consumer_ack(settle->consumer, settle->ledger.epoch, acks[i].tag,
                              acks[i].multiple))
                return; /* the subscription is over: on_unsubscribed is on its way */
        if (n) settle->acked_ms = now_ms;
    } while (n == ACKS_AT_ONCE);
}

uint64_t settle_due_ms(const struct settle *settle)
{
    return ledger_due_ms(&settle->ledger, settle->grace_ms);
}

bool settle_has_plenty(const struct settle *settle)
{
    return settle->ledger.open + settle->ledger.finished + settle->few > settle->window;
}

bool settle_may_rest(const struct settle *settle, uint64_t now_ms)
{
    const uint32_t n = settle->ledger.finished;
    return n && n < settle->few && now_ms < settle->acked_ms + REST_MS;
}

uint64_t settle_rested_ms(const struct settle *settle)
{
    return settle->acked_ms + REST_MOST_MS;
}

bool settle_is_clear(const struct settle *settle)
{
    return !settle->ledger.finished;
}
