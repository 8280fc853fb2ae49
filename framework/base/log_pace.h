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

/* When what was held back may be said though nothing more happens; 0: nothing is. */
static inline uint64_t log_pace_due_ms(const struct log_pace *pace)
{
    return pace->unsaid ? pace->said_ms + LOG_PACE_MS : 0;
}

/* How often it was held back, once that is due; else 0. */
static inline uint32_t log_pace_take_held(struct log_pace *pace, uint64_t now_ms)
{
    const uint32_t n = pace->unsaid;
    if (!n || now_ms < log_pace_due_ms(pace)) return 0;
    *pace = (struct log_pace){ .said_ms = now_ms };
    return n;
}

#endif
