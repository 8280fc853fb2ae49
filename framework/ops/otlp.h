/* SPDX-License-Identifier: Apache-2.0
 *
 * Spans as OTLP's JSON (ExportTraceServiceRequest), by hand: it is written for every message, so that
 * what all spans of a consumer share is written once and copied. Pure, but for memory. */
#ifndef OPS_OTLP_H
#define OPS_OTLP_H

#include "metrics/metrics_text.h"
#include "metrics/spans.h"
#include "ops/otlp_settings.h"

struct otlp;

struct otlp *otlp_new(const struct otlp_pair *about, size_t n_about, const char *version);
void otlp_free(struct otlp *otlp);

/* One request: begun, spans added, ended. `out` is what it is written into. */
void otlp_begin(const struct otlp *otlp, struct metrics_text *out);
/* `unix_ns` is what is added to monotonic time; `nth` counts from 0. */
void otlp_add(struct otlp *otlp, struct metrics_text *out, const struct span *span, int64_t unix_ns,
              size_t nth);
void otlp_end(struct metrics_text *out);

#endif
