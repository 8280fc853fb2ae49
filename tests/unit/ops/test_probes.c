/* SPDX-License-Identifier: Apache-2.0
 *
 * The probes' policy on a clock of our own, and the counted clock itself. */
#include <criterion/criterion.h>
#include <string.h>

#include "ops/probes.h"

static struct metrics_text words;

static const char *said(void)
{
    metrics_text_add(&words, "", 1);
    return words.at;
}

static bool live(const struct probe_facts *facts)
{
    metrics_text_fini(&words);
    return probe_is_live(facts, &words);
}

static bool ready(const struct probe_facts *facts)
{
    metrics_text_fini(&words);
    return probe_is_ready(facts, &words);
}

static void forget(void)
{
    metrics_text_fini(&words);
}

TestSuite(probes, .fini = forget);

Test(probes, a_moving_loop_is_alive_and_a_still_one_is_not)
{
    struct probe_facts facts = { .now_ms = 50000, .beat_ms = 40001, .told = true };
    cr_assert(live(&facts));
    cr_assert_str_eq(said(), "alive\n");
    cr_assert(ready(&facts));
    cr_assert_str_eq(said(), "ready\n");
    facts.beat_ms = 40000;
    facts.now_unix_us = INT64_C(1767323045678000);
    cr_assert_not(live(&facts));
    cr_assert_str_eq(said(), "the loop has not moved for 10 s, since 2026-01-02T03:03:55.678Z\n");
    cr_assert_not(ready(&facts));
}

Test(probes, a_loop_that_has_not_begun_is_accused_of_nothing)
{
    const struct probe_facts facts = { .now_ms = 500000 };
    cr_assert(live(&facts));
    cr_assert_not(ready(&facts));
    cr_assert_str_eq(said(), "starting\n");
}

Test(probes, a_lane_past_its_timeout_is_stuck_and_named)
{
    struct probe_lane lanes[] = {
        { "quick", 0, 0, 1000 },
        { "orders", 3, 100000, 30000 },
        { "slow", 1, 100000, 60000 },
    };
    struct probe_facts facts = { .now_ms = 100000 + 30000 + PROBE_LANE_GRACE_MS,
                                 .beat_ms = 130000,
                                 .lanes = lanes,
                                 .n_lanes = 3,
                                 .told = true };
    cr_assert(live(&facts));
    facts.now_ms++;
    cr_assert_not(live(&facts));
    cr_assert_str_eq(said(), "lane 3 of queue orders is stuck in one handler call for 31 s, since "
                             "1969-12-31T23:59:28.999Z (timeout 30000 ms)\n");
    cr_assert_not(ready(&facts));
    lanes[1].since_ms = 0;
    cr_assert(live(&facts));
    cr_assert(ready(&facts));
}

Test(probes, every_reason_has_a_line)
{
    const char *const reasons[] = { "amqp is away", "queue orders: paused" };
    const struct probe_facts facts = { .now_ms = 2000,
                                       .beat_ms = 1999,
                                       .told = true,
                                       .draining = true,
                                       .reasons = reasons,
                                       .n_reasons = 2 };
    cr_assert(live(&facts));
    cr_assert_not(ready(&facts));
    cr_assert_str_eq(said(), "draining: what is in hand is finished, nothing new is taken\n"
                             "amqp is away\nqueue orders: paused\n");
}

Test(probes, a_beat_newer_than_now_is_no_fault)
{
    const struct probe_facts facts = { .now_ms = 1, .beat_ms = 90000, .told = true };
    cr_assert(live(&facts));
}

Test(probes, a_tick_counts_a_second_at_most)
{
    struct probe_clock clock = { .counted_ms = 1 };
    probe_clock_tick(&clock, 700000); /* the first has nothing to count from */
    cr_assert_eq(clock.counted_ms, 1);
    probe_clock_tick(&clock, 700250);
    cr_assert_eq(clock.counted_ms, 251);
    probe_clock_tick(&clock, 700250 + 3600000); /* stopped for an hour and continued */
    cr_assert_eq(clock.counted_ms, 1251);
    probe_clock_tick(&clock, 700250);
    cr_assert_eq(clock.counted_ms, 1251);
    probe_clock_tick(&clock, 700500);
    cr_assert_eq(clock.counted_ms, 1501);
}

/* The loop and this clock were stopped together: neither is behind the other. */
Test(probes, a_stopped_and_continued_host_is_alive)
{
    struct probe_clock clock = { .counted_ms = 1 };
    uint64_t now_ms = 1000, beat_ms = 0;
    for (int stop = 0; stop < 20; stop++) {
        for (int i = 0; i < 8; i++) probe_clock_tick(&clock, now_ms += 250);
        beat_ms = clock.counted_ms;
        now_ms += 60000; /* stopped in the middle of a handler's call */
        probe_clock_tick(&clock, now_ms);
        const struct probe_lane lane = { "orders", 0, beat_ms, 2000 };
        const struct probe_facts facts = { .now_ms = clock.counted_ms,
                                           .beat_ms = beat_ms,
                                           .lanes = &lane,
                                           .n_lanes = 1,
                                           .told = true };
        cr_assert(live(&facts), "stop %d: %s", stop, said());
    }
}

/* The watchdog's question, on counted time. */
Test(probes, a_call_is_stuck_past_its_timeout_and_a_stopped_host_accuses_nobody)
{
    struct probe_clock clock = { .counted_ms = 1 };
    probe_clock_tick(&clock, 5000);
    const uint64_t since_ms = clock.counted_ms;
    cr_assert(!probe_is_stuck(clock.counted_ms, 0, 2000)); /* idle */
    probe_clock_tick(&clock, 3600000);                     /* stopped for an hour, and continued */
    cr_assert(!probe_is_stuck(clock.counted_ms, since_ms, 2000));
    uint64_t now_ms = 3600000;
    for (uint64_t ms = 0; ms < 2000; ms += 500) {
        cr_assert(!probe_is_stuck(clock.counted_ms, since_ms, 2000));
        probe_clock_tick(&clock, now_ms += 500);
    }
    probe_clock_tick(&clock, now_ms += 500);
    cr_assert(probe_is_stuck(clock.counted_ms, since_ms, 2000));
}
