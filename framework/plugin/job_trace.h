/* SPDX-License-Identifier: Apache-2.0
 *
 * The trace a message belongs to: its own span's where spans are made, else what its headers say
 * (`traceparent`, or the CloudEvent's extension of that name). Pure. */
#ifndef PLUGIN_JOB_TRACE_H
#define PLUGIN_JOB_TRACE_H

#include "base/log.h"
#include "base/trace.h"
#include "plugin/job.h"

/* What came with it; false: nothing valid did. */
bool job_trace_parent(const struct job_message *message, struct trace_context *out);
/* Its tracestate; "" where there is none to be passed on. Only with a parent. */
struct wr_text job_trace_state(const struct job_message *message);
/* What it is handled under; false: no trace at all. */
bool job_trace(const struct job_message *message, struct trace_context *out);

/* trace_id and span_id, for the log; the latter only of a span of ours. Fields that say nothing where
 * there is no trace. */
struct job_trace_fields {
    struct log_field id, span;
    char text[2 * (TRACE_ID_BYTES + TRACE_SPAN_BYTES)];
};
void job_trace_for_log(const struct job_message *message, struct job_trace_fields *out);

#endif
