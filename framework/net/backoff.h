/* SPDX-License-Identifier: Apache-2.0
 *
 * How long to wait before the next try: exponential, with full jitter above a floor, so that a
 * thousand pods do not come back in step. Pure: randomness is handed in. */
#ifndef NET_BACKOFF_H
#define NET_BACKOFF_H

#include <stdint.h>

struct backoff {
    uint32_t first_ms, most_ms;
    uint32_t tries; /* failures since the last success */
};

#define BACKOFF_INIT(first, most) ((struct backoff){ .first_ms = (first), .most_ms = (most) })

/* The wait before the next try: between half and all of min(first * 2^tries, most). */
uint32_t backoff_next_ms(struct backoff *backoff, uint64_t random);
void backoff_reset(struct backoff *backoff); /* it worked */

#endif
