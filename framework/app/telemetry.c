/* SPDX-License-Identifier: Apache-2.0
 *
 * See telemetry.h. */
#include "app/telemetry.h"

#include <stdlib.h>

#include <warrener/version.h>

#include "base/check.h"
#include "base/log.h"
#include "ops/exporter.h"

#define SPANS_MOST 16384 /* that wait to be sent: what 100,000 messages a second make in 160 ms */
#define CLOSE_PATIENCE_MS 2000

struct telemetry {
    struct otlp_settings settings;
    struct tracer tracer;
    struct exporter *exporter;
};

static const char *get(const char *name)
{
    return getenv(name);
}

static void release(struct telemetry *telemetry)
{
    spans_free(telemetry->tracer.spans);
    otlp_settings_fini(&telemetry->settings);
    free(telemetry);
}

static bool start(struct telemetry *telemetry, struct metrics *metrics, struct status *status)
{
    struct counter *const exported =
        metrics_counter(metrics, METRIC_TRACE_SPANS, (const char *[]){ "exported" });
    struct counter *const dropped =
        metrics_counter(metrics, METRIC_TRACE_SPANS, (const char *[]){ "dropped" });
    telemetry->tracer.sampler = telemetry->settings.sampler;
    telemetry->tracer.spans = spans_new(SPANS_MOST, dropped);
    const struct exporter_plan plan = {
        .settings = &telemetry->settings,
        .spans = telemetry->tracer.spans,
        .exported = exported,
        .dropped = dropped,
        .version = WARRENER_VERSION,
    };
    telemetry->exporter = exporter_open(&plan, status);
    return telemetry->exporter != NULL;
}

struct telemetry *telemetry_open(struct metrics *metrics)
{
    struct telemetry *const telemetry = NEW(struct telemetry);
    struct status status = { 0 };
    const bool is_read = otlp_settings_read(get, &telemetry->settings, &status);
    if (is_read && *telemetry->settings.warning) log_warn("ops", telemetry->settings.warning);
    if (is_read && telemetry->settings.is_on && start(telemetry, metrics, &status)) {
        log_info("ops", "spans are sent", LOG_TEXT(SERVER, telemetry->settings.host));
        return telemetry;
    }
    if (*status.text) log_error("ops", "no spans are made", LOG_TEXT(REASON, status.text));
    release(telemetry);
    return NULL;
}

void telemetry_close(struct telemetry *telemetry)
{
    if (!telemetry) return;
    exporter_close(telemetry->exporter, CLOSE_PATIENCE_MS);
    release(telemetry);
}

const struct tracer *telemetry_tracer(const struct telemetry *telemetry)
{
    return telemetry ? &telemetry->tracer : NULL;
}
