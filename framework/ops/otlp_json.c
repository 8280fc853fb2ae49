/* SPDX-License-Identifier: Apache-2.0
 *
 * OTLP in JSON, for receivers that read nothing else and for people. 64-bit integers are text in it,
 * ids are hex, enumerations are numbers. */
#include "ops/json_write.h"
#include "ops/otlp_form.h"

#define PUT(out, literal) metrics_text_add(out, literal, sizeof(literal) - 1)

static void put_uint(struct metrics_text *out, uint64_t number)
{
    char digits[20], *const end = digits + sizeof digits, *first = end;
    do *--first = (char)('0' + number % 10);
    while (number /= 10);
    metrics_text_add(out, first, (size_t)(end - first));
}

static void put_hex(struct metrics_text *out, const uint8_t *bytes, size_t n)
{
    trace_hex(bytes, n, metrics_text_room(out, 2 * n));
    out->len += 2 * n;
}

static void put_quoted(struct metrics_text *out, struct wr_text text)
{
    struct json_write json = { .out = out };
    json_write_span(&json, NULL, text);
}

/* ---- attributes ---------------------------------------------------------------------------------- */

static void put_key(struct metrics_text *out, struct wr_text key)
{
    metrics_text_put(out, out->len ? ",{\"key\":" : "{\"key\":");
    put_quoted(out, key);
}

static void put_text(struct metrics_text *out, struct wr_text key, struct wr_text value)
{
    put_key(out, key);
    PUT(out, ",\"value\":{\"stringValue\":");
    put_quoted(out, value);
    PUT(out, "}}");
}

static void put_number(struct metrics_text *out, struct wr_text key, uint64_t value)
{
    put_key(out, key);
    PUT(out, ",\"value\":{\"intValue\":\"");
    put_uint(out, value);
    PUT(out, "\"}}");
}

static void end_attributes(struct metrics_text *out)
{
    PUT(out, "]");
}

/* ---- spans ----------------------------------------------------------------------------------------- */

static size_t begin_span(struct metrics_text *out, bool is_first)
{
    metrics_text_put(out, is_first ? "{" : ",{");
    return 0;
}

static void put_ids(struct metrics_text *out, const struct span *span)
{
    PUT(out, "\"traceId\":\"");
    put_hex(out, span->trace.id, sizeof span->trace.id);
    PUT(out, "\",\"spanId\":\"");
    put_hex(out, span->trace.span, sizeof span->trace.span);
    if (span->has_parent) {
        PUT(out, "\",\"parentSpanId\":\"");
        put_hex(out, span->parent, sizeof span->parent);
    }
    PUT(out, "\"");
    if (!span->state) return;
    PUT(out, ",\"traceState\":");
    put_quoted(out, text_of(span->state));
}

static void put_name(struct metrics_text *out, struct wr_text name, unsigned kind)
{
    PUT(out, ",\"name\":");
    put_quoted(out, name);
    PUT(out, ",\"kind\":");
    put_uint(out, kind);
}

static void put_times(struct metrics_text *out, uint64_t start_unix_ns, uint64_t end_unix_ns)
{
    PUT(out, ",\"startTimeUnixNano\":\"");
    put_uint(out, start_unix_ns);
    PUT(out, "\",\"endTimeUnixNano\":\"");
    put_uint(out, end_unix_ns);
    PUT(out, "\",\"attributes\":[");
}

static void put_links(struct metrics_text *out, const struct span_link *links, uint32_t n,
                      uint32_t n_dropped)
{
    PUT(out, ",\"links\":[");
    for (uint32_t i = 0; i < n; i++) {
        metrics_text_put(out, i ? ",{\"traceId\":\"" : "{\"traceId\":\"");
        put_hex(out, links[i].id, sizeof links[i].id);
        PUT(out, "\",\"spanId\":\"");
        put_hex(out, links[i].span, sizeof links[i].span);
        PUT(out, "\"}");
    }
    PUT(out, "]");
    if (!n_dropped) return;
    PUT(out, ",\"droppedLinksCount\":");
    put_uint(out, n_dropped);
}

static void put_failure(struct metrics_text *out, struct wr_text words)
{
    PUT(out, ",\"status\":{\"code\":2,\"message\":");
    put_quoted(out, words);
    PUT(out, "}");
}

static void end_span(struct metrics_text *out, size_t began)
{
    (void)began;
    PUT(out, "}");
}

/* ---- requests -------------------------------------------------------------------------------------- */

static void make_head(struct otlp_head *head, const struct otlp_pair *about, size_t n_about,
                      struct wr_text scope, struct wr_text version)
{
    struct metrics_text *const out = &head->resource;
    struct metrics_text attributes = { NULL, 0, 0 };
    for (size_t i = 0; i < n_about; i++)
        put_text(&attributes, text_of(about[i].key), text_of(about[i].value));
    PUT(out, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
    metrics_text_add(out, attributes.at, attributes.len);
    PUT(out, "]},\"scopeSpans\":[");
    metrics_text_fini(&attributes);
    PUT(&head->scope, "{\"scope\":{\"name\":");
    put_quoted(&head->scope, scope);
    PUT(&head->scope, ",\"version\":");
    put_quoted(&head->scope, version);
    PUT(&head->scope, "},\"spans\":[");
}

static void begin(const struct otlp_head *head, struct metrics_text *out)
{
    metrics_text_add(out, head->resource.at, head->resource.len);
    metrics_text_add(out, head->scope.at, head->scope.len);
}

static struct wr_text end(const struct otlp_head *head, struct metrics_text *out)
{
    (void)head;
    PUT(out, "]}]}]}");
    return text_from(out->at, out->len);
}

const struct otlp_form otlp_json = {
    .content_type = "application/json",
    .head = make_head,
    .begin = begin,
    .begin_span = begin_span,
    .ids = put_ids,
    .name = put_name,
    .times = put_times,
    .text = put_text,
    .number = put_number,
    .end_attributes = end_attributes,
    .links = put_links,
    .failure = put_failure,
    .end_span = end_span,
    .end = end,
};
