/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys that are one's turn at a time. Whoever wants keys queues for each of them in one moment, and has
 * its turn when it is first in all its queues; since all queue in the same order, nobody waits in a
 * circle. Pure. */
#ifndef FLOW_TURNSTILE_H
#define FLOW_TURNSTILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/text.h"

#define TURNSTILE_BUCKETS 512

struct turnstile {
    struct list buckets[TURNSTILE_BUCKETS];
    unsigned keys;
};

/* A place in one key's queue; its owner's memory. */
struct ticket {
    struct list link;
    struct gate *gate; /* NULL: not queued */
    void *owner;
};

void turnstile_init(struct turnstile *turnstile);
void turnstile_fini(struct turnstile *turnstile); /* all tickets have left */

enum turn {
    TURN_FIRST,
    TURN_WAITS,
    TURN_TWICE /* the owner is in this queue already: not queued */
};

/* `domain` keeps keys of different kinds apart. The key's text is copied. All tickets of an owner enter
 * before the next owner's. */
enum turn turnstile_enter(struct turnstile *turnstile, struct ticket *ticket, uint32_t domain,
                          struct wr_text key, void *owner);
/* The owner whose turn it becomes by that; NULL: nobody's. Harmless where it is not queued. */
void *turnstile_leave(struct turnstile *turnstile, struct ticket *ticket);
bool turnstile_has_next(const struct ticket *ticket); /* somebody waits behind it */

#endif
