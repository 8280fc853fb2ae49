/* SPDX-License-Identifier: Apache-2.0
 *
 * The exposition, letter by letter in both formats, and what the catalog promises. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics/metrics.h"

#include <warrener/version.h>

static const char *const orders[] = { "orders", NULL };

/* The whole page as a C string; the caller's text owns it. */
static const char *page(const struct metrics *metrics, bool openmetrics, struct metrics_text *text)
{
    metrics_text_fini(text);
    metrics_write(metrics, text, openmetrics);
    metrics_text_add(text, "", 1);
    return text->at;
}

static void expect(const struct metrics *metrics, bool openmetrics, const char *part)
{
    struct metrics_text text = { NULL, 0, 0 };
    const char *whole = page(metrics, openmetrics, &text);
    cr_assert(strstr(whole, part), "wanted:\n%s\ngot:\n%s", part, whole);
    metrics_text_fini(&text);
}

Test(write, a_counter_is_there_from_the_start_and_counts)
{
    struct metrics *metrics = metrics_new();
    struct counter *received = metrics_counter(metrics, METRIC_RECEIVED, orders);
    expect(metrics, false,
           "# HELP warrener_messages_received_total Messages delivered by the broker, redeliveries "
           "included.\n"
           "# TYPE warrener_messages_received_total counter\n"
           "warrener_messages_received_total{queue=\"orders\"} 0\n");
    counter_add(received, 3);
    counter_add(received, 4);
    cr_assert_eq(counter_read(received), 7);
    expect(metrics, true,
           "# TYPE warrener_messages_received counter\n"
           "warrener_messages_received_total{queue=\"orders\"} 7\n");
    metrics_free(metrics);
}

Test(write, nanoseconds_come_out_as_exact_seconds)
{
    struct metrics *metrics = metrics_new();
    struct counter *busy = metrics_counter(metrics, METRIC_LANE_BUSY_SECONDS, orders);
    expect(metrics, false, "warrener_lane_busy_seconds_total{queue=\"orders\"} 0\n");
    counter_add_seconds(busy, 1500000000);
    expect(metrics, false, "warrener_lane_busy_seconds_total{queue=\"orders\"} 1.5\n");
    counter_add_seconds(busy, 1);
    expect(metrics, true,
           "# TYPE warrener_lane_busy_seconds counter\n"
           "# UNIT warrener_lane_busy_seconds seconds\n"
           "warrener_lane_busy_seconds_total{queue=\"orders\"} 1.500000001\n");
    metrics_free(metrics);
}

Test(write, gauges_take_whole_and_broken_numbers)
{
    struct metrics *metrics = metrics_new();
    struct gauge *gauge = metrics_gauge(metrics, METRIC_LAST_DONE, orders);
    const struct {
        double value;
        const char *line;
    } cases[] = { { 0, "} 0\n" },
                  { 1700000000.125, "} 1700000000.125\n" },
                  { -5, "} -5\n" },
                  { 0.1, "} 0.1\n" },
                  { 1.0 / 0.0, "} +Inf\n" },
                  { -1.0 / 0.0, "} -Inf\n" },
                  { 1e300, "} 1e+300\n" } };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char line[128];
        gauge_set(gauge, cases[i].value);
        cr_assert_eq(gauge_read(gauge), cases[i].value);
        snprintf(line, sizeof line, "warrener_last_done_timestamp_seconds{queue=\"orders\"%s",
                 cases[i].line);
        expect(metrics, false, line);
    }
    gauge_set(gauge, INT64_C(9007199254740991));
    expect(metrics, false, "{queue=\"orders\"} 9007199254740991\n");
    metrics_free(metrics);
}

Test(write, label_values_are_escaped)
{
    struct metrics *metrics = metrics_new();
    metrics_counter(metrics, METRIC_SETTLED, (const char *const[]){ "a\"b\\c\nd", "done" });
    metrics_counter(metrics, METRIC_SETTLED, (const char *const[]){ "caf\xc3\xa9", "done" });
    metrics_counter(metrics, METRIC_SETTLED, (const char *const[]){ "caf\xe9", "done" });
    expect(metrics, false,
           "counter\n"
           "warrener_messages_settled_total{queue=\"a\\\"b\\\\c\\nd\",outcome=\"done\"} 0\n"
           "warrener_messages_settled_total{queue=\"caf\xc3\xa9\",outcome=\"done\"} 0\n"
           "warrener_messages_settled_total{queue=\"caf?\",outcome=\"done\"} 0\n");
    metrics_free(metrics);
}

Test(write, a_histogram_is_cumulative_and_ends_with_infinity)
{
    struct metrics *metrics = metrics_new();
    struct histogram *rows = metrics_histogram(metrics, METRIC_BATCH_ROWS, orders);
    histogram_note(rows, 1);
    histogram_note_many(rows, 3, 2);
    histogram_note_many_shared(rows, 20000, 1);
    expect(metrics, false,
           "# TYPE warrener_batch_rows histogram\n"
           "warrener_batch_rows_bucket{queue=\"orders\",le=\"1\"} 1\n"
           "warrener_batch_rows_bucket{queue=\"orders\",le=\"2\"} 1\n"
           "warrener_batch_rows_bucket{queue=\"orders\",le=\"5\"} 3\n");
    expect(metrics, false,
           "warrener_batch_rows_bucket{queue=\"orders\",le=\"10000\"} 3\n"
           "warrener_batch_rows_bucket{queue=\"orders\",le=\"+Inf\"} 4\n"
           "warrener_batch_rows_sum{queue=\"orders\"} 20007\n"
           "warrener_batch_rows_count{queue=\"orders\"} 4\n");
    expect(metrics, true,
           "# UNIT warrener_batch_rows rows\n"
           "warrener_batch_rows_bucket{queue=\"orders\",le=\"1.0\"} 1\n");
    metrics_free(metrics);
}

Test(write, a_histogram_without_labels)
{
    struct metrics *metrics = metrics_new();
    struct histogram *lag = metrics_histogram(metrics, METRIC_LOOP_LAG_SECONDS, NULL);
    histogram_note(lag, 2500000);
    expect(metrics, false,
           "warrener_loop_lag_seconds_bucket{le=\"0.001\"} 0\n"
           "warrener_loop_lag_seconds_bucket{le=\"0.0025\"} 1\n");
    expect(metrics, true, "warrener_loop_lag_seconds_bucket{le=\"1.0\"} 1\n");
    expect(metrics, false,
           "warrener_loop_lag_seconds_sum 0.0025\nwarrener_loop_lag_seconds_count 1\n");
    metrics_free(metrics);
}

Test(write, build_info_is_a_gauge_or_an_info)
{
    struct metrics *metrics = metrics_new();
    expect(metrics, false,
           "# TYPE warrener_build_info gauge\nwarrener_build_info{version=\"" WARRENER_VERSION
           "\",abi=\"1.0\"} 1\n");
    expect(metrics, true, "# TYPE warrener_build info\nwarrener_build_info{version=");
    metrics_free(metrics);
}

Test(write, handlers_count_under_their_own_names)
{
    struct metrics *metrics = metrics_new();
    struct counter *first =
        metrics_handler_counter(metrics, "kinds", "Kinds \\ \"seen\"\nso far.", "tally", "q1");
    struct counter *second = metrics_handler_counter(metrics, "kinds", NULL, "tally", "q2");
    metrics_handler_counter(metrics, "plain", NULL, "other", "q2");
    counter_add_shared(first, 2);
    counter_add_shared(second, 5);
    expect(metrics, false,
           "# HELP warrener_handler_kinds_total Kinds \\\\ \"seen\"\\nso far.\n"
           "# TYPE warrener_handler_kinds_total counter\n"
           "warrener_handler_kinds_total{handler=\"tally\",queue=\"q1\"} 2\n"
           "warrener_handler_kinds_total{handler=\"tally\",queue=\"q2\"} 5\n"
           "# HELP warrener_handler_plain_total Counted by the handler.\n");
    expect(metrics, true, "# HELP warrener_handler_kinds Kinds \\\\ \\\"seen\\\"\\nso far.\n");
    cr_assert_null(metrics_handler_counter(metrics, "Kinds", "", "tally", "q1"));
    cr_assert_null(metrics_handler_counter(metrics, "", "", "tally", "q1"));
    cr_assert_null(metrics_handler_counter(metrics, "a-b", "", "tally", "q1"));
    char name[66];
    memset(name, 'a', sizeof name);
    name[65] = '\0';
    cr_assert_not(metrics_is_counter_name(name));
    name[64] = '\0';
    cr_assert(metrics_is_counter_name(name));
    cr_assert_not_null(metrics_handler_counter(metrics, name, "", "tally", "q1"));
    metrics_free(metrics);
}

Test(write, a_series_asked_for_twice_is_one)
{
    struct metrics *metrics = metrics_new();
    cr_assert_eq(metrics_counter(metrics, METRIC_RECEIVED, orders),
                 metrics_counter(metrics, METRIC_RECEIVED, orders));
    cr_assert_neq(metrics_counter(metrics, METRIC_RECEIVED, orders),
                  metrics_counter(metrics, METRIC_RECEIVED, (const char *const[]){ "other" }));
    metrics_free(metrics);
}

Test(write, the_process_tells_of_itself)
{
    struct metrics *metrics = metrics_new();
    struct metrics_text text = { NULL, 0, 0 };
    const char *whole = page(metrics, false, &text);
    const char *const names[] = { "\nprocess_cpu_seconds_total ",
                                  "\nprocess_resident_memory_bytes ",
                                  "\nprocess_virtual_memory_bytes ",
                                  "\nprocess_open_fds ",
                                  "\nprocess_max_fds ",
                                  "\nprocess_start_time_seconds " };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *line = strstr(whole, names[i]);
        cr_assert(line, "%s is missing in\n%s", names[i], whole);
        const double value = strtod(strchr(line, ' '), NULL);
        cr_assert(i == 0 ? value >= 0 : value > 0, "%s %f", names[i], value);
    }
    metrics_text_fini(&text);
    metrics_free(metrics);
}

Test(write, openmetrics_alone_ends_with_a_mark)
{
    struct metrics *metrics = metrics_new();
    struct metrics_text text = { NULL, 0, 0 };
    const char *whole = page(metrics, true, &text);
    cr_assert_str_eq(whole + text.len - 1 - strlen("\n# EOF\n"), "\n# EOF\n");
    cr_assert_null(strstr(page(metrics, false, &text), "EOF"));
    metrics_text_fini(&text);
    metrics_free(metrics);
}

static bool ends_with(const char *name, const char *end)
{
    return strlen(name) >= strlen(end) && strcmp(name + strlen(name) - strlen(end), end) == 0;
}

Test(catalog, every_family_is_whole_and_named_by_the_rules)
{
    for (int i = 0; i < METRIC_FAMILY_COUNT; i++) {
        const struct metric_about *about = metric_about((enum metric_family)i);
        cr_assert(about->name && about->help, "family %d", i);
        cr_assert(ends_with(about->help, "."), "%s", about->name);
        cr_assert_eq(about->type == METRIC_COUNTER, ends_with(about->name, "_total"), "%s",
                     about->name);
        cr_assert_eq(about->type == METRIC_INFO, ends_with(about->name, "_info"), "%s",
                     about->name);
        cr_assert_eq(about->type == METRIC_HISTOGRAM, about->bounds != NULL, "%s", about->name);
        char base[128], unit[64];
        snprintf(base, sizeof base, "%s", about->name);
        if (about->type == METRIC_COUNTER) base[strlen(base) - strlen("_total")] = '\0';
        snprintf(unit, sizeof unit, "_%s", about->unit ? about->unit : "");
        cr_assert(!about->unit || ends_with(base, unit), "%s", about->name);
        if (about->is_nanoseconds) cr_assert_str_eq(about->unit, "seconds", "%s", about->name);
        for (int j = 0; j < i; j++) {
            cr_assert_str_neq(about->name, metric_about((enum metric_family)j)->name);
        }
    }
}
