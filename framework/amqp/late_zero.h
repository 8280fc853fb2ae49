/* SPDX-License-Identifier: Apache-2.0
 *
 * A count that is none: a quorum queue whose leader is busy or away counts 0 after 250 ms. */
#ifndef AMQP_LATE_ZERO_H
#define AMQP_LATE_ZERO_H

#include <stdbool.h>
#include <stdint.h>

#define LATE_ZERO_MS 200

static inline bool is_late_zero(uint32_t count, uint64_t took_ms)
{
    return !count && took_ms >= LATE_ZERO_MS;
}

#endif
