/* SPDX-License-Identifier: Apache-2.0
 *
 * The heartbeat's policy on a clock of our own. */
#include <criterion/criterion.h>

#include "amqp/heartbeat.h"

#define INTERVAL_MS 20000u

Test(heartbeat, ticks_four_times_an_interval)
{
    struct heartbeat beat;
    heartbeat_start(&beat, INTERVAL_MS, 1000);
    cr_assert(heartbeat_tick_ms(&beat) == 5000);
}

Test(heartbeat, is_sent_after_half_an_interval_without_other_output)
{
    struct heartbeat beat;
    heartbeat_start(&beat, INTERVAL_MS, 0);
    cr_assert(heartbeat_check(&beat, 5000, 5000, 0) == HEARTBEAT_FINE);
    cr_assert(heartbeat_check(&beat, 10000, 10000, 0) == HEARTBEAT_SEND);
    cr_assert(heartbeat_check(&beat, 15000, 15000, 10000) == HEARTBEAT_FINE);
    cr_assert(heartbeat_check(&beat, 20000, 20000, 10000) == HEARTBEAT_SEND);
}

Test(heartbeat, two_intervals_of_silence_are_the_end)
{
    struct heartbeat beat;
    heartbeat_start(&beat, INTERVAL_MS, 0);
    for (uint64_t now = 5000; now < 42000; now += 5000)
        cr_assert(heartbeat_check(&beat, now, 2000, now) == HEARTBEAT_FINE, "%llu",
                  (unsigned long long)now);
    cr_assert(heartbeat_check(&beat, 42000, 2000, 42000) == HEARTBEAT_LOST);
}

Test(heartbeat, nothing_heard_at_all_counts_from_the_start)
{
    struct heartbeat beat;
    heartbeat_start(&beat, INTERVAL_MS, 100000);
    for (uint64_t now = 105000; now < 140000; now += 5000)
        cr_assert(heartbeat_check(&beat, now, 0, now) == HEARTBEAT_FINE);
    cr_assert(heartbeat_check(&beat, 140000, 0, 140000) == HEARTBEAT_LOST);
}

Test(heartbeat, a_stopped_process_accuses_nobody_but_a_dead_broker_is_still_found)
{
    struct heartbeat beat;
    heartbeat_start(&beat, INTERVAL_MS, 0);
    cr_assert(heartbeat_check(&beat, 5000, 5000, 5000) == HEARTBEAT_FINE);
    /* Stopped for ten minutes; the broker's words have not been read yet. */
    cr_assert(heartbeat_check(&beat, 605000, 5000, 5000) == HEARTBEAT_SEND);
    for (uint64_t now = 610000; now < 645000; now += 5000)
        cr_assert(heartbeat_check(&beat, now, 5000, now) == HEARTBEAT_FINE);
    cr_assert(heartbeat_check(&beat, 645000, 5000, 645000) == HEARTBEAT_LOST);
}

Test(heartbeat, none_is_none)
{
    struct heartbeat beat;
    heartbeat_start(&beat, 0, 0);
    cr_assert(heartbeat_check(&beat, 1000000, 0, 0) == HEARTBEAT_FINE);
}
