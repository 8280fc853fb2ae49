/* SPDX-License-Identifier: Apache-2.0
 *
 * Traces through a crew: a message's span from its arrival to its ack, the batch's with links to its
 * messages', and what is published carries the trace on. Spans are made only where there is somewhere
 * to send them; carrying on needs nobody. Belongs to the loop. */
#ifndef FLOW_TRACING_H
#define FLOW_TRACING_H

#include "base/check.h"
#include "flow/delivery.h"
#include "metrics/spans.h"

/* Of the host. */
struct tracer {
    struct trace_sampler sampler;
    struct spans *spans;
};

/* Of one crew. */
struct tracing {
    const struct tracer *tracer; /* NULL: no spans are made */
    struct span_source source;
};

/* A message has arrived. */
void tracing_begin_message(const struct tracing *tracing, struct delivery *delivery);
/* It is settled: `error` is why it is dead, or NULL. */
void tracing_end_message(const struct tracing *tracing, const struct delivery *delivery,
                         enum span_outcome outcome, const char *error, uint64_t now_ns);

static inline void tracing_begin(const struct tracing *tracing, struct delivery *delivery)
{
    if (UNLIKELY(tracing->tracer != NULL)) tracing_begin_message(tracing, delivery);
}

static inline void tracing_end(const struct tracing *tracing, const struct delivery *delivery,
                               enum span_outcome outcome, const char *error, uint64_t now_ns)
{
    if (UNLIKELY(delivery->job.trace.flags & TRACE_SAMPLED))
        tracing_end_message(tracing, delivery, outcome, error, now_ns);
}

/* These deliveries are durable. */
void tracing_batch(const struct tracing *tracing, const struct list *deliveries, uint32_t n,
                   uint64_t start_ns, uint64_t end_ns);

/* Adds traceparent and tracestate to what its handler publishes, unless that has one of its own. */
void tracing_carry_on(struct delivery *delivery);

#endif
