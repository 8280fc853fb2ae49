/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of a message whose handler did not say DONE: handled again after a while, in place,
 * or dead; and the deliveries that wait for that moment. Pure: told the time. */
#ifndef FLOW_RETRY_H
#define FLOW_RETRY_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/delivery.h"

struct retry_policy {
    const uint32_t *delays_ms; /* the last repeats */
    unsigned n_delays;         /* 1 or more */
    uint32_t attempts;         /* after so many it is dead */
};

struct retry_choice {
    bool is_dead;
    uint32_t after_ms;
};

/* After `attempt` (1 the first time) ended in WR_RETRY. */
struct retry_choice retry_choose(const struct retry_policy *policy, uint32_t attempt);

/* How long its consumer rests for a WR_WAIT, the `nth` in a row (from 1): no attempt is spent. */
uint32_t retry_wait_ms(uint32_t nth);

/* Deliveries in the order of their time. */
struct hold {
    struct list deliveries;
    uint32_t n;
};

void hold_init(struct hold *hold);
void hold_add(struct hold *hold, struct delivery *delivery, uint64_t due_ms);
struct delivery *hold_take_due(struct hold *hold, uint64_t now_ms); /* NULL: none is due */
uint64_t hold_due_ms(const struct hold *hold);                      /* 0: holds nothing */

#endif
