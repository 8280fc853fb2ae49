/* SPDX-License-Identifier: Apache-2.0
 *
 * See backoff.h. */
#include "net/backoff.h"

/* Doubling stops here: 2^32 times anything is above every `most_ms`. */
#define MOST_DOUBLINGS 32u

static uint64_t ceiling_ms(const struct backoff *backoff)
{
    const uint32_t doublings = backoff->tries < MOST_DOUBLINGS ? backoff->tries : MOST_DOUBLINGS;
    const uint64_t grown_ms = (uint64_t)backoff->first_ms << doublings;
    return grown_ms < backoff->most_ms ? grown_ms : backoff->most_ms;
}

uint32_t backoff_next_ms(struct backoff *backoff, uint64_t random)
{
    const uint64_t most_ms = ceiling_ms(backoff);
    const uint64_t least_ms = most_ms / 2;
    if (backoff->tries < UINT32_MAX) backoff->tries++;
    return (uint32_t)(least_ms + random % (most_ms - least_ms + 1));
}

void backoff_reset(struct backoff *backoff)
{
    backoff->tries = 0;
}
