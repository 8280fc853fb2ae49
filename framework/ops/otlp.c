/* SPDX-License-Identifier: Apache-2.0
 *
 * See otlp.h. 64-bit integers are text in OTLP's JSON, ids are hex, enumerations are numbers. */
#include "ops/otlp.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "ops/json_write.h"

/* What all spans of a kind share, for one consumer. */
struct shared {
    const struct span_source *source;
    enum span_kind kind;
    struct metrics_text name, attributes;
};

struct otlp {
    struct metrics_text head;
    struct shared *shared;
    size_t n_shared;
};

#define PUT(out, literal) metrics_text_add(out, literal, sizeof(literal) - 1)

/* What follows writes into room that is there, and returns where it ends: a span is put together in a
 * few pieces, not in fifty. */
#define ADD(at, literal) add_bytes(at, literal, sizeof(literal) - 1)

static inline char *add_bytes(char *at, const char *from, size_t n)
{
    memcpy(at, from, n);
    return at + n;
}

/* Two digits at a time: of times there are nineteen, twice. */
static char *add_number(char *at, uint64_t number)
{
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    char digits[20], *first = digits + sizeof digits;
    for (; number >= 100; number /= 100) {
        first -= 2;
        memcpy(first, pairs + number % 100 * 2, 2);
    }
    if (number >= 10) {
        first -= 2;
        memcpy(first, pairs + number * 2, 2);
    } else {
        *--first = (char)('0' + number);
    }
    return add_bytes(at, first, (size_t)(digits + sizeof digits - first));
}

static char *add_hex(char *at, const uint8_t *bytes, size_t n)
{
    trace_hex(bytes, n, at);
    return at + 2 * n;
}

static void put_number(struct metrics_text *out, uint64_t number)
{
    char digits[20];
    metrics_text_add(out, digits, (size_t)(add_number(digits, number) - digits));
}

static void put_hex(struct metrics_text *out, const uint8_t *bytes, size_t n)
{
    char text[2 * TRACE_ID_BYTES];
    metrics_text_add(out, text, (size_t)(add_hex(text, bytes, n) - text));
}

static bool is_plain(struct wr_text text)
{
    bool is_odd = false;
    for (size_t i = 0; i < text.len; i++) {
        const unsigned char c = (unsigned char)text.at[i];
        is_odd |= c - 0x20u > 0x5eu || c == '"' || c == '\\';
    }
    return !is_odd;
}

/* In quotes. */
static void put_text(struct metrics_text *out, struct wr_text text)
{
    struct json_write json = { .out = out };
    if (!is_plain(text)) {
        json_write_span(&json, NULL, text);
        return;
    }
    PUT(out, "\"");
    metrics_text_add(out, text.at, text.len);
    PUT(out, "\"");
}

/* ---- attributes: each but the first of a list after a comma --------------------------------------- */

static void put_key(struct metrics_text *out, const char *key, bool is_first)
{
    metrics_text_put(out, is_first ? "{\"key\":\"" : ",{\"key\":\"");
    metrics_text_put(out, key);
}

static void put_text_attribute(struct metrics_text *out, const char *key, struct wr_text value,
                               bool is_first)
{
    put_key(out, key, is_first);
    PUT(out, "\",\"value\":{\"stringValue\":");
    put_text(out, value);
    PUT(out, "}}");
}

static void put_number_attribute(struct metrics_text *out, const char *key, uint64_t value)
{
    put_key(out, key, false);
    PUT(out, "\",\"value\":{\"intValue\":\"");
    put_number(out, value);
    PUT(out, "\"}}");
}

/* ---- what is written once -------------------------------------------------------------------------- */

struct otlp *otlp_new(const struct otlp_pair *about, size_t n_about, const char *version)
{
    struct otlp *const otlp = NEW(struct otlp);
    struct metrics_text *const head = &otlp->head;
    PUT(head, "{\"resourceSpans\":[{\"resource\":{\"attributes\":[");
    for (size_t i = 0; i < n_about; i++) {
        if (i) PUT(head, ",");
        PUT(head, "{\"key\":");
        put_text(head, text_of(about[i].key));
        PUT(head, ",\"value\":{\"stringValue\":");
        put_text(head, text_of(about[i].value));
        PUT(head, "}}");
    }
    PUT(head, "]},\"scopeSpans\":[{\"scope\":{\"name\":\"warrener\",\"version\":");
    put_text(head, text_of(version));
    PUT(head, "},\"spans\":[");
    return otlp;
}

void otlp_free(struct otlp *otlp)
{
    if (!otlp) return;
    for (size_t i = 0; i < otlp->n_shared; i++) {
        metrics_text_fini(&otlp->shared[i].name);
        metrics_text_fini(&otlp->shared[i].attributes);
    }
    metrics_text_fini(&otlp->head);
    free(otlp->shared);
    free(otlp);
}

/* Kinds: 1 internal, 3 client, 5 consumer. */
static void write_name(struct metrics_text *out, const struct span_source *source,
                       enum span_kind kind)
{
    const bool is_commit = kind == SPAN_BATCH && source->has_rows;
    char name[300];
    snprintf(name, sizeof name, "%s %s",
             kind == SPAN_MESSAGE ? "process"
             : is_commit          ? "commit"
                                  : "batch",
             source->queue);
    PUT(out, ",\"name\":");
    put_text(out, text_of(name));
    PUT(out, ",\"kind\":");
    metrics_text_put(out, kind == SPAN_MESSAGE ? "5" : is_commit ? "3" : "1");
    PUT(out, ",\"startTimeUnixNano\":\"");
}

static void write_attributes(struct metrics_text *out, const struct span_source *source,
                             enum span_kind kind)
{
    PUT(out, "\",\"attributes\":[");
    put_text_attribute(out, "messaging.system", text_of("rabbitmq"), true);
    put_text_attribute(out, "messaging.destination.name", text_of(source->queue), false);
    put_text_attribute(out, "warrener.handler", text_of(source->handler), false);
    if (kind == SPAN_MESSAGE) {
        put_text_attribute(out, "messaging.operation.name", text_of("process"), false);
    } else if (source->has_rows) {
        put_text_attribute(out, "db.system.name", text_of("postgresql"), false);
    }
}

static const struct shared *shared_of(struct otlp *otlp, const struct span *span)
{
    for (size_t i = 0; i < otlp->n_shared; i++)
        if (otlp->shared[i].source == span->source && otlp->shared[i].kind == span->kind)
            return &otlp->shared[i];
    otlp->shared = memory_grow(otlp->shared, otlp->n_shared + 1, sizeof *otlp->shared);
    struct shared *const shared = &otlp->shared[otlp->n_shared++];
    *shared = (struct shared){ .source = span->source, .kind = span->kind };
    write_name(&shared->name, span->source, span->kind);
    write_attributes(&shared->attributes, span->source, span->kind);
    return shared;
}

/* ---- spans ----------------------------------------------------------------------------------------- */

void otlp_begin(const struct otlp *otlp, struct metrics_text *out)
{
    out->len = 0;
    metrics_text_add(out, otlp->head.at, otlp->head.len);
}

void otlp_end(struct metrics_text *out)
{
    PUT(out, "]}]}]}");
}

static char *add_time(char *at, uint64_t at_ns, int64_t unix_ns)
{
    return add_number(at, (uint64_t)((int64_t)at_ns + unix_ns));
}

static void put_ids(struct metrics_text *out, const struct span *span)
{
    char piece[160], *at = piece;
    at = ADD(at, "{\"traceId\":\"");
    at = add_hex(at, span->trace.id, sizeof span->trace.id);
    at = ADD(at, "\",\"spanId\":\"");
    at = add_hex(at, span->trace.span, sizeof span->trace.span);
    if (span->has_parent) {
        at = ADD(at, "\",\"parentSpanId\":\"");
        at = add_hex(at, span->parent, sizeof span->parent);
    }
    at = ADD(at, "\"");
    metrics_text_add(out, piece, (size_t)(at - piece));
    if (!span->state) return;
    PUT(out, ",\"traceState\":");
    put_text(out, text_of(span->state));
}

static void put_times(struct metrics_text *out, const struct span *span, int64_t unix_ns)
{
    char piece[80], *at = piece;
    at = add_time(at, span->start_ns, unix_ns);
    at = ADD(at, "\",\"endTimeUnixNano\":\"");
    at = add_time(at, span->end_ns, unix_ns);
    metrics_text_add(out, piece, (size_t)(at - piece));
}

/* Of texts from outside, as they come nearly always; false: they need escapes. */
static bool put_plain_texts(struct metrics_text *out, const struct span *span)
{
    const struct wr_text id = text_from(span->id, span->id_chars);
    const struct wr_text key = text_from(span->key, span->key_chars);
    char piece[256 + SPAN_ID_CHARS + SPAN_KEY_CHARS], *at = piece;
    if (!is_plain(id) || !is_plain(key)) return false;
    if (id.len) {
        at = ADD(at, ",{\"key\":\"messaging.message.id\",\"value\":{\"stringValue\":\"");
        at = ADD(add_bytes(at, id.at, id.len), "\"}}");
    }
    if (key.len) {
        at = ADD(at, ",{\"key\":\"messaging.rabbitmq.destination.routing_key\",\"value\":{"
                     "\"stringValue\":\"");
        at = ADD(add_bytes(at, key.at, key.len), "\"}}");
    }
    metrics_text_add(out, piece, (size_t)(at - piece));
    return true;
}

static void put_odd_texts(struct metrics_text *out, const struct span *span)
{
    if (span->id_chars)
        put_text_attribute(out, "messaging.message.id", text_from(span->id, span->id_chars), false);
    if (span->key_chars)
        put_text_attribute(out, "messaging.rabbitmq.destination.routing_key",
                           text_from(span->key, span->key_chars), false);
}

/* What most messages have in common is left out: that it was the first attempt, and done. */
static void put_message(struct metrics_text *out, const struct span *span)
{
    static const char *const outcomes[] = { "done", "retry", "dead" };
    char piece[100], *at = piece;
    if (!put_plain_texts(out, span)) put_odd_texts(out, span);
    at = ADD(at, ",{\"key\":\"messaging.message.body.size\",\"value\":{\"intValue\":\"");
    at = ADD(add_number(at, span->body_bytes), "\"}}");
    metrics_text_add(out, piece, (size_t)(at - piece));
    if (span->attempt > 1) put_number_attribute(out, "warrener.attempt", span->attempt);
    if (span->outcome == SPAN_DONE) {
        PUT(out, "]");
        return;
    }
    put_text_attribute(out, "warrener.outcome", text_of(outcomes[span->outcome]), false);
    put_text_attribute(out, "error.type", text_of(span->error ? span->error : "retry"), false);
    PUT(out, "],\"status\":{\"code\":2,\"message\":");
    put_text(out, text_of(span->words));
    PUT(out, "}");
}

static void put_batch(struct metrics_text *out, const struct span *span)
{
    put_number_attribute(out, "messaging.batch.message_count", span->messages);
    PUT(out, "],\"links\":[");
    for (uint32_t i = 0; i < span->n_links; i++) {
        metrics_text_put(out, i ? ",{\"traceId\":\"" : "{\"traceId\":\"");
        put_hex(out, span->links[i].id, sizeof span->links[i].id);
        PUT(out, "\",\"spanId\":\"");
        put_hex(out, span->links[i].span, sizeof span->links[i].span);
        PUT(out, "\"}");
    }
    PUT(out, "]");
    if (span->n_links < SPAN_LINKS_MOST) return;
    PUT(out, ",\"droppedLinksCount\":");
    put_number(out, span->messages - span->n_links);
}

void otlp_add(struct otlp *otlp, struct metrics_text *out, const struct span *span, int64_t unix_ns,
              size_t nth)
{
    const struct shared *const shared = shared_of(otlp, span);
    if (nth) PUT(out, ",");
    put_ids(out, span);
    metrics_text_add(out, shared->name.at, shared->name.len);
    put_times(out, span, unix_ns);
    metrics_text_add(out, shared->attributes.at, shared->attributes.len);
    if (span->kind == SPAN_MESSAGE)
        put_message(out, span);
    else
        put_batch(out, span);
    PUT(out, "}");
}
