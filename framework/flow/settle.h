/* SPDX-License-Identifier: Apache-2.0
 *
 * Settling: the one place that tells the broker what became of a message, and counts it. Acks go out
 * when settle_flush is called, many at a time (the broker, too, pays for each); what belongs to a
 * subscription that is over is never sent. */
#ifndef FLOW_SETTLE_H
#define FLOW_SETTLE_H

#include "amqp/consumer.h"
#include "flow/delivery.h"
#include "flow/ledger.h"
#include "flow/reason.h"
#include "metrics/metrics.h"

struct settle {
    struct consumer *consumer; /* set by its owner when there is one */
    struct ledger ledger;
    uint32_t grace_ms;    /* how long the ledger's prefix may stand still */
    uint32_t window, few; /* few: so little of the window that it can wait for more */
    uint64_t acked_ms;    /* when the last ack was sent; 0: none */
    struct counter *done, *retried, *dead, *reasons[DEAD_REASON_COUNT];
    struct gauge *last_done;
    struct histogram *settle_seconds, *age_seconds;
};

void settle_init(struct settle *settle, struct metrics *metrics, const char *queue,
                 uint32_t prefetch, uint32_t grace_ms);
void settle_fini(struct settle *settle);

void settle_begin(struct settle *settle, uint64_t epoch); /* a new subscription */
MUST_USE bool settle_open(struct settle *settle, uint64_t epoch, uint64_t tag);

struct settle_time {
    uint64_t now_ns; /* monotonic */
    int64_t unix_ms;
};

/* SETTLED: may be acked. As done, or because its copy is in a retry or dead queue. */
void settle_done(struct settle *settle, struct delivery *delivery, const struct settle_time *now);
void settle_retried(struct settle *settle, struct delivery *delivery,
                    const struct settle_time *now);
void settle_dead(struct settle *settle, struct delivery *delivery, enum dead_reason reason,
                 const struct settle_time *now);
/* Dead by the broker's own hop, and never held: the consumer has rejected it. */
void settle_oversize(struct settle *settle, uint64_t epoch, uint64_t tag);

void settle_flush(struct settle *settle, uint64_t now_ms);
uint64_t settle_due_ms(const struct settle *settle); /* when to flush again; 0: never */
/* Nearly all that the broker may send is in hand: a look for more would bring few. */
bool settle_has_plenty(const struct settle *settle);
/* The last flush was a moment ago and few have finished since: those may wait for a later turn; if none
 * comes, until settle_rested_ms. */
bool settle_may_rest(const struct settle *settle, uint64_t now_ms);
uint64_t settle_rested_ms(const struct settle *settle);
bool settle_is_clear(const struct settle *settle); /* nothing finished waits to be acked */

#endif
