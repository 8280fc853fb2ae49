/* SPDX-License-Identifier: Apache-2.0
 *
 * The heap of timers against the plainest list there is. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "net/loop.h"
#include "net/timers.h"

#define TIMERS 100
#define STEPS 20000

static uint64_t roll(uint64_t *random)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return *random >> 33;
}

static struct timer *find_soonest(struct timer *timers)
{
    struct timer *soonest = NULL;
    for (unsigned i = 0; i < TIMERS; i++)
        if (timers[i].place && (!soonest || timers[i].due_ns < soonest->due_ns))
            soonest = &timers[i];
    return soonest;
}

Test(timers, come_out_as_from_a_list_whatever_is_put_moved_and_dropped)
{
    struct timers heap = { 0 };
    struct timer timers[TIMERS] = { 0 };
    uint64_t random = 7, due_ns[TIMERS];
    for (unsigned step = 0; step < STEPS; step++) {
        struct timer *const any = &timers[roll(&random) % TIMERS];
        const size_t nth = (size_t)(any - timers);
        switch (roll(&random) % 4) {
        case 0:
            timers_drop(&heap, any);
            cr_assert_eq(any->place, 0);
            break;
        case 1:;
            struct timer *const first = find_soonest(timers);
            const uint64_t soonest_ns = first ? first->due_ns : UINT64_MAX;
            cr_assert_eq(timers_soonest_ns(&heap), soonest_ns);
            cr_assert_null(timers_take_due(&heap, soonest_ns - 1));
            if (!first) break;
            struct timer *const taken = timers_take_due(&heap, soonest_ns);
            cr_assert_eq(taken->due_ns, soonest_ns);
            cr_assert_eq(taken->due_ns, due_ns[taken - timers]);
            cr_assert_eq(taken->place, 0);
            break;
        default: due_ns[nth] = 1 + roll(&random) % 1000; timers_put(&heap, any, due_ns[nth]);
        }
        size_t armed = 0;
        for (unsigned i = 0; i < TIMERS; i++) armed += timers[i].place != 0;
        cr_assert_eq(armed, heap.n);
    }
    timers_fini(&heap);
}

Test(timers, an_empty_heap_gives_none_at_any_time)
{
    struct timers heap = { 0 };
    struct timer timer = { 0 };
    timers_drop(&heap, &timer);
    cr_assert_null(timers_take_due(&heap, UINT64_MAX));
    timers_put(&heap, &timer, UINT64_MAX); /* so late that it is never */
    cr_assert_eq(timers_take_due(&heap, UINT64_MAX), &timer);
    timers_fini(&heap);
}
