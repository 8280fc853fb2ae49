/* SPDX-License-Identifier: Apache-2.0
 *
 * Standing still; see standstill.h. */
#include "base/standstill.h"

uint64_t standstill_tick(struct standstill *standstill, uint64_t period_ms, uint64_t now_ms)
{
    const uint64_t before_ms = standstill->ticked_ms;
    standstill->ticked_ms = now_ms;
    if (!before_ms || now_ms - before_ms <= 2 * period_ms) return 0;
    return now_ms - before_ms - period_ms;
}
