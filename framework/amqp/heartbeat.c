/* SPDX-License-Identifier: Apache-2.0
 *
 * Four checks an interval: a heartbeat goes out when nothing else did for half of it, and two
 * intervals of silence are the end. A check that comes more than a tick late was not asked for by
 * the clock but by a stop. */
#include "amqp/heartbeat.h"

#define CHECKS_PER_INTERVAL 4

void heartbeat_start(struct heartbeat *heartbeat, uint32_t interval_ms, uint64_t now_ms)
{
    *heartbeat = (struct heartbeat){ .interval_ms = interval_ms,
                                     .last_tick_ms = now_ms,
                                     .awake_since_ms = now_ms };
}

uint32_t heartbeat_tick_ms(const struct heartbeat *heartbeat)
{
    return heartbeat->interval_ms / CHECKS_PER_INTERVAL;
}

static uint64_t since(uint64_t now_ms, uint64_t then_ms)
{
    return now_ms > then_ms ? now_ms - then_ms : 0;
}

enum heartbeat_verdict heartbeat_check(struct heartbeat *heartbeat, uint64_t now_ms,
                                       uint64_t last_read_ms, uint64_t last_write_ms)
{
    if (heartbeat->interval_ms == 0) return HEARTBEAT_FINE;
    if (since(now_ms, heartbeat->last_tick_ms) > 2 * heartbeat_tick_ms(heartbeat))
        heartbeat->awake_since_ms = now_ms;
    heartbeat->last_tick_ms = now_ms;

    uint64_t heard_ms = last_read_ms;
    if (heard_ms < heartbeat->awake_since_ms) heard_ms = heartbeat->awake_since_ms;
    if (since(now_ms, heard_ms) >= 2 * (uint64_t)heartbeat->interval_ms) return HEARTBEAT_LOST;
    return since(now_ms, last_write_ms) >= heartbeat->interval_ms / 2 ? HEARTBEAT_SEND
                                                                      : HEARTBEAT_FINE;
}
