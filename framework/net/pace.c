/* SPDX-License-Identifier: Apache-2.0
 *
 * See pace.h. */
#include "net/pace.h"

uint32_t pace_rest_us(struct pace *pace, uint64_t now_us, size_t bytes)
{
    if (now_us - pace->since_us >= pace->rest_us) {
        pace->since_us = now_us;
        pace->bytes = 0;
    }
    pace->bytes += bytes;
    if (pace->bytes < PACE_BUSY_BYTES) return 0;
    pace->rested_us = now_us;
    return pace->has_plenty ? PACE_LONG_RESTS * pace->rest_us : pace->rest_us;
}

uint32_t pace_left_us(const struct pace *pace, uint64_t now_us)
{
    const uint64_t rested_us = now_us - pace->rested_us;
    return pace->rest_us - (uint32_t)(rested_us % pace->rest_us);
}
