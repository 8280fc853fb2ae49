/* SPDX-License-Identifier: Apache-2.0
 *
 * The ring; see ring.h. Indexes only grow and are masked when used. Each side keeps its own index and
 * what it last saw of the other's in a cache line of its own, so that a chunk costs one release
 * store and the lines move between cores only when a side runs out. */
#include "base/ring.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/check.h"

/* Two lines: processors fetch lines in pairs. Padding rather than alignment keeps the sides apart
 * wherever the heap puts the ring. */
enum { APART_BYTES = 128 };

struct ring {
    size_t mask;
    void **slots;
    char apart_fixed[APART_BYTES];
    atomic_size_t tail; /* pushed so far; written by the producer */
    size_t seen_head;   /* the producer's copy of head */
    char apart_producer[APART_BYTES];
    atomic_size_t head; /* popped so far; written by the consumer */
    size_t seen_tail;   /* the consumer's copy of tail */
    char apart_consumer[APART_BYTES];
};

struct ring *ring_new(size_t capacity)
{
    CHECK(capacity > 0 && capacity <= SIZE_MAX / 4 / sizeof(void *));
    size_t slots = 1;
    while (slots < capacity) slots *= 2;
    struct ring *ring = NEW(struct ring);
    ring->slots = memory_new(slots, sizeof *ring->slots);
    ring->mask = slots - 1;
    return ring;
}

void ring_free(struct ring *ring)
{
    if (!ring) return;
    free(ring->slots);
    free(ring);
}

size_t ring_push_many(struct ring *ring, void *const *items, size_t n)
{
    const size_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
    size_t room = ring_capacity(ring) - (tail - ring->seen_head);
    if (room < n) {
        ring->seen_head = atomic_load_explicit(&ring->head, memory_order_acquire);
        room = ring_capacity(ring) - (tail - ring->seen_head);
    }
    const size_t pushed = n < room ? n : room;
    for (size_t i = 0; i < pushed; i++) ring->slots[(tail + i) & ring->mask] = items[i];
    if (pushed > 0) atomic_store_explicit(&ring->tail, tail + pushed, memory_order_release);
    return pushed;
}

bool ring_push(struct ring *ring, void *item)
{
    return ring_push_many(ring, &item, 1) == 1;
}

size_t ring_pop_many(struct ring *ring, void **items, size_t n)
{
    const size_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    size_t there = ring->seen_tail - head;
    if (there < n) {
        ring->seen_tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
        there = ring->seen_tail - head;
    }
    const size_t popped = n < there ? n : there;
    for (size_t i = 0; i < popped; i++) items[i] = ring->slots[(head + i) & ring->mask];
    if (popped > 0) atomic_store_explicit(&ring->head, head + popped, memory_order_release);
    return popped;
}

void *ring_pop(struct ring *ring)
{
    void *item = NULL;
    ring_pop_many(ring, &item, 1);
    return item;
}

size_t ring_count(const struct ring *ring)
{
    /* Head first: it never passes the tail read after it. */
    const size_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    const size_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    const size_t count = tail - head;
    return count < ring_capacity(ring) ? count : ring_capacity(ring);
}

bool ring_is_empty(const struct ring *ring)
{
    return ring_count(ring) == 0;
}

size_t ring_capacity(const struct ring *ring)
{
    return ring->mask + 1;
}
