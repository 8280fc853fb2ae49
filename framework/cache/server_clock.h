/* SPDX-License-Identifier: Apache-2.0
 *
 * What the clock of Redis says, seen from ours: deadlines are told to it in its own time, since a
 * stopped Redis obeys no clock of ours. Each answer with its time in it bounds the difference from both
 * sides: it was read after the question was sent and before the answer came. Pure. */
#ifndef CACHE_SERVER_CLOCK_H
#define CACHE_SERVER_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct server_clock { /* zeroed: nothing is known */
    bool is_known;
    int64_t ahead_us; /* Redis' time less our monotonic one; rather too small than too large */
};

void server_clock_note(struct server_clock *clock, int64_t server_us, uint64_t sent_us,
                       uint64_t got_us);
/* Our moment in its time, in ms. */
int64_t server_clock_ms(const struct server_clock *clock, uint64_t own_us);

#endif
