/* SPDX-License-Identifier: Apache-2.0
 *
 * Steps of history on a clock of the test's own. */
#include <criterion/criterion.h>

#include "ops/history.h"

#define MS UINT64_C(1000000)

struct past {
    struct metrics *metrics;
    struct histogram *settle;
    struct history *history;
    struct history_sample samples[2];
    uint64_t now_ms;
};

static struct past past_open(void)
{
    struct past past = { .metrics = metrics_new(), .history = history_new(2), .now_ms = 5000 };
    past.settle =
        metrics_histogram(past.metrics, METRIC_SETTLE_SECONDS, (const char *const[]){ "a" });
    past.samples[0].settle = past.settle;
    history_take(past.history, past.now_ms, past.samples);
    return past;
}

static void past_close(struct past *past)
{
    history_free(past->history);
    metrics_free(past->metrics);
}

static void step(struct past *past)
{
    past->now_ms += HISTORY_STEP_MS;
    history_take(past->history, past->now_ms, past->samples);
}

Test(history, a_step_is_what_came_since_the_last)
{
    struct past past = past_open();
    cr_assert_eq(history_steps(past.history), 0);
    cr_assert_eq(history_pace(past.history, 0).done, 0);
    cr_assert(!history_is_due(past.history, past.now_ms + HISTORY_STEP_MS - 1));
    cr_assert(history_is_due(past.history, past.now_ms + HISTORY_STEP_MS));
    past.samples[0].done = 30;
    past.samples[1].done = 60;
    past.samples[1].dead = 3;
    past.samples[1].busy_ns = 4500 * MS;
    histogram_note_many(past.settle, 7 * MS, 98); /* within 5..10 ms */
    histogram_note_many(past.settle, 700 * MS, 2);
    step(&past);
    cr_assert_eq(history_steps(past.history), 1);
    const struct history_step *first = history_step(past.history, 0);
    cr_assert(first->done == 90 && first->retried == 0 && first->dead == 3);
    cr_assert(first->median_us > 5000 && first->median_us < 10000, "%u", first->median_us);
    cr_assert(first->late_us > 250000 && first->late_us < 1000000, "%u", first->late_us);
    cr_assert_eq(history_pace(past.history, 1).done, 20);
    cr_assert_eq(history_pace(past.history, 1).late_us, 0);
    cr_assert_float_eq(history_pace(past.history, 1).lanes_busy, 1.5, 1e-9);
    cr_assert_eq(history_brief_done(past.history, 0, 0), 30);
    step(&past); /* nothing happens */
    cr_assert_eq(history_step(past.history, 1)->done, 0);
    cr_assert_eq(history_step(past.history, 1)->late_us, 0);
    cr_assert_eq(history_pace(past.history, 1).done, 10);
    past_close(&past);
}

/* A host that was stopped for a minute has one long step, and rates by the true time. */
Test(history, goes_by_the_time_that_passed)
{
    struct past past = past_open();
    past.now_ms += 57000;
    past.samples[0].done = 600;
    step(&past);
    cr_assert_float_eq(history_pace(past.history, 0).done, 10, 1e-9);
    past_close(&past);
}

Test(history, keeps_the_newest)
{
    struct past past = past_open();
    for (unsigned i = 1; i <= HISTORY_STEPS + 7; i++) {
        past.samples[0].done += i;
        step(&past);
    }
    cr_assert_eq(history_steps(past.history), HISTORY_STEPS);
    cr_assert_eq(history_step(past.history, 0)->done, 8);
    cr_assert_eq(history_step(past.history, HISTORY_STEPS - 1)->done, HISTORY_STEPS + 7);
    cr_assert_eq(history_brief_steps(past.history), HISTORY_BRIEF);
    cr_assert_eq(history_brief_done(past.history, 0, HISTORY_BRIEF - 1), HISTORY_STEPS + 7);
    cr_assert_eq(history_brief_done(past.history, 0, 0), HISTORY_STEPS + 8 - HISTORY_BRIEF);
    /* the last five */
    cr_assert_float_eq(history_pace(past.history, 0).done,
                       (HISTORY_STEPS + 5) * 1000.0 / HISTORY_STEP_MS, 1e-9);
    past_close(&past);
}

Test(history, never_counts_backwards_nor_over_its_brim)
{
    struct past past = past_open();
    past.samples[0].done = 9;
    step(&past);
    past.samples[0].done = 4;
    step(&past);
    cr_assert_eq(history_step(past.history, 1)->done, 0);
    past.samples[0].done = UINT64_MAX;
    histogram_note_many(past.settle, UINT64_MAX, 10); /* above all bounds: the highest is told */
    step(&past);
    const struct history_step *last = history_step(past.history, 2);
    cr_assert(last->done == UINT32_MAX && last->median_us == UINT32_MAX, "%u", last->median_us);
    past_close(&past);
}

Test(history, times_of_a_step_are_of_all_consumers)
{
    struct past past = past_open();
    struct histogram *other =
        metrics_histogram(past.metrics, METRIC_SETTLE_SECONDS, (const char *const[]){ "b" });
    past.samples[1].settle = other;
    histogram_note_many(past.settle, 700 * MS, 60);
    histogram_note_many(other, 7 * MS, 40);
    step(&past);
    const struct history_step *first = history_step(past.history, 0);
    cr_assert(first->median_us > 250000 && first->late_us > first->median_us, "%u",
              first->median_us);
    cr_assert_lt(history_pace(past.history, 1).late_us, 10000);
    past_close(&past);
}
