/* SPDX-License-Identifier: Apache-2.0
 *
 * The registry: series are made at boot by one thread, updated without locks on the hot path, and
 * written out by the HTTP thread at any time. The plain updates are for series that ONE thread
 * writes (a load and a store); where several do, such as the lanes of a consumer, use the `_shared`
 * ones. Mixing both on one series loses counts. */
#ifndef METRICS_METRICS_H
#define METRICS_METRICS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "metrics/catalog.h"
#include "metrics/metrics_text.h"

/* On a line of its own, so that two threads' series never share one. */
#define METRIC_ALIGNED _Alignas(64)

struct counter {
    METRIC_ALIGNED _Atomic uint64_t value; /* nanoseconds in families of seconds */
};

struct gauge {
    METRIC_ALIGNED _Atomic uint64_t bits; /* of a double */
};

/* A table that finds a value's bucket with one clz and one comparison: bounds at least double, so
 * that between two powers of two there is one at most. */
struct histogram_bounds {
    uint64_t bound[METRIC_BOUNDS_MAX + 1]; /* UINT64_MAX past the last */
    uint8_t first[65]; /* by the value's bit length: how many bounds lie below all such values */
    uint8_t count;
};

struct histogram {
    METRIC_ALIGNED const struct histogram_bounds *bounds;
    _Atomic uint64_t sum;
    _Atomic uint64_t
        buckets[METRIC_BOUNDS_MAX + 1]; /* not cumulative; [count] is above all bounds */
};

struct metrics;

struct metrics *metrics_new(void);
void metrics_free(struct metrics *metrics);

/* The series of these label values (in the catalog's order), at zero; the same one when asked again.
 * From one thread; a scrape may run meanwhile. */
struct counter *metrics_counter(struct metrics *metrics, enum metric_family family,
                                const char *const *label_values);
struct gauge *metrics_gauge(struct metrics *metrics, enum metric_family family,
                            const char *const *label_values);
struct histogram *metrics_histogram(struct metrics *metrics, enum metric_family family,
                                    const char *const *label_values);

/* From any thread; NULL where nobody has asked for such a series. */
const struct counter *metrics_find_counter(const struct metrics *metrics, enum metric_family family,
                                           const char *const *label_values);
const struct histogram *metrics_find_histogram(const struct metrics *metrics,
                                               enum metric_family family,
                                               const char *const *label_values);

/* warrener_handler_NAME_total{handler,queue}: NULL where the name is not [a-z0-9_]{1,64}. Handlers that
 * share a name share the family and the first one's help (NULL: none given). */
struct counter *metrics_handler_counter(struct metrics *metrics, const char *counter_name,
                                        const char *help, const char *handler, const char *queue);
bool metrics_is_counter_name(const char *name);

/* Prometheus text 0.0.4, or OpenMetrics 1.0. Within one histogram, buckets and count agree. */
void metrics_write(const struct metrics *metrics, struct metrics_text *out, bool openmetrics);

/* ---- updates: one writer ----------------------------------------------------------------------- */

static inline void metric_raise(_Atomic uint64_t *value, uint64_t n)
{
    const uint64_t old = atomic_load_explicit(value, memory_order_relaxed);
    atomic_store_explicit(value, old + n, memory_order_relaxed);
}

static inline void counter_add(struct counter *counter, uint64_t n)
{
    metric_raise(&counter->value, n);
}

static inline void counter_add_seconds(struct counter *counter, uint64_t ns)
{
    metric_raise(&counter->value, ns);
}

static inline void gauge_store(struct gauge *gauge, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    atomic_store_explicit(&gauge->bits, bits, memory_order_relaxed);
}

/* Any number; exact to 2^53. Safe from several threads: the last one wins. */
#define gauge_set(gauge, value) gauge_store((gauge), (double)(value))

static inline unsigned histogram_find(const struct histogram_bounds *bounds, uint64_t value)
{
    const unsigned bits = value ? 64 - (unsigned)__builtin_clzll(value) : 0;
    const unsigned i = bounds->first[bits];
    return i + (value > bounds->bound[i]);
}

/* The same value n times over: one message's share of a chunk's time, say. */
static inline void histogram_note_many(struct histogram *histogram, uint64_t value, uint64_t n)
{
    metric_raise(&histogram->buckets[histogram_find(histogram->bounds, value)], n);
    metric_raise(&histogram->sum, value * n);
}

/* Nanoseconds in families of seconds. */
static inline void histogram_note(struct histogram *histogram, uint64_t value)
{
    histogram_note_many(histogram, value, 1);
}

/* ---- updates: any number of writers ------------------------------------------------------------ */

static inline void counter_add_shared(struct counter *counter, uint64_t n)
{
    atomic_fetch_add_explicit(&counter->value, n, memory_order_relaxed);
}

static inline void histogram_note_many_shared(struct histogram *histogram, uint64_t value,
                                              uint64_t n)
{
    const unsigned bucket = histogram_find(histogram->bounds, value);
    atomic_fetch_add_explicit(&histogram->buckets[bucket], n, memory_order_relaxed);
    atomic_fetch_add_explicit(&histogram->sum, value * n, memory_order_relaxed);
}

/* ---- reading, from any thread ------------------------------------------------------------------ */

static inline uint64_t counter_read(const struct counter *counter)
{
    return atomic_load_explicit(&counter->value, memory_order_relaxed);
}

static inline double gauge_read(const struct gauge *gauge)
{
    const uint64_t bits = atomic_load_explicit(&gauge->bits, memory_order_relaxed);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The value below which a share q (0..1) of what was noted lies, in the histogram's own unit
 * (nanoseconds for seconds), even within its bucket; 0 where nothing was, and the highest bound
 * where it lies above all. `counts`: what each bucket has, the one above all bounds too. */
double histogram_quantile(const struct histogram_bounds *bounds, const uint64_t *counts, double q);

#endif
