/* SPDX-License-Identifier: Apache-2.0
 *
 * A bounded queue of pointers from one thread to one other, without locks: work goes to a lane in
 * one ring and comes back in another. Waking the other side is the owner's affair. */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdbool.h>
#include <stddef.h>

struct ring;

/* Holds at least `capacity` (1 or more) pointers: the next power of two. */
struct ring *ring_new(size_t capacity) __attribute__((returns_nonnull));
void ring_free(struct ring *ring); /* not what the pointers point to; NULL is well */

/* The producer's. As many of the first `n` as fit, in order, made visible at once; how many that
 * were. */
size_t ring_push_many(struct ring *ring, void *const *items, size_t n);
bool ring_push(struct ring *ring, void *item);

/* The consumer's. Up to `n`, oldest first; how many that were. */
size_t ring_pop_many(struct ring *ring, void **items, size_t n);
void *ring_pop(struct ring *ring); /* NULL: empty */

/* Either side's: true at some moment of the call; only the producer makes it more and only the
 * consumer less. */
size_t ring_count(const struct ring *ring);
bool ring_is_empty(const struct ring *ring);
size_t ring_capacity(const struct ring *ring);

#endif
