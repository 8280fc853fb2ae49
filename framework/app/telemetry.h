/* SPDX-License-Identifier: Apache-2.0
 *
 * A host's traces, where the environment says where they go. What is wrong with that is logged and
 * never stops the work. */
#ifndef APP_TELEMETRY_H
#define APP_TELEMETRY_H

#include "flow/tracing.h"
#include "metrics/metrics.h"

struct telemetry;

/* NULL: spans go nowhere, and none are made. */
struct telemetry *telemetry_open(struct metrics *metrics);
void telemetry_close(struct telemetry *telemetry); /* after those who make spans; NULL is fine */
const struct tracer *telemetry_tracer(const struct telemetry *telemetry); /* NULL for NULL */

#endif
