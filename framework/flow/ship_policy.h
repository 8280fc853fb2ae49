/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of a batch after the store has answered. Data faults split it until the bad message is
 * alone; the server's own faults run it again and spend nothing, but a batch that keeps failing on a
 * server that is well is split too, for a row that always times out must not hold the rest for ever.
 * Pure. */
#ifndef FLOW_SHIP_POLICY_H
#define FLOW_SHIP_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "store/sqlstate.h"

#define SHIP_PATIENCE 5 /* failures of the server's own kind before a batch is suspected */

enum ship_step {
    SHIP_STORED, /* committed: go on */
    SHIP_AGAIN,  /* run it again after a while */
    SHIP_SPLIT,  /* in two, each on its own */
    SHIP_BURY,   /* a message alone, and its row is bad: to the dead queue */
    SHIP_SPEND,  /* a message alone that may pass later: an attempt is spent */
    SHIP_REDO, /* what some of it decided on has moved: those are handled again, the rest runs again */
    SHIP_HOLD, /* the tables are not as declared: wait until they are */
};

struct ship_choice {
    enum ship_step step;
    uint32_t after_ms; /* of SHIP_AGAIN */
};

/* `failures`: how often in a row the server's own faults ended this batch, this time included;
 * `is_well`: the store is ready, so it is not the server that is away. */
struct ship_choice ship_choose(enum fault_class fault, uint32_t messages, uint32_t failures,
                               bool is_well);

#endif
