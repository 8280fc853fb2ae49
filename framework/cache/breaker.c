/* SPDX-License-Identifier: Apache-2.0
 *
 * The breaker; see breaker.h. Answers that come while it is open, of calls that were sent before,
 * change nothing: the probe alone decides. */
#include "cache/breaker.h"

static void open(struct breaker *breaker, uint64_t now_ms)
{
    const uint32_t longer_ms = breaker->rest_ms ? breaker->rest_ms * 2 : BREAKER_FIRST_MS;
    breaker->rest_ms = longer_ms < BREAKER_MOST_MS ? longer_ms : BREAKER_MOST_MS;
    breaker->state = BREAKER_OPEN;
    breaker->until_ms = now_ms + breaker->rest_ms;
}

bool breaker_lets(struct breaker *breaker, uint64_t now_ms)
{
    if (breaker->state == BREAKER_CLOSED) return true;
    if (breaker->state == BREAKER_HALF_OPEN || now_ms < breaker->until_ms) return false;
    breaker->state = BREAKER_HALF_OPEN;
    return true;
}

bool breaker_note(struct breaker *breaker, bool is_well, uint64_t now_ms)
{
    switch (breaker->state) {
    case BREAKER_OPEN: return false;
    case BREAKER_HALF_OPEN:
        if (is_well)
            *breaker = (struct breaker){ 0 };
        else
            open(breaker, now_ms);
        return true;
    case BREAKER_CLOSED: break;
    }
    breaker->failures = is_well ? 0 : breaker->failures + 1;
    if (breaker->failures < BREAKER_FAILURES) return false;
    open(breaker, now_ms);
    return true;
}

void breaker_renew(struct breaker *breaker, uint64_t now_ms)
{
    if (breaker->state == BREAKER_CLOSED) return;
    breaker->state = BREAKER_OPEN;
    breaker->until_ms = now_ms;
}

const char *breaker_state_name(enum breaker_state state)
{
    static const char *const names[] = { "closed", "open", "half-open" };
    return names[state];
}
