/* SPDX-License-Identifier: Apache-2.0
 *
 * Reasons, by name and in words; see reason.h. Names are a promise to whoever filters dead letters. */
#include "flow/reason.h"

static const struct {
    const char *name, *words;
} reasons[DEAD_REASON_COUNT] = {
    [DEAD_REJECTED] = { "rejected", "message dead: rejected" },
    [DEAD_ATTEMPTS] = { "attempts", "message dead: no attempts left" },
    [DEAD_ROW] = { "row", "message dead: PostgreSQL does not take its row" },
    [DEAD_UNROUTABLE] = { "unroutable", "message dead: no queue takes what it publishes" },
    [DEAD_UNDECODABLE] = { "undecodable", "message dead: it cannot be read" },
    [DEAD_CRASH] = { "crash", "message dead: handling it killed the host" },
    [DEAD_STUCK] = { "stuck", "message dead: its handler did not come back" },
    [DEAD_OVERSIZE] = { "oversize", "message dead: larger than max_message" },
};

const char *dead_reason_name(enum dead_reason reason)
{
    return reasons[reason].name;
}

const char *dead_reason_words(enum dead_reason reason)
{
    return reasons[reason].words;
}
