/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing the reference; see reference.h. */
#include "metrics/reference.h"

#include "metrics/catalog.h"

#define NS_PER_S 1e9

static const char preface[] =
    "# Metrics\n"
    "\n"
    "<!-- Made from framework/metrics/catalog.c by the target docs_metrics: change it there. -->\n"
    "\n"
    "`/metrics` answers in Prometheus text 0.0.4, or OpenMetrics 1.0 where the scraper asks for "
    "it.\n"
    "`queue` is the consumer's name. Every series of a configured consumer or server is there from "
    "the\n"
    "start, at zero; labels never come from messages. What handlers count themselves is\n"
    "`warrener_handler_NAME_total{handler,queue}`. [operating.md](operating.md) tells what to "
    "watch.\n"
    "\n"
    "| metric | kind | labels | |\n"
    "|---|---|---|---|\n";

static const char *const types[] = {
    [METRIC_COUNTER] = "counter",
    [METRIC_GAUGE] = "gauge",
    [METRIC_HISTOGRAM] = "histogram",
    [METRIC_INFO] = "info",
};

static void write_labels(FILE *out, const struct metric_about *about)
{
    for (unsigned i = 0; i < METRIC_LABELS_MAX && about->labels[i]; i++)
        fprintf(out, "%s`%s`", i ? ", " : "", about->labels[i]);
}

static void write_bounds(FILE *out, const struct metric_about *about)
{
    if (!about->bounds) return;
    fputs(" Buckets:", out);
    for (unsigned i = 0; about->bounds[i]; i++)
        fprintf(out, "%s %g", i ? "," : "",
                (double)about->bounds[i] / (about->is_nanoseconds ? NS_PER_S : 1));
    fputs(".", out);
}

void metrics_write_reference(FILE *out)
{
    fputs(preface, out);
    for (unsigned i = 0; i < METRIC_FAMILY_COUNT; i++) {
        const struct metric_about *about = metric_about((enum metric_family)i);
        fprintf(out, "| `%s` | %s | ", about->name, types[about->type]);
        write_labels(out, about);
        fprintf(out, " | %s", about->help);
        write_bounds(out, about);
        fputs(" |\n", out);
    }
}
