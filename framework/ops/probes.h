/* SPDX-License-Identifier: Apache-2.0
 *
 * Alive or not, ready or not, and in which words: pure functions over counted time (see
 * metrics/pulse.h). A stuck loop or lane fails /livez; neither a broker nor a database can. */
#ifndef OPS_PROBES_H
#define OPS_PROBES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metrics/metrics_text.h"

#define PROBE_TICK_MAX_MS 1000    /* a tick counts no more, however long it took */
#define PROBE_LOOP_STILL_MS 10000 /* the loop has not moved for so long: it is stuck */
#define PROBE_LANE_GRACE_MS 1000  /* what a stamp may be older than the call it stands for */

struct probe_clock {
    uint64_t counted_ms;
    uint64_t last_ms; /* the monotonic time of the last tick; 0: none yet */
};

/* One handler call that has lasted since then, on counted time; 0: there is none. */
bool probe_is_stuck(uint64_t now_ms, uint64_t since_ms, uint64_t timeout_ms);

void probe_clock_tick(struct probe_clock *clock, uint64_t now_ms);

struct probe_lane {
    const char *queue;
    unsigned number;
    uint64_t since_ms;   /* counted; 0: idle */
    uint64_t timeout_ms; /* of one call */
};

struct probe_facts {
    uint64_t now_ms;  /* counted */
    uint64_t beat_ms; /* the loop's last beat, counted; 0: it has not begun, which accuses nobody */
    int64_t now_unix_us;
    const struct probe_lane *lanes;
    size_t n_lanes;
    bool told; /* the loop has published what it knows */
    bool draining;
    const char *const *reasons; /* the loop's, why work would not flow */
    size_t n_reasons;
};

/* One line a fault, or "alive"; true when there is none. */
bool probe_is_live(const struct probe_facts *facts, struct metrics_text *words);
/* One line a reason, or "ready". What is not live is not ready. */
bool probe_is_ready(const struct probe_facts *facts, struct metrics_text *words);

#endif
