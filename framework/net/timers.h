/* SPDX-License-Identifier: Apache-2.0
 *
 * The timers of a loop, the soonest first: a heap of pointers to timers that their owners hold. Pure;
 * time is handed in. A loop of its own timers asks the kernel for a wake-up only when the soonest
 * gets sooner; an event library that sets its clock at every turn spends a system call on each. */
#ifndef NET_TIMERS_H
#define NET_TIMERS_H

#include <stddef.h>
#include <stdint.h>

struct timer;

struct timers {
    struct timer **heap; /* each is due no sooner than the one at half its place */
    size_t n, room;
};

void timers_fini(struct timers *timers); /* what is armed stays so, and never goes off */
void timers_put(struct timers *timers, struct timer *timer,
                uint64_t due_ns);                             /* moves one that is in */
void timers_drop(struct timers *timers, struct timer *timer); /* harmless where it is not in */
uint64_t timers_soonest_ns(const struct timers *timers);      /* UINT64_MAX: none */

/* The soonest, taken out, if it is due; else NULL. */
struct timer *timers_take_due(struct timers *timers, uint64_t now_ns);

#endif
