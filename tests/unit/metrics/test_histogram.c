/* SPDX-License-Identifier: Apache-2.0
 *
 * The histogram's arithmetic against a plain loop over the bounds, quantiles, and many writers. */
#include <criterion/criterion.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/metrics.h"
#include "metrics/pulse.h"

static const char *const orders[] = { "orders", NULL };

static unsigned find_slowly(const struct histogram_bounds *bounds, uint64_t value)
{
    unsigned i = 0;
    while (i < bounds->count && value > bounds->bound[i]) i++;
    return i;
}

static void check_value(const struct histogram_bounds *bounds, uint64_t value)
{
    cr_assert_eq(histogram_find(bounds, value), find_slowly(bounds, value), "value %llu",
                 (unsigned long long)value);
}

Test(histogram, finds_the_bucket_of_every_kind_of_value)
{
    const enum metric_family families[] = { METRIC_HANDLER_SECONDS, METRIC_SETTLE_SECONDS,
                                            METRIC_LOOP_LAG_SECONDS, METRIC_BATCH_ROWS };
    struct metrics *metrics = metrics_new();
    uint64_t seed = 42;
    for (size_t f = 0; f < sizeof families / sizeof *families; f++) {
        const struct histogram_bounds *bounds =
            metrics_histogram(metrics, families[f], orders)->bounds;
        cr_assert_gt(bounds->count, 5);
        for (unsigned i = 0; i < bounds->count; i++) {
            check_value(bounds, bounds->bound[i] - 1);
            check_value(bounds, bounds->bound[i]);
            check_value(bounds, bounds->bound[i] + 1);
        }
        for (unsigned bit = 0; bit < 64; bit++) {
            check_value(bounds, (UINT64_C(1) << bit) - 1);
            check_value(bounds, UINT64_C(1) << bit);
        }
        check_value(bounds, UINT64_MAX);
        for (int i = 0; i < 100000; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
            check_value(bounds, seed >> (i % 64));
        }
    }
    metrics_free(metrics);
}

static double quantile(const struct histogram *histogram, double q)
{
    uint64_t counts[METRIC_BOUNDS_MAX + 1];
    for (unsigned i = 0; i <= histogram->bounds->count; i++) counts[i] = histogram->buckets[i];
    return histogram_quantile(histogram->bounds, counts, q);
}

static uint64_t count_all(const struct histogram *histogram)
{
    uint64_t n = 0;
    for (unsigned i = 0; i <= histogram->bounds->count; i++) n += histogram->buckets[i];
    return n;
}

Test(histogram, a_quantile_lies_evenly_within_its_bucket)
{
    struct metrics *metrics = metrics_new();
    struct histogram *rows = metrics_histogram(metrics, METRIC_BATCH_ROWS, orders);
    cr_assert_eq(quantile(rows, 0.5), 0);
    histogram_note_many(rows, 7, 100); /* in 5..10 */
    cr_assert_float_eq(quantile(rows, 0.5), 7.5, 1e-9);
    cr_assert_float_eq(quantile(rows, 1), 10, 1e-9);
    histogram_note_many(rows, 80, 100); /* in 50..100 */
    cr_assert_float_eq(quantile(rows, 0.75), 75, 1e-9);
    histogram_note_many(rows, 1000000,
                        1000); /* above all: the highest bound is all that is known */
    cr_assert_float_eq(quantile(rows, 0.99), 10000, 1e-9);
    cr_assert_eq(count_all(rows), 1200);
    metrics_free(metrics);
}

#define WRITERS 4
#define ROUNDS 20000

struct shared {
    struct metrics *metrics;
    struct counter *counter, *own[WRITERS];
    struct histogram *histogram;
    int next;
};

static void *write_much(void *argument)
{
    struct shared *shared = argument;
    const int me = __atomic_fetch_add(&shared->next, 1, __ATOMIC_RELAXED);
    for (uint64_t i = 0; i < ROUNDS; i++) {
        counter_add_shared(shared->counter, 1);
        counter_add(shared->own[me], 2);
        histogram_note_many_shared(shared->histogram, i, 1);
    }
    return NULL;
}

/* In every page the buckets only rise and the count is what +Inf says. */
static void check_page(const char *page)
{
    unsigned long long before = 0, infinity = 0, count = 0;
    for (const char *at = page; (at = strstr(at, "warrener_batch_rows_")); at++) {
        const char *value = strchr(at, ' ') + 1;
        const unsigned long long number = strtoull(value, NULL, 10);
        if (strncmp(at, "warrener_batch_rows_bucket", 26) == 0) {
            cr_assert_geq(number, before);
            before = number;
            if (strstr(at, "+Inf") && strstr(at, "+Inf") < value) infinity = number;
        }
        if (strncmp(at, "warrener_batch_rows_count", 25) == 0) count = number;
    }
    cr_assert_eq(infinity, count);
}

Test(histogram, many_writers_and_a_scrape_lose_nothing, .timeout = 120)
{
    struct shared shared = { .metrics = metrics_new() };
    shared.counter = metrics_counter(shared.metrics, METRIC_RECEIVED, orders);
    shared.histogram = metrics_histogram(shared.metrics, METRIC_BATCH_ROWS, orders);
    for (int i = 0; i < WRITERS; i++) {
        char name[8];
        snprintf(name, sizeof name, "q%d", i);
        shared.own[i] =
            metrics_counter(shared.metrics, METRIC_RECEIVED, (const char *const[]){ name });
    }
    pthread_t threads[WRITERS];
    for (int i = 0; i < WRITERS; i++) pthread_create(&threads[i], NULL, write_much, &shared);
    struct metrics_text text = { NULL, 0, 0 };
    for (int i = 0; i < 50; i++) {
        char name[16];
        snprintf(name, sizeof name, "late_%d", i); /* series may still be made meanwhile */
        metrics_handler_counter(shared.metrics, name, NULL, "tally", "orders");
        text.len = 0;
        metrics_write(shared.metrics, &text, i % 2);
        metrics_text_add(&text, "", 1);
        check_page(text.at);
    }
    for (int i = 0; i < WRITERS; i++) pthread_join(threads[i], NULL);
    cr_assert_eq(counter_read(shared.counter), WRITERS * ROUNDS);
    for (int i = 0; i < WRITERS; i++) cr_assert_eq(counter_read(shared.own[i]), 2 * ROUNDS);
    cr_assert_eq(count_all(shared.histogram), WRITERS * ROUNDS);
    metrics_text_fini(&text);
    metrics_free(shared.metrics);
}

Test(pulse, stamps_counted_time_and_rests_at_zero)
{
    struct pulse_clock clock = { .counted_ms = 5 };
    struct pulse pulse = { .clock = &clock };
    cr_assert_eq(pulse_at_ms(&pulse), 0);
    pulse_beat(&pulse);
    cr_assert_eq(pulse_at_ms(&pulse), 5);
    pulse_rest(&pulse);
    cr_assert_eq(pulse_at_ms(&pulse), 0);
}

Test(text, grows_and_formats_long_lines)
{
    struct metrics_text text = { NULL, 0, 0 };
    char line[1000];
    memset(line, 'x', sizeof line - 1);
    line[sizeof line - 1] = '\0';
    for (int i = 0; i < 20; i++) metrics_text_format(&text, "%s%d\n", line, i % 10);
    cr_assert_eq(text.len, 20 * 1001);
    for (size_t i = 0; i < 20; i++) cr_assert_eq(text.at[i * 1001 + 999], (char)('0' + i % 10));
    metrics_text_fini(&text);
    cr_assert_null(text.at);
}
