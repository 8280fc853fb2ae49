/* SPDX-License-Identifier: Apache-2.0
 *
 * See server_clock.h. A clock that was set, or that drifts, leaves the bounds and is followed. */
#include "cache/server_clock.h"

void server_clock_note(struct server_clock *clock, int64_t server_us, uint64_t sent_us,
                       uint64_t got_us)
{
    const int64_t least_us = server_us - (int64_t)got_us, most_us = server_us - (int64_t)sent_us;
    if (!clock->is_known || clock->ahead_us < least_us)
        clock->ahead_us = least_us;
    else if (clock->ahead_us > most_us)
        clock->ahead_us = most_us;
    clock->is_known = true;
}

int64_t server_clock_ms(const struct server_clock *clock, uint64_t own_us)
{
    return (clock->ahead_us + (int64_t)own_us) / 1000;
}
