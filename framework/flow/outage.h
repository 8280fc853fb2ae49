/* SPDX-License-Identifier: Apache-2.0
 *
 * When a consumer stops taking messages because what it needs is away. A short outage is sat out with
 * the messages in hand; one that waiting does not mend, or a long one, gives them back to the queue
 * once, for the broker closes channels that sit on messages. Pure. */
#ifndef FLOW_OUTAGE_H
#define FLOW_OUTAGE_H

#include <stdbool.h>
#include <stdint.h>

#define OUTAGE_PATIENCE_MS (5 * 60 * 1000)

enum outage_step { OUTAGE_GO_ON, OUTAGE_PAUSE, OUTAGE_RESUME };

struct outage {
    uint64_t since_ms;  /* 0: all is well */
    bool was_ever_well; /* nothing is taken before it is */
    bool is_paused;
};

/* `is_fault`: it is there, but not as it was declared to be. */
enum outage_step outage_note(struct outage *outage, bool is_well, bool is_fault, uint64_t now_ms);

#endif
