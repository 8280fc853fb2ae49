/* SPDX-License-Identifier: Apache-2.0
 *
 * The ring: capacity, order across its end, and two threads with nothing lost (run under the thread
 * sanitizer as well). */
#include "base/ring.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>

static void *item(uintptr_t n)
{
    return (void *)n; /* only ever compared */
}

Test(ring, rounds_its_capacity_up)
{
    static const size_t asked[] = { 1, 2, 3, 64, 65, 1000 }, given[] = { 1, 2, 4, 64, 128, 1024 };
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct ring *ring = ring_new(asked[i]);
        cr_assert_eq(ring_capacity(ring), given[i], "%zu", asked[i]);
        ring_free(ring);
    }
    ring_free(NULL);
}

Test(ring, takes_what_fits_and_gives_what_is_there)
{
    struct ring *ring = ring_new(4);
    void *in[6] = { item(1), item(2), item(3), item(4), item(5), item(6) }, *out[6];
    cr_assert(ring_is_empty(ring));
    cr_assert_eq(ring_pop_many(ring, out, 6), 0);
    cr_assert_null(ring_pop(ring));
    cr_assert_eq(ring_push_many(ring, in, 0), 0);
    cr_assert_eq(ring_push_many(ring, in, 3), 3);
    cr_assert_eq(ring_count(ring), 3);
    cr_assert_eq(ring_push_many(ring, in + 3, 3), 1, "only one place is free");
    cr_assert_not(ring_push(ring, item(9)));
    cr_assert_eq(ring_count(ring), 4);
    cr_assert_eq(ring_pop_many(ring, out, 2), 2);
    cr_assert(out[0] == item(1) && out[1] == item(2));
    cr_assert(ring_push(ring, item(5)));
    cr_assert_eq(ring_pop_many(ring, out, 6), 3);
    cr_assert(out[0] == item(3) && out[1] == item(4) && out[2] == item(5));
    cr_assert(ring_is_empty(ring));
    ring_free(ring);
}

Test(ring, keeps_order_around_its_end)
{
    struct ring *ring = ring_new(8);
    uintptr_t pushed = 0, popped = 0;
    for (int turn = 0; turn < 1000; turn++) {
        void *chunk[5];
        for (uintptr_t i = 0; i < 5; i++) chunk[i] = item(pushed + i + 1);
        pushed += ring_push_many(ring, chunk, 5);
        const size_t n = ring_pop_many(ring, chunk, (size_t)turn % 6);
        for (size_t i = 0; i < n; i++) cr_assert_eq(chunk[i], item(++popped));
        cr_assert_eq(ring_count(ring), pushed - popped);
    }
    ring_free(ring);
}

/* ---- two threads ------------------------------------------------------------------------------ */

enum { ITEMS = 300000, CHUNK = 64 };

struct load {
    uint64_t value;
};
static struct load loads[ITEMS];

static void *produce(void *to)
{
    struct ring *ring = to;
    for (size_t made = 0; made < ITEMS;) {
        void *chunk[CHUNK];
        size_t n = 1 + made % CHUNK, sent = 0;
        if (n > ITEMS - made) n = ITEMS - made;
        for (size_t i = 0; i < n; i++) {
            loads[made + i].value = made + i + 7; /* plain memory that the ring must publish */
            chunk[i] = &loads[made + i];
        }
        while (sent < n) {
            const size_t now = ring_push_many(ring, chunk + sent, n - sent);
            if (now == 0) sched_yield();
            sent += now;
        }
        made += n;
    }
    return NULL;
}

Test(ring, loses_nothing_between_threads, .timeout = 120)
{
    struct ring *ring = ring_new(256);
    pthread_t producer;
    cr_assert_eq(pthread_create(&producer, NULL, produce, ring), 0);
    for (size_t got = 0; got < ITEMS;) {
        void *chunk[CHUNK];
        const size_t count = ring_count(ring);
        cr_assert_leq(count, 256);
        const size_t n = ring_pop_many(ring, chunk, CHUNK);
        cr_assert(n >= count || n == CHUNK, "%zu were there, %zu came", count, n);
        if (n == 0) sched_yield();
        for (size_t i = 0; i < n; i++, got++) {
            cr_assert_eq(chunk[i], &loads[got]);
            cr_assert_eq(((struct load *)chunk[i])->value, got + 7);
        }
    }
    pthread_join(producer, NULL);
    cr_assert(ring_is_empty(ring));
    ring_free(ring);
}
