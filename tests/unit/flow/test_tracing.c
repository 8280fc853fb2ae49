/* SPDX-License-Identifier: Apache-2.0
 *
 * A delivery's trace: where it comes from, what is published under it, and what is left alone. */
#include <criterion/criterion.h>

#include "flow/tracing.h"
#include "plugin/headers.h"
#include "plugin/job_trace.h"

#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define OTHER "4bf92f3577b34da6a3ce929d0e0e4737"
#define CAME "00-" TRACE "-00f067aa0ba902b7-01"

static struct delivery_pool pool;
static struct delivery *delivery;
static struct counter dropped;
static struct tracer tracer = { .sampler = { .root = TRACE_ALWAYS, .follows_parent = true } };
static struct tracing tracing = { .source = { "q", "h", false } };
static char headers[1024];

static void setup(void)
{
    delivery_pool_init(&pool);
    delivery = delivery_take(&pool);
    tracer.spans = spans_new(8, &dropped);
}

static void teardown(void)
{
    delivery_give(&pool, &delivery);
    delivery_pool_fini(&pool);
    spans_free(tracer.spans);
}

TestSuite(tracing, .init = setup, .fini = teardown);

static void arrive_with(const struct wr_pair *pairs, size_t n)
{
    delivery->job = (struct job_message){ .headers = { headers, 0 } };
    delivery->job.headers.len = (size_t)(headers_write("", pairs, n, headers) - headers);
    tracing_begin(&tracing, delivery);
}

static void arrive(const char *parent, const char *state)
{
    const struct wr_pair pairs[] = {
        { .name = WR_TEXT_OF("traceparent"), .text = text_of(parent) },
        { .name = WR_TEXT_OF("tracestate"), .text = text_of(state) },
    };
    arrive_with(pairs, parent ? 2 : 0);
}

static struct effect_publish published;

static void publish(const struct wr_pair *own, size_t n)
{
    published = (struct effect_publish){ .message = { .headers = own, .n_headers = n } };
    delivery->outcome = (struct job_outcome){ .effects = { .publishes = &published } };
    tracing_carry_on(delivery);
}

static void expect_header(size_t i, const char *name, const char *text)
{
    cr_assert(i < published.message.n_headers, "%zu headers", published.message.n_headers);
    const struct wr_pair *const pair = &published.message.headers[i];
    cr_expect(text_is(pair->name, name) && text_is(pair->text, text), "%.*s: %.*s is not %s: %s",
              TEXT_ARGS(pair->name), TEXT_ARGS(pair->text), name, text);
}

Test(tracing, is_passed_on_unchanged_where_no_spans_are_made)
{
    const struct wr_pair own = { .name = WR_TEXT_OF("mine"), .text = WR_TEXT_OF("x") };
    arrive(CAME, "rojo=1");
    publish(&own, 1);
    cr_expect_eq(published.message.n_headers, 3);
    expect_header(0, "mine", "x");
    expect_header(1, "traceparent", CAME);
    expect_header(2, "tracestate", "rojo=1");
    arrive(NULL, NULL);
    publish(&own, 1);
    cr_expect_eq(published.message.n_headers, 1);
    arrive("00-damaged", "rojo=1");
    publish(NULL, 0);
    cr_expect_eq(published.message.n_headers, 0);
}

Test(tracing, a_handler_that_says_its_own_is_left_alone)
{
    const struct wr_pair own = { .name = WR_TEXT_OF("traceparent"), .text = WR_TEXT_OF("mine") };
    arrive(CAME, "rojo=1");
    publish(&own, 1);
    cr_expect_eq(published.message.n_headers, 1);
    expect_header(0, "traceparent", "mine");
}

Test(tracing, has_a_span_between_parent_and_child)
{
    char child[TRACE_PARENT_CHARS + 1] = "";
    tracing.tracer = &tracer;
    arrive(CAME, "rojo=1");
    publish(NULL, 0);
    cr_expect_eq(published.message.n_headers, 2);
    trace_write(&delivery->job.trace, child);
    expect_header(0, "traceparent", child);
    cr_expect(strncmp(child, CAME, 36) == 0 && strcmp(child, CAME) != 0);
    tracing_end(&tracing, delivery, SPAN_DONE, NULL, 5);
    const struct span *const span = spans_first(tracer.spans);
    cr_assert(span && span->has_parent && span->end_ns == 5);
    cr_expect_eq(span->parent[0], 0x00);
    cr_expect_eq(span->parent[1], 0xf0);
    cr_expect_str_eq(span->state, "rojo=1");
}

Test(tracing, that_is_not_sampled_leaves_no_span_and_says_so_on)
{
    char child[TRACE_PARENT_CHARS + 1] = "";
    tracing.tracer = &tracer;
    arrive("00-" TRACE "-00f067aa0ba902b7-00", "");
    publish(NULL, 0);
    cr_expect_eq(published.message.n_headers, 1);
    trace_write(&delivery->job.trace, child);
    expect_header(0, "traceparent", child);
    cr_expect_str_eq(child + 52, "-00");
    tracing_end(&tracing, delivery, SPAN_DONE, NULL, 5);
    struct list all;
    list_init(&all);
    list_append(&all, &delivery->link);
    tracing_batch(&tracing, &all, 1, 1, 2);
    list_remove(&delivery->link);
    cr_expect_null(spans_first(tracer.spans));
}

Test(tracing, of_a_batch_links_to_its_messages)
{
    tracing.tracer = &tracer;
    arrive(NULL, NULL);
    struct list all;
    list_init(&all);
    list_append(&all, &delivery->link);
    tracing_batch(&tracing, &all, 1, 1, 2);
    list_remove(&delivery->link);
    const struct span *const span = spans_first(tracer.spans);
    cr_assert(span && span->n_links == 1 && span->messages == 1);
    cr_expect_arr_eq(span->links[0].id, delivery->job.trace.id, TRACE_ID_BYTES);
    cr_expect_arr_eq(span->links[0].span, delivery->job.trace.span, TRACE_SPAN_BYTES);
    cr_expect_arr_neq(span->trace.id, delivery->job.trace.id, TRACE_ID_BYTES);
}

/* The CloudEvent's extension stands in where the message has no header of its own. */
Test(tracing, of_an_event_is_its_extension)
{
    const struct wr_pair pair = { .name = WR_TEXT_OF("traceparent"), .text = text_of(CAME) };
    struct trace_context context;
    struct job_message message = { .headers = { headers, 0 } };
    message.headers.len = (size_t)(headers_write("ce_", &pair, 1, headers) - headers);
    cr_expect(job_trace_parent(&message, &context));
}

/* Of both names the message's own goes first; a state that cannot be passed on is none. */
Test(tracing, of_a_message_is_before_its_events)
{
    const struct wr_pair pairs[] = {
        { .name = WR_TEXT_OF("ce_traceparent"),
          .text = text_of("00-" OTHER "-00f067aa0ba902b7-01") },
        { .name = WR_TEXT_OF("traceparent"), .text = text_of(CAME) },
        { .name = WR_TEXT_OF("tracestate"), .text = WR_TEXT_OF("rojo=\n") },
    };
    arrive_with(pairs, 3);
    publish(NULL, 0);
    cr_expect_eq(published.message.n_headers, 1);
    expect_header(0, "traceparent", CAME);
}

Test(tracing, is_passed_on_with_all_that_is_published)
{
    const struct wr_pair own = { .name = WR_TEXT_OF("tracestate"), .text = WR_TEXT_OF("mine=1") };
    struct effect_publish last = { .message = { .n_headers = 0 } };
    struct effect_publish first = { .next = &last, .message = { .headers = &own, .n_headers = 1 } };
    arrive(CAME, "rojo=1");
    delivery->outcome = (struct job_outcome){ .effects = { .publishes = &first } };
    tracing_carry_on(delivery);
    cr_expect_eq(first.message.n_headers, 1, "the handler speaks of a trace of its own");
    cr_expect_eq(last.message.n_headers, 2);
}

Test(tracing, a_span_tells_of_its_message)
{
    char key[SPAN_KEY_CHARS + 2];
    tracing.tracer = &tracer;
    memset(key, 'k', sizeof key);
    memcpy(key + SPAN_KEY_CHARS - 1, "\xc3\xa9", 2); /* what does not fit is not halved */
    const struct wr_pair state = { .name = WR_TEXT_OF("tracestate"), .text = WR_TEXT_OF("a=1") };
    arrive_with(&state, 1); /* which says nothing without a parent */
    delivery->job.message.id = text_of("m1");
    delivery->job.message.routing_key = text_from(key, sizeof key);
    delivery->outcome.reason = text_of("why");
    delivery->received_ns = 3;
    delivery->attempt = 2;
    delivery->body_bytes = 4;
    tracing_end(&tracing, delivery, SPAN_DEAD, "rejected", 5);
    delivery->outcome.reason = text_of("of a try before");
    tracing_end(&tracing, delivery, SPAN_DONE, NULL, 6);
    const struct span *span = spans_first(tracer.spans);
    cr_assert(span && span->kind == SPAN_MESSAGE && span->outcome == SPAN_DEAD);
    cr_expect(span->start_ns == 3 && span->end_ns == 5 && span->attempt == 2);
    cr_expect_eq(span->body_bytes, 4);
    cr_expect_str_eq(span->error, "rejected");
    cr_expect_str_eq(span->words, "why");
    cr_expect(!span->has_parent && !span->state);
    cr_expect(text_is(text_from(span->id, span->id_chars), "m1"));
    cr_expect_eq(span->key_chars, SPAN_KEY_CHARS - 1);
    spans_drop(tracer.spans);
    span = spans_first(tracer.spans);
    cr_assert(span && span->outcome == SPAN_DONE);
    cr_expect_null(span->words, "what is done did not fail");
}

Test(tracing, of_a_batch_has_its_time_and_its_messages)
{
    struct delivery *other = delivery_take(&pool);
    struct list all;
    tracing.tracer = &tracer;
    arrive(NULL, NULL);
    list_init(&all);
    list_append(&all, &other->link); /* it is in no trace */
    list_append(&all, &delivery->link);
    tracing_batch(&tracing, &all, 2, 7, 9);
    list_remove(&other->link);
    list_remove(&delivery->link);
    const struct span *const span = spans_first(tracer.spans);
    cr_assert(span && span->kind == SPAN_BATCH && span->n_links == 1 && span->messages == 2);
    cr_expect(span->start_ns == 7 && span->end_ns == 9);
    delivery_give(&pool, &other);
}
