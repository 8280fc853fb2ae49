/* SPDX-License-Identifier: Apache-2.0
 *
 * A binary heap whose members know their place; see timers.h. Places count from 1, so that a zeroed
 * timer is in no heap. */
#include "net/timers.h"

#include <stdlib.h>

#include "base/check.h"
#include "net/loop.h"

static struct timer **at(const struct timers *timers, size_t place)
{
    return &timers->heap[place - 1];
}

static void set(const struct timers *timers, size_t place, struct timer *timer)
{
    *at(timers, place) = timer;
    timer->place = place;
}

static void rise(const struct timers *timers, struct timer *timer)
{
    size_t place = timer->place;
    for (; place > 1 && (*at(timers, place / 2))->due_ns > timer->due_ns; place /= 2)
        set(timers, place, *at(timers, place / 2));
    set(timers, place, timer);
}

static size_t sooner_below(const struct timers *timers, size_t place)
{
    const size_t left = place * 2, right = left + 1;
    if (right > timers->n) return left;
    return (*at(timers, right))->due_ns < (*at(timers, left))->due_ns ? right : left;
}

static void sink(const struct timers *timers, struct timer *timer)
{
    size_t place = timer->place, below;
    while (place * 2 <= timers->n) {
        below = sooner_below(timers, place);
        if ((*at(timers, below))->due_ns >= timer->due_ns) break;
        set(timers, place, *at(timers, below));
        place = below;
    }
    set(timers, place, timer);
}

void timers_fini(struct timers *timers)
{
    free(timers->heap);
    *timers = (struct timers){ 0 };
}

void timers_put(struct timers *timers, struct timer *timer, uint64_t due_ns)
{
    if (!timer->place) {
        if (timers->n == timers->room) {
            timers->room = timers->room ? timers->room * 2 : 16;
            timers->heap = memory_grow(timers->heap, timers->room, sizeof(struct timer *));
        }
        set(timers, ++timers->n, timer);
    }
    timer->due_ns = due_ns;
    rise(timers, timer);
    sink(timers, timer);
}

void timers_drop(struct timers *timers, struct timer *timer)
{
    const size_t place = timer->place;
    if (!place) return;
    struct timer *last = *at(timers, timers->n--);
    timer->place = 0;
    if (last == timer) return;
    set(timers, place, last);
    rise(timers, last);
    sink(timers, last);
}

uint64_t timers_soonest_ns(const struct timers *timers)
{
    return timers->n ? timers->heap[0]->due_ns : UINT64_MAX;
}

struct timer *timers_take_due(struct timers *timers, uint64_t now_ns)
{
    if (timers_soonest_ns(timers) > now_ns || !timers->n) return NULL;
    struct timer *timer = timers->heap[0];
    timers_drop(timers, timer);
    return timer;
}
