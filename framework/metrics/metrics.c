/* SPDX-License-Identifier: Apache-2.0
 *
 * Makes families and series, and reads histograms. The hot path is in metrics.h, the text in
 * write.c. Asking for a family by the wrong type is a bug and asserts. */
#include "metrics/metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/text.h"
#include "metrics/registry.h"

#include <warrener/version.h>

#define TEXT_OF_NUMBER(number) #number
#define TEXT_OF_MACRO(macro) TEXT_OF_NUMBER(macro)
#define COUNTER_NAME_MAX 64

static void fill_bounds(struct histogram_bounds *bounds, const uint64_t *from)
{
    unsigned n = 0;
    for (; from[n]; n++) {
        CHECK(n < METRIC_BOUNDS_MAX);
        CHECK(n == 0 || from[n] >= 2 * from[n - 1]);
        bounds->bound[n] = from[n];
    }
    bounds->count = (uint8_t)n;
    for (unsigned i = n; i <= METRIC_BOUNDS_MAX; i++) bounds->bound[i] = UINT64_MAX;
    for (unsigned bits = 1; bits <= 64; bits++) {
        const uint64_t least = UINT64_C(1) << (bits - 1);
        unsigned below = 0;
        while (below < n && bounds->bound[below] < least) below++;
        bounds->first[bits] = (uint8_t)below;
    }
}

struct metrics *metrics_new(void)
{
    struct metrics *metrics = NEW(struct metrics);
    for (unsigned i = 0; i < METRIC_FAMILY_COUNT; i++) {
        struct family *family = &metrics->catalog[i];
        family->about = *metric_about((enum metric_family)i);
        if (family->about.bounds) fill_bounds(&family->bounds, family->about.bounds);
    }
    static const char abi[] = TEXT_OF_MACRO(WR_ABI_MAJOR) "." TEXT_OF_MACRO(WR_ABI_MINOR);
    gauge_set(
        metrics_gauge(metrics, METRIC_BUILD_INFO, (const char *const[]){ WARRENER_VERSION, abi }),
        1);
    return metrics;
}

static void free_series(struct family *family)
{
    struct series *series = atomic_load(&family->series);
    while (series) {
        struct series *next = atomic_load(&series->next);
        free(series->labels);
        free(series);
        series = next;
    }
}

void metrics_free(struct metrics *metrics)
{
    if (!metrics) return;
    for (unsigned i = 0; i < METRIC_FAMILY_COUNT; i++) free_series(&metrics->catalog[i]);
    struct family *family = atomic_load(&metrics->handlers);
    while (family) {
        struct family *next = atomic_load(&family->next);
        free_series(family);
        free((char *)(uintptr_t)family->about.name);
        free((char *)(uintptr_t)family->about.help);
        free(family);
        family = next;
    }
    free(metrics);
}

/* Label values are UTF-8 in both formats; anything else of a foreign name is shown as '?'. */
static void write_label(struct metrics_text *out, const char *name, const char *value)
{
    const bool utf8 = text_is_utf8(text_of(value));
    metrics_text_format(out, "%s%s=\"", out->len ? "," : "", name);
    for (const char *c = value; *c; c++) {
        if (*c == '\n') {
            metrics_text_put(out, "\\n");
        } else if (*c == '"' || *c == '\\') {
            metrics_text_format(out, "\\%c", *c);
        } else {
            metrics_text_add(out, !utf8 && (*c & 0x80) ? "?" : c, 1);
        }
    }
    metrics_text_add(out, "\"", 1);
}

static char *labels_text(const struct metric_about *about, const char *const *values)
{
    struct metrics_text text = { NULL, 0, 0 };
    for (unsigned i = 0; i < METRIC_LABELS_MAX && about->labels[i]; i++) {
        write_label(&text, about->labels[i], values[i]);
    }
    metrics_text_add(&text, "", 1);
    return text.at;
}

static struct series *find_or_make(struct family *family, const char *const *values)
{
    char *labels = labels_text(&family->about, values);
    struct series *_Atomic *link = &family->series;
    for (struct series *series; (series = atomic_load(link)); link = &series->next) {
        if (strcmp(series->labels, labels) != 0) continue;
        free(labels);
        return series;
    }
    struct series *series = aligned_alloc(_Alignof(struct series), sizeof *series);
    CHECK(series != NULL);
    memset(series, 0, sizeof *series);
    series->labels = labels;
    if (family->about.type == METRIC_HISTOGRAM) series->histogram.bounds = &family->bounds;
    atomic_store(link, series);
    return series;
}

static struct family *family_of(struct metrics *metrics, enum metric_family family)
{
    CHECK(family < METRIC_PROCESS_FIRST);
    return &metrics->catalog[family];
}

struct counter *metrics_counter(struct metrics *metrics, enum metric_family family,
                                const char *const *label_values)
{
    struct family *of = family_of(metrics, family);
    CHECK(of->about.type == METRIC_COUNTER);
    return &find_or_make(of, label_values)->counter;
}

struct gauge *metrics_gauge(struct metrics *metrics, enum metric_family family,
                            const char *const *label_values)
{
    struct family *of = family_of(metrics, family);
    CHECK(of->about.type == METRIC_GAUGE || of->about.type == METRIC_INFO);
    return &find_or_make(of, label_values)->gauge;
}

struct histogram *metrics_histogram(struct metrics *metrics, enum metric_family family,
                                    const char *const *label_values)
{
    struct family *of = family_of(metrics, family);
    CHECK(of->about.type == METRIC_HISTOGRAM);
    return &find_or_make(of, label_values)->histogram;
}

static const struct series *find(const struct family *family, const char *const *label_values)
{
    char *labels = labels_text(&family->about, label_values);
    const struct series *series = atomic_load(&family->series);
    while (series && strcmp(series->labels, labels) != 0) series = atomic_load(&series->next);
    free(labels);
    return series;
}

const struct counter *metrics_find_counter(const struct metrics *metrics, enum metric_family family,
                                           const char *const *label_values)
{
    CHECK(family < METRIC_PROCESS_FIRST && metric_about(family)->type == METRIC_COUNTER);
    const struct series *series = find(&metrics->catalog[family], label_values);
    return series ? &series->counter : NULL;
}

const struct histogram *metrics_find_histogram(const struct metrics *metrics,
                                               enum metric_family family,
                                               const char *const *label_values)
{
    CHECK(family < METRIC_PROCESS_FIRST && metric_about(family)->type == METRIC_HISTOGRAM);
    const struct series *series = find(&metrics->catalog[family], label_values);
    return series ? &series->histogram : NULL;
}

bool metrics_is_counter_name(const char *name)
{
    const size_t len = strlen(name);
    return len >= 1 && len <= COUNTER_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == len;
}

static struct family *handler_family(struct metrics *metrics, const char *name, const char *help)
{
    struct family *_Atomic *link = &metrics->handlers;
    for (struct family *family; (family = atomic_load(link)); link = &family->next) {
        if (strcmp(family->about.name, name) == 0) return family;
    }
    const bool usable = help && *help && text_is_utf8(text_of(help));
    struct family *family = NEW(struct family);
    family->about = (struct metric_about){
        .name = memory_copy_text(name),
        .help = memory_copy_text(usable ? help : "Counted by the handler."),
        .type = METRIC_COUNTER,
        .labels = { "handler", "queue" },
    };
    atomic_store(link, family);
    return family;
}

struct counter *metrics_handler_counter(struct metrics *metrics, const char *counter_name,
                                        const char *help, const char *handler, const char *queue)
{
    if (!metrics_is_counter_name(counter_name)) return NULL;
    char name[sizeof "warrener_handler__total" + COUNTER_NAME_MAX];
    snprintf(name, sizeof name, "warrener_handler_%s_total", counter_name);
    struct family *family = handler_family(metrics, name, help);
    return &find_or_make(family, (const char *const[]){ handler, queue })->counter;
}

double histogram_quantile(const struct histogram_bounds *bounds, const uint64_t *counts, double q)
{
    double all = 0, below = 0;
    for (unsigned i = 0; i <= bounds->count; i++) all += (double)counts[i];
    if (all <= 0) return 0;
    for (unsigned i = 0; i < bounds->count; i++) {
        const double low = i ? (double)bounds->bound[i - 1] : 0, here = (double)counts[i];
        if (here > 0 && below + here >= q * all)
            return low + ((double)bounds->bound[i] - low) * (q * all - below) / here;
        below += here;
    }
    return (double)bounds->bound[bounds->count - 1];
}
