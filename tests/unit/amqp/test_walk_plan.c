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

/* Nothing comes any more, and the broker is asked whenever the plan wants it: how long until it ends, and
 * through how many fresh windows it looked. */
static enum walk_answer wait_out(struct walk_plan *plan, uint64_t ready, uint64_t took_ms,
                                 uint64_t *now_ms, unsigned *windows)
{
    enum walk_answer answer = WALK_GO_ON;
    const uint64_t until_ms = *now_ms + 60000;
    while (answer == WALK_GO_ON && *now_ms < until_ms) {
        *now_ms += 50;
        switch (walk_plan_step(plan, *now_ms)) {
        case WALK_WAITS: break;
        case WALK_TURNS:
            ++*windows;
            (void)walk_plan_open(plan, *now_ms);
            *now_ms += took_ms;
            walk_plan_opened(plan, *now_ms);
            break;
        case WALK_ASKS: *now_ms += took_ms; answer = walk_plan_answer(plan, ready, *now_ms);
        }
    }
    return answer;
}

static void begin_with_one(struct walk_plan *plan)
{
    walk_plan_begin(plan, 10, UINT64_MAX, 1000);
    (void)walk_plan_open(plan, 1000);
    cr_assert(walk_plan_take(plan, 1, 1000));
    cr_assert(walk_plan_step(plan, 9000) == WALK_WAITS, "one is in hand");
    walk_plan_settle(plan, 1, true, 1000);
}

Test(walk_plan, an_empty_queue_ends_it_soon_however_late_the_answers)
{
    static const uint64_t took_ms[] = { 0, 3, 260, 1200 };
    for (size_t i = 0; i < sizeof took_ms / sizeof *took_ms; i++) {
        struct walk_plan plan;
        uint64_t now_ms = 1000;
        unsigned windows = 0;
        begin_with_one(&plan);
        const enum walk_answer answer = wait_out(&plan, 0, took_ms[i], &now_ms, &windows);
        const uint64_t quiet_ms = now_ms - 1000;
        cr_expect(answer == WALK_NO_MORE && windows == 1, "%d, %u windows", answer, windows);
        cr_expect(quiet_ms >= WALK_QUIET_MS + WALK_END_MS, "too soon: %lu ms", quiet_ms);
        cr_expect(quiet_ms <= 2100 + took_ms[i] * 6, "too late: %lu ms", quiet_ms);
    }
}

Test(walk_plan, letters_that_are_counted_and_never_given_stall_it)
{
    struct walk_plan plan;
    uint64_t now_ms = 1000;
    unsigned windows = 0;
    begin_with_one(&plan);
    cr_expect(wait_out(&plan, 9, 3, &now_ms, &windows) == WALK_STALLS && windows == 1);
    cr_expect(now_ms - 1000 < 6000, "%lu ms", now_ms - 1000);
}

Test(walk_plan, no_count_ends_it_while_letters_may_be_on_their_way)
{
    struct walk_plan plan;
    begin_with_one(&plan);
    cr_assert(walk_plan_step(&plan, 1000 + WALK_QUIET_MS - 1) == WALK_WAITS);
    cr_assert(walk_plan_step(&plan, 1000 + WALK_QUIET_MS) == WALK_TURNS);
    for (int i = 0; i < 9; i++) /* asked before the window, answered long after */
        cr_assert(walk_plan_answer(&plan, 0, 90000) == WALK_GO_ON);
    (void)walk_plan_open(&plan, 2000);
    walk_plan_opened(&plan, 4000); /* a slow one */
    cr_assert(walk_plan_step(&plan, 4000 + WALK_QUIET_MS - 1) == WALK_WAITS);
    for (unsigned i = 0; i < 3; i++) /* it stood still for a minute; letters come behind this */
        cr_assert(walk_plan_answer(&plan, 9 * (i % 2), 64000) == WALK_GO_ON);
    cr_assert(walk_plan_take(&plan, 1, 64000));
    walk_plan_settle(&plan, 2, false, 64000);
    cr_assert(walk_plan_answer(&plan, 0, 64000 + WALK_STALL_MS) == WALK_GO_ON);
    cr_assert(walk_plan_step(&plan, 64000 + WALK_STALL_MS) == WALK_TURNS);
}

Test(walk_plan, gives_up_on_a_silent_broker_only_with_nothing_in_hand)
{
    struct walk_plan plan;
    walk_plan_begin(&plan, 10, UINT64_MAX, 1000);
    cr_assert(!walk_plan_gives_up(&plan, 1000, 1000 + WALK_ANSWER_MS - 1));
    cr_assert(walk_plan_gives_up(&plan, 1000, 1000 + WALK_ANSWER_MS));
    cr_assert(!walk_plan_gives_up(&plan, 1001, 1000),
              "asked after a standstill, which is taken off");
    (void)walk_plan_open(&plan, 1000);
    cr_assert(walk_plan_take(&plan, 1, 1000));
    cr_assert(!walk_plan_gives_up(&plan, 1000, 60000));
}
