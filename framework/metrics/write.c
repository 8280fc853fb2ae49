/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes the registry as Prometheus text 0.0.4 or OpenMetrics 1.0. The two differ in what a family
 * is called ("_total" and "_info" belong to the sample only), in units, in how a whole bound is
 * spelled (1 and 1.0), and in the end mark. Decimals want the C locale, which the HTTP thread has. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "metrics/process.h"
#include "metrics/registry.h"

#define NS_PER_S UINT64_C(1000000000)

struct writer {
    struct metrics_text *out;
    bool openmetrics;
};

static const char *type_name(enum metric_type type, bool openmetrics)
{
    switch (type) {
    case METRIC_COUNTER: return "counter";
    case METRIC_GAUGE: return "gauge";
    case METRIC_HISTOGRAM: return "histogram";
    case METRIC_INFO: return openmetrics ? "info" : "gauge";
    }
    return "untyped";
}

/* How much of the name is the family's: OpenMetrics takes the sample's suffix off. */
static int family_name_length(const struct writer *writer, const struct metric_about *about)
{
    size_t len = strlen(about->name);
    if (writer->openmetrics && about->type == METRIC_COUNTER) len -= strlen("_total");
    if (writer->openmetrics && about->type == METRIC_INFO) len -= strlen("_info");
    return (int)len;
}

static void write_help(const struct writer *writer, const char *help)
{
    for (const char *c = help; *c; c++) {
        if (*c == '\n') {
            metrics_text_put(writer->out, "\\n");
        } else if (*c == '\\' || (*c == '"' && writer->openmetrics)) {
            metrics_text_format(writer->out, "\\%c", *c);
        } else {
            metrics_text_add(writer->out, c, 1);
        }
    }
}

static void write_head(const struct writer *writer, const struct metric_about *about)
{
    const int len = family_name_length(writer, about);
    metrics_text_format(writer->out, "# HELP %.*s ", len, about->name);
    write_help(writer, about->help);
    metrics_text_format(writer->out, "\n# TYPE %.*s %s\n", len, about->name,
                        type_name(about->type, writer->openmetrics));
    if (writer->openmetrics && about->unit) {
        metrics_text_format(writer->out, "# UNIT %.*s %s\n", len, about->name, about->unit);
    }
}

/* The shortest spelling that reads back as the same number. */
static void write_double(struct metrics_text *out, double value)
{
    if (isnan(value)) {
        metrics_text_put(out, "NaN");
    } else if (isinf(value)) {
        metrics_text_put(out, value > 0 ? "+Inf" : "-Inf");
    } else if (fabs(value) < 0x1p53 && value == (double)(int64_t)value) {
        metrics_text_format(out, "%.0f", value);
    } else {
        char text[32];
        snprintf(text, sizeof text, "%.15g", value);
        if (strtod(text, NULL) != value) snprintf(text, sizeof text, "%.17g", value);
        metrics_text_put(out, text);
    }
}

/* Nanoseconds as seconds, exactly, without needless zeros. */
static void write_seconds(struct metrics_text *out, uint64_t ns, bool keep_point)
{
    metrics_text_format(out, "%llu", (unsigned long long)(ns / NS_PER_S));
    char decimals[12];
    int len = snprintf(decimals, sizeof decimals, ".%09u", (unsigned)(ns % NS_PER_S));
    while (len > 2 && decimals[len - 1] == '0') len--;
    if (decimals[1] != '0' || len > 2 || keep_point) metrics_text_add(out, decimals, (size_t)len);
}

static void write_whole(const struct writer *writer, const struct metric_about *about,
                        uint64_t value)
{
    if (about->is_nanoseconds) {
        write_seconds(writer->out, value, false);
    } else {
        metrics_text_format(writer->out, "%llu", (unsigned long long)value);
    }
}

static void write_sample_name(const struct writer *writer, const char *name, const char *suffix,
                              const char *labels)
{
    metrics_text_put(writer->out, name);
    metrics_text_put(writer->out, suffix);
    if (*labels) {
        metrics_text_put(writer->out, "{");
        metrics_text_put(writer->out, labels);
        metrics_text_put(writer->out, "}");
    }
    metrics_text_put(writer->out, " ");
}

static void write_bound(const struct writer *writer, const struct metric_about *about,
                        uint64_t bound)
{
    if (about->is_nanoseconds) {
        write_seconds(writer->out, bound, writer->openmetrics);
    } else {
        metrics_text_format(writer->out, "%llu%s", (unsigned long long)bound,
                            writer->openmetrics ? ".0" : "");
    }
}

static void write_bucket(const struct writer *writer, const struct family *family,
                         const struct series *series, unsigned i, uint64_t count)
{
    metrics_text_format(writer->out, "%s_bucket{", family->about.name);
    metrics_text_put(writer->out, series->labels);
    metrics_text_put(writer->out, *series->labels ? ",le=\"" : "le=\"");
    if (i < family->bounds.count) {
        write_bound(writer, &family->about, family->bounds.bound[i]);
    } else {
        metrics_text_put(writer->out, "+Inf");
    }
    metrics_text_format(writer->out, "\"} %llu\n", (unsigned long long)count);
}

/* The count is what the buckets add up to, so that the two agree whatever is noted meanwhile. */
static void write_histogram(const struct writer *writer, const struct family *family,
                            const struct series *series)
{
    const struct histogram *histogram = &series->histogram;
    const uint64_t sum = atomic_load_explicit(&histogram->sum, memory_order_relaxed);
    uint64_t count = 0;
    for (unsigned i = 0; i <= family->bounds.count; i++) {
        count += atomic_load_explicit(&histogram->buckets[i], memory_order_relaxed);
        write_bucket(writer, family, series, i, count);
    }
    write_sample_name(writer, family->about.name, "_sum", series->labels);
    write_whole(writer, &family->about, sum);
    metrics_text_put(writer->out, "\n");
    write_sample_name(writer, family->about.name, "_count", series->labels);
    metrics_text_format(writer->out, "%llu\n", (unsigned long long)count);
}

static void write_series(const struct writer *writer, const struct family *family,
                         const struct series *series)
{
    if (family->about.type == METRIC_HISTOGRAM) {
        write_histogram(writer, family, series);
        return;
    }
    write_sample_name(writer, family->about.name, "", series->labels);
    if (family->about.type == METRIC_COUNTER) {
        write_whole(writer, &family->about, counter_read(&series->counter));
    } else {
        write_double(writer->out, gauge_read(&series->gauge));
    }
    metrics_text_put(writer->out, "\n");
}

static void write_family(const struct writer *writer, const struct family *family)
{
    const struct series *series = atomic_load(&family->series);
    if (!series) return;
    write_head(writer, &family->about);
    for (; series; series = atomic_load(&series->next)) write_series(writer, family, series);
}

static void write_process(const struct writer *writer)
{
    double values[METRIC_PROCESS_COUNT];
    process_read(values);
    for (unsigned i = 0; i < METRIC_PROCESS_COUNT; i++) {
        const struct metric_about *about = metric_about(METRIC_PROCESS_FIRST + i);
        if (isnan(values[i])) continue;
        write_head(writer, about);
        write_sample_name(writer, about->name, "", "");
        write_double(writer->out, values[i]);
        metrics_text_put(writer->out, "\n");
    }
}

void metrics_write(const struct metrics *metrics, struct metrics_text *out, bool openmetrics)
{
    const struct writer writer = { out, openmetrics };
    for (unsigned i = 0; i < METRIC_PROCESS_FIRST; i++) write_family(&writer, &metrics->catalog[i]);
    const struct family *family = atomic_load(&metrics->handlers);
    for (; family; family = atomic_load(&family->next)) write_family(&writer, family);
    write_process(&writer);
    if (openmetrics) metrics_text_put(out, "# EOF\n");
}
