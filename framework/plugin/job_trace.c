/* SPDX-License-Identifier: Apache-2.0
 *
 * See job_trace.h. Headers are looked at when somebody asks, for most messages never. */
#include "plugin/job_trace.h"

#include "amqp/table.h"

static struct wr_text find(const struct job_message *message, const char *name, const char *event)
{
    struct wr_pair pair;
    if (message->headers.len == 0) return text_of("");
    if (!table_find(message->headers, name, &pair) && !table_find(message->headers, event, &pair))
        return text_of("");
    return pair.kind == WR_H_TEXT ? pair.text : text_of("");
}

bool job_trace_parent(const struct job_message *message, struct trace_context *out)
{
    return trace_read(find(message, "traceparent", "ce_traceparent"), out);
}

struct wr_text job_trace_state(const struct job_message *message)
{
    const struct wr_text state = find(message, "tracestate", "ce_tracestate");
    return trace_is_state(state) ? state : text_of("");
}

bool job_trace(const struct job_message *message, struct trace_context *out)
{
    if (!message->trace.is_there) return job_trace_parent(message, out);
    *out = message->trace;
    return true;
}

void job_trace_for_log(const struct job_message *message, struct job_trace_fields *out)
{
    struct trace_context context;
    const size_t id_chars = (size_t)2 * TRACE_ID_BYTES, span_chars = (size_t)2 * TRACE_SPAN_BYTES;
    out->id = out->span = LOG_NOTHING;
    if (!job_trace(message, &context)) return;
    trace_hex(context.id, TRACE_ID_BYTES, out->text);
    out->id = LOG_SPAN(TRACE_ID, text_from(out->text, id_chars));
    if (!message->trace.is_there) return;
    trace_hex(context.span, TRACE_SPAN_BYTES, out->text + id_chars);
    out->span = LOG_SPAN(SPAN_ID, text_from(out->text + id_chars, span_chars));
}
