/* SPDX-License-Identifier: Apache-2.0
 *
 * Signs of life, written by the thread that lives and read by the HTTP thread. They are stamped with
 * counted time: a clock that moves by at most a second a tick, kept by the HTTP thread, so that a
 * host that was stopped and continued is accused of nothing. Beating costs one load and one store. */
#ifndef METRICS_PULSE_H
#define METRICS_PULSE_H

#include <stdatomic.h>
#include <stdint.h>

struct pulse_clock {
    _Atomic uint64_t counted_ms; /* never 0: 0 means "no time" in a pulse */
};

/* Of the loop: when it last moved. Of a lane: since when it handles one message. */
struct pulse {
    _Alignas(64) _Atomic uint64_t at_ms; /* 0: the loop has not begun; the lane is idle */
    const struct pulse_clock *clock;
};

static inline uint64_t pulse_clock_now_ms(const struct pulse_clock *clock)
{
    return atomic_load_explicit(&clock->counted_ms, memory_order_relaxed);
}

/* Each tick of the loop; a lane before each call of its handler. */
static inline void pulse_beat(struct pulse *pulse)
{
    atomic_store_explicit(&pulse->at_ms, pulse_clock_now_ms(pulse->clock), memory_order_relaxed);
}

/* A lane when it has nothing to handle. */
static inline void pulse_rest(struct pulse *pulse)
{
    atomic_store_explicit(&pulse->at_ms, 0, memory_order_relaxed);
}

static inline uint64_t pulse_at_ms(const struct pulse *pulse)
{
    return atomic_load_explicit(&pulse->at_ms, memory_order_relaxed);
}

#endif
