/* SPDX-License-Identifier: Apache-2.0
 *
 * The ring of spans; see spans.h. Both ends count up for ever; each is written by one thread. */
#include "metrics/spans.h"

#include <stdlib.h>

#include "base/check.h"

struct spans {
    struct span *at;
    size_t mask;
    struct counter *dropped;
    void (*ring)(void *listener); /* NULL: nobody listens */
    void *listener;
    METRIC_ALIGNED _Atomic size_t given; /* the loop's */
    METRIC_ALIGNED _Atomic size_t taken; /* the exporter's */
};

struct spans *spans_new(size_t capacity, struct counter *dropped)
{
    size_t n = 1;
    while (n < capacity) n *= 2;
    struct spans *const spans = aligned_alloc(_Alignof(struct spans), sizeof *spans);
    CHECK(spans);
    *spans = (struct spans){ .mask = n - 1, .dropped = dropped };
    spans->at = memory_new(n, sizeof *spans->at);
    return spans;
}

void spans_free(struct spans *spans)
{
    if (!spans) return;
    while (spans_first(spans)) spans_drop(spans);
    free(spans->at);
    free(spans);
}

size_t spans_count(const struct spans *spans)
{
    return atomic_load_explicit(&spans->given, memory_order_acquire) -
           atomic_load_explicit(&spans->taken, memory_order_acquire);
}

struct span *spans_take(struct spans *spans)
{
    const size_t given = atomic_load_explicit(&spans->given, memory_order_relaxed);
    if (given - atomic_load_explicit(&spans->taken, memory_order_acquire) > spans->mask) {
        counter_add_shared(spans->dropped, 1);
        return NULL;
    }
    struct span *const span = &spans->at[given & spans->mask];
    memset(span, 0, offsetof(struct span, id));
    return span;
}

/* The next one's place was written long ago: it is brought near while there is time. */
void spans_give(struct spans *spans)
{
    const size_t given = atomic_load_explicit(&spans->given, memory_order_relaxed);
    const char *const next = (const char *)&spans->at[(given + 1) & spans->mask];
    for (size_t at = 0; at < sizeof *spans->at; at += 64) __builtin_prefetch(next + at, 1);
    atomic_store_explicit(&spans->given, given + 1, memory_order_release);
    if (UNLIKELY(!((given + 1) & spans->mask / 4)) && spans->ring) spans->ring(spans->listener);
}

void spans_on_quarter(struct spans *spans, void (*ring)(void *listener), void *listener)
{
    spans->ring = ring;
    spans->listener = listener;
}

struct span *spans_first(struct spans *spans)
{
    const size_t taken = atomic_load_explicit(&spans->taken, memory_order_relaxed);
    if (taken == atomic_load_explicit(&spans->given, memory_order_acquire)) return NULL;
    return &spans->at[taken & spans->mask];
}

void spans_drop(struct spans *spans)
{
    const size_t taken = atomic_load_explicit(&spans->taken, memory_order_relaxed);
    struct span *const span = &spans->at[taken & spans->mask];
    free(span->words);
    free(span->state);
    free(span->links);
    atomic_store_explicit(&spans->taken, taken + 1, memory_order_release);
}
