/* SPDX-License-Identifier: Apache-2.0
 *
 * Rings of steps; see history.h. Quantiles of a span are those of what its buckets grew by. */
#include "ops/history.h"

#include <stdlib.h>

#include "base/check.h"

#define BUCKETS (METRIC_BOUNDS_MAX + 1)

struct reading {
    uint64_t at_ms; /* 0: none */
    uint64_t received, done, retried, dead, busy_ns;
    uint64_t buckets[BUCKETS];
};

struct track {
    struct reading readings[HISTORY_RECENT + 1]; /* by step, modulo */
    uint32_t done[HISTORY_BRIEF];
};

struct history {
    size_t n_consumers;
    uint64_t taken_ms, n; /* when last, and how many steps there ever were */
    bool has_begun;       /* the readings that the first step starts from are there */
    const struct histogram_bounds *bounds;
    struct track *tracks;
    struct history_step steps[HISTORY_STEPS];
};

struct history *history_new(size_t n_consumers)
{
    struct history *history = NEW(struct history);
    history->n_consumers = n_consumers;
    history->tracks = memory_new(n_consumers + 1, sizeof *history->tracks);
    return history;
}

void history_free(struct history *history)
{
    if (!history) return;
    free(history->tracks);
    free(history);
}

bool history_is_due(const struct history *history, uint64_t now_ms)
{
    return !history->has_begun || now_ms - history->taken_ms >= HISTORY_STEP_MS;
}

static void read_sample(struct history *history, const struct history_sample *sample,
                        uint64_t now_ms, struct reading *out)
{
    *out = (struct reading){ .at_ms = now_ms,
                             .received = sample->received,
                             .done = sample->done,
                             .retried = sample->retried,
                             .dead = sample->dead,
                             .busy_ns = sample->busy_ns };
    if (!sample->settle) return;
    history->bounds = sample->settle->bounds;
    for (unsigned i = 0; i <= history->bounds->count; i++)
        out->buckets[i] = atomic_load_explicit(&sample->settle->buckets[i], memory_order_relaxed);
}

static uint32_t quantile_us(const struct histogram_bounds *bounds, const uint64_t *grown, double q)
{
    const double us = bounds ? histogram_quantile(bounds, grown, q) / 1e3 : 0;
    return us < UINT32_MAX ? (uint32_t)us : UINT32_MAX;
}

static uint64_t grown(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

static uint32_t capped(uint64_t n)
{
    return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}

static void add_step(struct history *history, const struct history_sample *samples, uint64_t now_ms)
{
    uint64_t done = 0, retried = 0, dead = 0, buckets[BUCKETS] = { 0 };
    for (size_t i = 0; i < history->n_consumers; i++) {
        struct track *track = &history->tracks[i];
        const struct reading *before = &track->readings[history->n % (HISTORY_RECENT + 1)];
        struct reading *now = &track->readings[(history->n + 1) % (HISTORY_RECENT + 1)];
        read_sample(history, &samples[i], now_ms, now);
        track->done[history->n % HISTORY_BRIEF] = capped(grown(now->done, before->done));
        done += grown(now->done, before->done);
        retried += grown(now->retried, before->retried);
        dead += grown(now->dead, before->dead);
        for (unsigned k = 0; k < BUCKETS; k++)
            buckets[k] += grown(now->buckets[k], before->buckets[k]);
    }
    history->steps[history->n++ % HISTORY_STEPS] =
        (struct history_step){ capped(done), capped(retried), capped(dead),
                               quantile_us(history->bounds, buckets, 0.5),
                               quantile_us(history->bounds, buckets, 0.99) };
}

void history_take(struct history *history, uint64_t now_ms, const struct history_sample *samples)
{
    if (history->has_begun) {
        add_step(history, samples, now_ms);
    } else {
        for (size_t i = 0; i < history->n_consumers; i++)
            read_sample(history, &samples[i], now_ms, &history->tracks[i].readings[0]);
        history->has_begun = true;
    }
    history->taken_ms = now_ms;
}

unsigned history_steps(const struct history *history)
{
    return history->n < HISTORY_STEPS ? (unsigned)history->n : HISTORY_STEPS;
}

const struct history_step *history_step(const struct history *history, unsigned nth)
{
    return &history->steps[(history->n - history_steps(history) + nth) % HISTORY_STEPS];
}

unsigned history_brief_steps(const struct history *history)
{
    return history->n < HISTORY_BRIEF ? (unsigned)history->n : HISTORY_BRIEF;
}

uint32_t history_brief_done(const struct history *history, size_t consumer, unsigned nth)
{
    const uint64_t step = history->n - history_brief_steps(history) + nth;
    return history->tracks[consumer].done[step % HISTORY_BRIEF];
}

struct history_pace history_pace(const struct history *history, size_t consumer)
{
    const struct track *track = &history->tracks[consumer];
    const uint64_t steps = history->n < HISTORY_RECENT ? history->n : HISTORY_RECENT;
    const struct reading *now = &track->readings[history->n % (HISTORY_RECENT + 1)];
    const struct reading *before = &track->readings[(history->n - steps) % (HISTORY_RECENT + 1)];
    const double s = (double)(now->at_ms - before->at_ms) / 1e3;
    if (!steps || s <= 0) return (struct history_pace){ 0 };
    uint64_t buckets[BUCKETS];
    for (unsigned i = 0; i < BUCKETS; i++) buckets[i] = grown(now->buckets[i], before->buckets[i]);
    return (struct history_pace){ .received = (double)grown(now->received, before->received) / s,
                                  .done = (double)grown(now->done, before->done) / s,
                                  .retried = (double)grown(now->retried, before->retried) / s,
                                  .dead = (double)grown(now->dead, before->dead) / s,
                                  .lanes_busy =
                                      (double)grown(now->busy_ns, before->busy_ns) / 1e9 / s,
                                  .median_us = quantile_us(history->bounds, buckets, 0.5),
                                  .late_us = quantile_us(history->bounds, buckets, 0.99) };
}
