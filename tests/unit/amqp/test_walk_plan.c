/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan of a walk, against a queue and a clock made of numbers. */
#include <criterion/criterion.h>

#include "amqp/walk_plan.h"

/* Walks `n` letters of `bytes` each, every `acked`th of which is acked (0: none), and counts windows
 * and the most that were in hand or asked for at a time. */
struct course {
    unsigned windows;
    uint64_t seen, most_asked;
};

static struct course walk(uint64_t n, uint64_t bytes, uint64_t hand_bytes, unsigned acked)
{
    struct walk_plan plan;
    struct course course = { 0 };
    walk_plan_begin(&plan, n, hand_bytes, 0);
    while (!walk_plan_is_done(&plan)) {
        uint64_t held = 0; /* by this window */
        const uint64_t window = walk_plan_open(&plan, 0);
        cr_assert(window > 0 && window <= WALK_WINDOW_MOST);
        cr_assert(++course.windows < 1000000, "it gets nowhere");
        while (!walk_plan_turns(&plan) && !walk_plan_is_done(&plan)) {
            cr_assert(held < window, "a full window turns");
            cr_assert(walk_plan_take(&plan, bytes, 0));
            const bool is_kept = !acked || course.seen++ % acked;
            held += is_kept;
            walk_plan_settle(&plan, plan.received, is_kept, 0);
        }
        if (window > course.most_asked) course.most_asked = window;
    }
    cr_assert(plan.received == n && plan.settled == n);
    cr_assert(!walk_plan_take(&plan, bytes, 0), "it was not there when the walk began");
    return course;
}

Test(walk_plan, a_million_letters_take_few_windows)
{
    const struct course course = walk(1000000, 300, UINT64_MAX, 0);
    cr_expect(course.windows <= 32, "%u", course.windows);
    cr_expect(walk(1000000, 300, 32 << 20, 1).windows <= 8);
}

Test(walk_plan, what_is_in_hand_is_bounded_by_bytes)
{
    cr_expect(walk(10000, 100000, 32 << 20, 0).most_asked * 100000 <= 32 << 20);
    cr_expect(walk(100, 100 << 20, 32 << 20, 0).most_asked <= WALK_WINDOW_FIRST);
    cr_expect(walk(100, 100 << 20, 32 << 20, 2).most_asked <= WALK_WINDOW_FIRST);
}

Test(walk_plan, any_mixture_comes_to_its_end)
{
    for (unsigned acked = 0; acked < 40; acked++)
        for (uint64_t n = 1; n < 3000; n = n * 3 + 1) (void)walk(n, 10, 100000, acked);
}

Test(walk_plan, letters_of_an_earlier_window_do_not_fill_this_one)
{
    struct walk_plan plan;
    walk_plan_begin(&plan, 1000, UINT64_MAX, 0);
    (void)walk_plan_open(&plan, 0);
    for (int i = 0; i < 16; i++) cr_assert(walk_plan_take(&plan, 1, 0));
    for (uint64_t i = 1; i <= 16; i++) walk_plan_settle(&plan, i, i <= 8, 0);
    cr_assert(walk_plan_turns(&plan));
    cr_assert(walk_plan_open(&plan, 0) == 64);
    for (uint64_t i = 9; i <= 16; i++) walk_plan_settle(&plan, i, true, 0); /* late */
    cr_assert(plan.w_kept == 0 && !walk_plan_turns(&plan));
}

Test(walk_plan, believes_an_empty_queue_slowly)
{
    struct walk_plan plan;
    walk_plan_begin(&plan, 10, UINT64_MAX, 1000);
    (void)walk_plan_open(&plan, 1000);
    cr_assert(walk_plan_take(&plan, 1, 1000));
    cr_assert(!walk_plan_asks(&plan, 9000), "one is in hand");
    walk_plan_settle(&plan, 1, true, 1000);
    cr_assert(!walk_plan_asks(&plan, 1000 + WALK_QUIET_MS - 1));
    cr_assert(walk_plan_asks(&plan, 1000 + WALK_QUIET_MS));
    for (int i = 0; i < 20; i++) /* a busy one says 0 after 250 ms */
        cr_assert(walk_plan_answer(&plan, 0, 260, 1000 + WALK_END_MS) == WALK_GO_ON);
    for (int i = 0; i < 3; i++)
        cr_assert(walk_plan_answer(&plan, 0, 3, 1000 + WALK_END_MS) == WALK_GO_ON);
    cr_assert(walk_plan_answer(&plan, 0, 3, 1000 + WALK_END_MS) == WALK_NO_MORE);
    cr_assert(walk_plan_answer(&plan, 5, 3, 1000 + WALK_END_MS) == WALK_GO_ON);
    cr_assert(walk_plan_answer(&plan, 5, 3, 1000 + WALK_STALL_MS) == WALK_STALLS);
}
