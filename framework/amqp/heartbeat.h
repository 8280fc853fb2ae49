/* SPDX-License-Identifier: Apache-2.0
 *
 * When to send a heartbeat and when silence means that the peer is gone. Pure: it is told the time.
 * A process that was stopped and goes on accuses nobody: silence counts from its waking up, since
 * what the broker said meanwhile has not been read yet. */
#ifndef AMQP_HEARTBEAT_H
#define AMQP_HEARTBEAT_H

#include <stdint.h>

enum heartbeat_verdict { HEARTBEAT_FINE, HEARTBEAT_SEND, HEARTBEAT_LOST };

struct heartbeat {
    uint32_t interval_ms; /* 0: none was agreed on */
    uint64_t last_tick_ms;
    uint64_t awake_since_ms; /* no silence before it counts */
};

void heartbeat_start(struct heartbeat *heartbeat, uint32_t interval_ms, uint64_t now_ms);
uint32_t heartbeat_tick_ms(const struct heartbeat *heartbeat); /* between two checks */
enum heartbeat_verdict heartbeat_check(struct heartbeat *heartbeat, uint64_t now_ms,
                                       uint64_t last_read_ms, uint64_t last_write_ms);

#endif
