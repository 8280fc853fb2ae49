/* SPDX-License-Identifier: Apache-2.0
 *
 * Spans as OTLP (ExportTraceServiceRequest), by hand: it is written for every message, so that what all
 * spans of a consumer share is written once and copied. What a span says is here; how it is spelt, in
 * protobuf or in JSON, is its form's. Pure, but for memory. */
#ifndef OPS_OTLP_H
#define OPS_OTLP_H

#include "metrics/metrics_text.h"
#include "metrics/spans.h"
#include "ops/otlp_settings.h"

struct otlp;

struct otlp *otlp_new(enum otlp_format format, const struct otlp_pair *about, size_t n_about,
                      const char *version);
void otlp_free(struct otlp *otlp);
const char *otlp_content_type(enum otlp_format format);

/* One request: begun, spans added, ended. `out` is what it is written into, and no other than the one
 * it was begun with. */
void otlp_begin(struct otlp *otlp, struct metrics_text *out);
void otlp_add(struct otlp *otlp, struct metrics_text *out, const struct span *span,
              int64_t unix_ns); /* what is added to monotonic time */
struct wr_text otlp_end(struct otlp *otlp, struct metrics_text *out); /* lies in `out` */

#endif
