/* SPDX-License-Identifier: Apache-2.0
 *
 * Outages; see outage.h. */
#include "flow/outage.h"

enum outage_step outage_note(struct outage *outage, bool is_well, bool is_fault, uint64_t now_ms)
{
    const bool was_paused = outage->is_paused;
    if (is_well) {
        *outage = (struct outage){ .was_ever_well = true };
        return was_paused ? OUTAGE_RESUME : OUTAGE_GO_ON;
    }
    if (!outage->since_ms) outage->since_ms = now_ms ? now_ms : 1;
    const bool is_long = now_ms - outage->since_ms >= OUTAGE_PATIENCE_MS;
    outage->is_paused |= is_fault || is_long || !outage->was_ever_well;
    return outage->is_paused && !was_paused ? OUTAGE_PAUSE : OUTAGE_GO_ON;
}
