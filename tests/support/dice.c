/* SPDX-License-Identifier: Apache-2.0
 *
 * A small generator with a seed (splitmix64); see dice.h. */
#include "support/dice.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/random.h"

static uint64_t state;

void dice_begin(const char *what)
{
    const char *seed = getenv("WARRENER_SEED");
    state = seed ? strtoull(seed, NULL, 10) : random_below(UINT32_MAX);
    fprintf(stderr, "%s: WARRENER_SEED=%" PRIu64 "\n", what, state);
}

uint64_t dice_below(uint64_t limit)
{
    uint64_t z = (state += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return (z ^ (z >> 31)) % limit;
}
