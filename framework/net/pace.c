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
    return pace->bytes >= PACE_BUSY_BYTES ? pace->rest_us : 0;
}
