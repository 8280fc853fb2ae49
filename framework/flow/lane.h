/* SPDX-License-Identifier: Apache-2.0
 *
 * A lane: one thread with one handler state. Deliveries go to it over one ring and come back over
 * another, in order, in chunks; a wake-up costs one chunk, not one message. It does no I/O of its own.
 * What belongs to a subscription that is over, or was not begun when a drain began, comes back
 * unhandled (`is_skipped`); so does what prepare wants something for (`is_prepared`), which is given
 * again when it is there. */
#ifndef FLOW_LANE_H
#define FLOW_LANE_H

#include <stdatomic.h>

#include "flow/bell.h"
#include "flow/crash_note.h"
#include "flow/delivery.h"
#include "metrics/metrics.h"
#include "metrics/pulse.h"

#define LANE_CHUNK 64

/* What all lanes of a consumer look at and the loop writes. */
struct lane_orders {
    _Atomic uint64_t epoch; /* of the subscription that lives; 0: none */
    _Atomic bool is_draining;
    _Atomic uint64_t drain_deadline_ms; /* monotonic; UINT64_MAX: no drain */
};

struct lane_settings {
    struct job_settings job;
    size_t capacity;     /* the most deliveries it is ever given at once */
    uint32_t timeout_ms; /* one call of the handler */
    const struct lane_orders *orders;
    struct bell *finished;   /* rung when deliveries have come back */
    struct pulse *pulse;     /* beats while a message is handled */
    struct crash_note *note; /* of the message it handles; NULL: kept nowhere */
    struct histogram *handler_seconds;
    struct counter *busy_seconds; /* shared among the consumer's lanes */
    bool is_ordered;              /* see flow/parking.h */
};

struct lane;

/* Starts the thread, which opens the handler's state first. */
MUST_USE struct lane *lane_start(const struct lane_settings *settings, struct status *status);
/* Waits until the handler's open has answered; its words when it declined. */
MUST_USE bool lane_await_open(struct lane *lane, struct status *status);

void lane_give(struct lane *lane, struct delivery *const *deliveries, size_t n);
void lane_wake(struct lane *lane); /* after giving */
size_t lane_take(struct lane *lane, struct delivery **deliveries, size_t room);

uint64_t lane_typical_ns(const struct lane *lane); /* what one message takes it, of late */
uint64_t lane_handled(const struct lane *lane);

/* Asks the thread to end after what it has. */
void lane_stop(struct lane *lane);
/* Waits for that until `deadline_ms` (monotonic); false: a handler still has it. */
MUST_USE bool lane_join(struct lane *lane, uint64_t deadline_ms);
void lane_free(struct lane *lane); /* after lane_join; what came back must have been taken */

#endif
