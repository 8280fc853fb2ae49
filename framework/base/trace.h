/* SPDX-License-Identifier: Apache-2.0
 *
 * Trace contexts as the W3C writes them: `traceparent` read and written, `tracestate` judged, and the
 * samplers of OpenTelemetry. What is not to the letter counts as absent, as the recommendation asks.
 * Pure. */
#ifndef BASE_TRACE_H
#define BASE_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

#define TRACE_ID_BYTES 16
#define TRACE_SPAN_BYTES 8
#define TRACE_PARENT_CHARS 55 /* 00-<32 hex>-<16 hex>-<2 hex> */
#define TRACE_STATE_BYTES 512 /* longer ones are dropped, as is allowed */
#define TRACE_SAMPLED 1u

struct trace_context {
    bool is_there;
    uint8_t flags; /* TRACE_SAMPLED is one */
    uint8_t id[TRACE_ID_BYTES];
    uint8_t span[TRACE_SPAN_BYTES];
};

/* False, and `is_there` with it, where it is not valid. */
bool trace_read(struct wr_text parent, struct trace_context *out);
void trace_write(const struct trace_context *context, char out[TRACE_PARENT_CHARS]);
/* Lower-case hex, without a NUL. */
void trace_hex(const uint8_t *bytes, size_t n, char *out);
/* Whether it may be passed on. */
bool trace_is_state(struct wr_text state);

enum trace_policy { TRACE_ALWAYS, TRACE_NEVER, TRACE_RATIO };

struct trace_sampler {
    enum trace_policy root; /* of traces that begin here; where it follows no parent, of all */
    bool follows_parent;
    uint64_t most; /* TRACE_RATIO: the trace id's low 63 bits are below it */
};

/* As in OTEL_TRACES_SAMPLER and OTEL_TRACES_SAMPLER_ARG; NULL or "" is the default for both. False,
 * and parentbased_always_on, where one cannot be read: says what there is. */
MUST_USE bool trace_sampler_read(const char *name, const char *argument, struct trace_sampler *out,
                                 struct status *status);
bool trace_is_sampled(const struct trace_sampler *sampler, const struct trace_context *parent,
                      const uint8_t id[TRACE_ID_BYTES]);

#endif
