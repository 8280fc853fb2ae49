/* SPDX-License-Identifier: Apache-2.0
 *
 * One line a second of what may go wrong thousands of times a second. */
#ifndef BASE_LOG_PACE_H
#define BASE_LOG_PACE_H

#include <stdint.h>

#define LOG_PACE_MS 1000

struct log_pace { /* zeroed: nothing was said yet */
    uint64_t said_ms;
    uint32_t unsaid; /* since then */
};

/* It has happened once more. How often since it was last said, if it is to be said now; else 0. */
static inline uint32_t log_pace_note(struct log_pace *pace, uint64_t now_ms)
{
    const uint32_t n = ++pace->unsaid;
    if (pace->said_ms && now_ms - pace->said_ms < LOG_PACE_MS) return 0;
    *pace = (struct log_pace){ .said_ms = now_ms };
    return n;
}

#endif
