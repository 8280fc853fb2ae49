/* SPDX-License-Identifier: Apache-2.0
 *
 * The last quarter of an hour, for the page: what was done, retried and dead in each few seconds, and
 * how long settling took. The HTTP thread takes it from counters, so that a loop that stands still
 * shows as nothing done. Pure: told the time and what the counters say. */
#ifndef OPS_HISTORY_H
#define OPS_HISTORY_H

#include "metrics/metrics.h"

#define HISTORY_STEP_MS 3000
#define HISTORY_STEPS 300 /* of the host */
#define HISTORY_BRIEF 60  /* of each consumer */
#define HISTORY_RECENT 5  /* steps that rates and quantiles of a consumer are made from */

/* What a consumer has counted since its host began. */
struct history_sample {
    uint64_t received, done, retried, dead;
    uint64_t busy_ns;               /* of its lanes, together */
    const struct histogram *settle; /* NULL: none yet */
};

struct history_step {
    uint32_t done, retried, dead;
    uint32_t median_us, late_us; /* half, and 99 of 100, were settled within; 0 where none was */
};

/* Of a consumer, a second, of late; times as above. */
struct history_pace {
    double received, done, retried, dead;
    double lanes_busy; /* at a time */
    uint32_t median_us, late_us;
};

struct history;

struct history *history_new(size_t n_consumers);
void history_free(struct history *history);

bool history_is_due(const struct history *history, uint64_t now_ms);
/* One sample a consumer. Steps that were missed (the host was stopped) are one step. */
void history_take(struct history *history, uint64_t now_ms, const struct history_sample *samples);

unsigned history_steps(const struct history *history); /* up to HISTORY_STEPS */
/* From the oldest, 0, to the newest. */
const struct history_step *history_step(const struct history *history, unsigned nth);

unsigned history_brief_steps(const struct history *history);
uint32_t history_brief_done(const struct history *history, size_t consumer, unsigned nth);
struct history_pace history_pace(const struct history *history, size_t consumer);

#endif
