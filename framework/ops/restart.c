/* SPDX-License-Identifier: Apache-2.0
 *
 * See restart.h. */
#include "ops/restart.h"

uint32_t restart_after_ms(struct restart *restart, const struct restart_death *death)
{
    if (death->was_up)
        restart->failed_starts = 0;
    else if (!death->is_killed && ++restart->failed_starts == RESTART_FAILED_STARTS)
        return RESTART_NEVER;
    if (!restart->last_ms || death->is_killed || death->lived_ms >= RESTART_YOUNG_MS)
        restart->last_ms = RESTART_FIRST_MS;
    else
        restart->last_ms =
            restart->last_ms < RESTART_MOST_MS / 2 ? restart->last_ms * 2 : RESTART_MOST_MS;
    return restart->last_ms;
}
