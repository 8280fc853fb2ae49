/* SPDX-License-Identifier: Apache-2.0
 *
 * A broker's refusal of a declaration, in words that name the thing, both values, and the way out.
 * Pure. Internal to the room. */
#ifndef AMQP_REFUSAL_H
#define AMQP_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct refusal {
    uint16_t code;        /* the broker's: 403, 404, 405, 406, … */
    const char *words;    /* the broker's */
    const char *exchange; /* what was being declared or bound to; NULL: not */
    const char *queue;    /* likewise */
    const char *vhost;
    bool is_side_queue; /* `queue` is a Q.dead or Q.retry.D, which `declare` does not change */
};

/* `status` gets the fault. */
void refusal_explain(const struct refusal *refusal, struct status *status);

/* Whether it is only about the delivery limit: then `current` is the broker's (DELIVERY_LIMIT_NONE:
 * without one) and `warning` says so, with the policy that mends it. */
bool refusal_is_limit(const struct refusal *refusal, int64_t wanted, int64_t *current,
                      char *warning, size_t warning_bytes);

/* Whether a channel was closed because something on it was not acknowledged in time; then `most_ms` is
 * what the broker waits. */
bool refusal_is_late_ack(uint16_t code, const char *words, uint64_t *most_ms);

#endif
