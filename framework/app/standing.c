/* SPDX-License-Identifier: Apache-2.0
 *
 * See standing.h. */
#include "app/standing.h"

#include <stdio.h>

#include "base/clock.h"

void standing_note(struct standing *standing, bool is_ready)
{
    if (standing->is_ready != is_ready || !standing->since_unix_us)
        standing->since_unix_us = clock_unix_us();
    standing->is_ready = is_ready;
}

void standing_blame(struct standing *standing, const char *why)
{
    snprintf(standing->last_error, sizeof standing->last_error, "%s", why);
}

void standing_tell(const struct standing *standing, const struct standing_names *names,
                   uint64_t reconnects, struct board_server *out)
{
    board_say(out->kind, sizeof out->kind, names->kind);
    board_say(out->name, sizeof out->name, names->name);
    board_say(out->address, sizeof out->address, names->address);
    board_say(out->last_error, sizeof out->last_error, standing->last_error);
    out->connected = standing->is_ready;
    out->since_unix_us = standing->since_unix_us;
    out->reconnects = reconnects;
}

void standing_metrics_init(struct standing_metrics *out, struct metrics *metrics, const char *kind)
{
    const char *const labels[] = { kind };
    *out = (struct standing_metrics){
        .connected = metrics_gauge(metrics, METRIC_CONNECTED, labels),
        .reconnects = metrics_counter(metrics, METRIC_RECONNECTS, labels),
    };
}

void standing_metrics_tell(struct standing_metrics *out, bool is_ready, uint64_t reconnects)
{
    gauge_set(out->connected, is_ready);
    counter_add(out->reconnects, reconnects - out->told);
    out->told = reconnects;
}
