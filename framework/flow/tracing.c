/* SPDX-License-Identifier: Apache-2.0
 *
 * See tracing.h. A message without a trace begins one, but only where spans are made: a trace that
 * nobody ever sees is not worth a header. */
#include "flow/tracing.h"

#include "base/check.h"
#include "base/random.h"
#include "plugin/job_trace.h"

static void make_id(uint8_t *bytes, size_t n)
{
    for (size_t i = 0; i < n; i += sizeof(uint64_t)) {
        const uint64_t random = random_u64() | 1; /* all zeros is none */
        memcpy(bytes + i, &random, sizeof random);
    }
}

void tracing_begin_message(const struct tracing *tracing, struct delivery *delivery)
{
    struct trace_context *const own = &delivery->job.trace;
    struct trace_context parent;
    delivery->has_trace_parent = job_trace_parent(&delivery->job, &parent);
    *own = (struct trace_context){ .is_there = true };
    make_id(own->span, sizeof own->span);
    if (delivery->has_trace_parent) {
        memcpy(own->id, parent.id, sizeof own->id);
        memcpy(delivery->trace_parent, parent.span, sizeof parent.span);
    } else {
        make_id(own->id, sizeof own->id);
    }
    own->flags = trace_is_sampled(&tracing->tracer->sampler, &parent, own->id) ? TRACE_SAMPLED : 0;
}

static uint8_t keep(char *room, size_t most, struct wr_text text)
{
    const size_t n = text_cut(text, most);
    if (n) memcpy(room, text.at, n);
    return (uint8_t)n;
}

void tracing_end_message(const struct tracing *tracing, const struct delivery *delivery,
                         enum span_outcome outcome, const char *error, uint64_t now_ns)
{
    struct span *const span = spans_take(tracing->tracer->spans);
    if (!span) return;
    const struct wr_message *const message = &delivery->job.message;
    const struct wr_text reason = delivery->outcome.reason;
    span->source = &tracing->source;
    span->kind = SPAN_MESSAGE;
    span->trace = delivery->job.trace;
    span->has_parent = delivery->has_trace_parent;
    memcpy(span->parent, delivery->trace_parent, sizeof span->parent);
    span->outcome = outcome;
    span->start_ns = delivery->received_ns;
    span->end_ns = now_ns;
    span->attempt = delivery->attempt;
    span->body_bytes = delivery->body_bytes;
    span->error = error;
    if (outcome != SPAN_DONE && reason.len) span->words = text_copy(reason);
    if (span->has_parent) {
        const struct wr_text state = job_trace_state(&delivery->job);
        if (state.len) span->state = text_copy(state);
    }
    span->id_chars = keep(span->id, sizeof span->id, message->id);
    span->key_chars = keep(span->key, sizeof span->key, message->routing_key);
    spans_give(tracing->tracer->spans);
}

void tracing_batch(const struct tracing *tracing, const struct list *deliveries, uint32_t n,
                   uint64_t start_ns, uint64_t end_ns)
{
    struct span_link links[SPAN_LINKS_MOST];
    uint32_t n_links = 0;
    if (!tracing->tracer) return;
    for (const struct list *link = deliveries->next;
         link != deliveries && n_links < SPAN_LINKS_MOST; link = link->next) {
        const struct trace_context *const trace =
            &LIST_ENTRY(link, const struct delivery, link)->job.trace;
        if (!(trace->flags & TRACE_SAMPLED)) continue;
        memcpy(links[n_links].id, trace->id, sizeof trace->id);
        memcpy(links[n_links++].span, trace->span, sizeof trace->span);
    }
    struct span *const span = n_links ? spans_take(tracing->tracer->spans) : NULL;
    if (!span) return;
    span->source = &tracing->source;
    span->kind = SPAN_BATCH;
    span->trace = (struct trace_context){ .is_there = true, .flags = TRACE_SAMPLED };
    make_id(span->trace.id, sizeof span->trace.id);
    make_id(span->trace.span, sizeof span->trace.span);
    span->start_ns = start_ns;
    span->end_ns = end_ns;
    span->messages = n;
    span->n_links = n_links;
    span->links = memory_new(n_links, sizeof *links);
    memcpy(span->links, links, n_links * sizeof *links);
    spans_give(tracing->tracer->spans);
}

/* ---- what is published --------------------------------------------------------------------------- */

static bool has_header(const struct wr_outgoing *message, const char *name)
{
    for (size_t i = 0; i < message->n_headers; i++)
        if (text_is(message->headers[i].name, name)) return true;
    return false;
}

static void add_headers(struct arena *arena, struct wr_outgoing *message,
                        const struct wr_pair *more, size_t n_more)
{
    const size_t n = message->n_headers;
    struct wr_pair *const headers = arena_take(arena, (n + n_more) * sizeof *headers);
    if (n) memcpy(headers, message->headers, n * sizeof *headers);
    memcpy(headers + n, more, n_more * sizeof *headers);
    message->headers = headers;
    message->n_headers = n + n_more;
}

/* What the handler says of either is the handler's trace: neither is added. */
void tracing_carry_on(struct delivery *delivery)
{
    struct trace_context context;
    if (!job_trace(&delivery->job, &context)) return;
    char *const parent = arena_take_bytes(&delivery->arena, TRACE_PARENT_CHARS);
    trace_write(&context, parent);
    const struct wr_pair headers[] = {
        { .name = WR_TEXT_OF("traceparent"), .text = { parent, TRACE_PARENT_CHARS } },
        { .name = WR_TEXT_OF("tracestate"), .text = job_trace_state(&delivery->job) },
    };
    struct trace_context came;
    const bool has_state = headers[1].text.len && job_trace_parent(&delivery->job, &came);
    struct effect_publish *publish = delivery->outcome.effects.publishes;
    for (; publish; publish = publish->next)
        if (!has_header(&publish->message, "traceparent") &&
            !has_header(&publish->message, "tracestate"))
            add_headers(&delivery->arena, &publish->message, headers, has_state ? 2 : 1);
}
