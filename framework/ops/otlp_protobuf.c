/* SPDX-License-Identifier: Apache-2.0
 *
 * OTLP in protobuf: the few messages of opentelemetry/proto/trace/v1 that a span takes. A message is
 * preceded by its length: within a span that is reckoned first or filled in afterwards, and what stands
 * before the spans is written last, backwards into room that was left for it. Lengths are spelt as
 * short as they can be. */
#include <endian.h>
#include <string.h>

#include "base/check.h"
#include "ops/otlp_form.h"

/* A field's first byte: its number and how its value is spelt. All numbers here are below 16. */
#define VARINT(field) (char)((field) << 3)
#define FIXED64(field) (char)((field) << 3 | 1)
#define BYTES(field) (char)((field) << 3 | 2)

enum {
    REQUEST_RESOURCE_SPANS = 1,
    RESOURCE_SPANS_RESOURCE = 1,
    RESOURCE_SPANS_SCOPE_SPANS = 2,
    RESOURCE_ATTRIBUTES = 1,
    SCOPE_SPANS_SCOPE = 1,
    SCOPE_SPANS_SPANS = 2,
    SCOPE_NAME = 1,
    SCOPE_VERSION = 2,
    SPAN_TRACE_ID = 1,
    SPAN_SPAN_ID = 2,
    SPAN_TRACE_STATE = 3,
    SPAN_PARENT_SPAN_ID = 4,
    SPAN_NAME = 5,
    SPAN_KIND = 6,
    SPAN_START = 7,
    SPAN_END = 8,
    SPAN_ATTRIBUTES = 9,
    SPAN_LINKS = 13,
    SPAN_DROPPED_LINKS = 14,
    SPAN_STATUS = 15,
    LINK_TRACE_ID = 1,
    LINK_SPAN_ID = 2,
    STATUS_MESSAGE = 2,
    STATUS_CODE = 3,
    STATUS_CODE_ERROR = 2,
    KEY_VALUE_KEY = 1,
    KEY_VALUE_VALUE = 2,
    ANY_STRING = 1,
    ANY_INT = 3,

    VARINT_MOST = 10,                /* bytes */
    FIELD_MOST = 1 + VARINT_MOST,    /* of a number, or before what has a length */
    SPAN_LENGTH_BYTES = 2,           /* of nearly every span's length: 128 to 16383 */
    HEAD_ROOM_MOST = 2 * FIELD_MOST, /* of the two lengths that are known last */
};

/* ---- into room that is there: each returns where it ends --------------------------------------- */

static inline char *add_varint(char *at, uint64_t value)
{
    for (; value >= 0x80; value >>= 7) *at++ = (char)(value | 0x80);
    *at++ = (char)value;
    return at;
}

static inline size_t varint_bytes(uint64_t value)
{
    size_t n = 1;
    for (; value >= 0x80; value >>= 7) n++;
    return n;
}

static inline char *add_bytes(char *at, char tag, const void *from, size_t n)
{
    *at++ = tag;
    at = add_varint(at, n);
    if (n) memcpy(at, from, n);
    return at + n;
}

static inline char *add_text(char *at, char tag, struct wr_text text)
{
    return add_bytes(at, tag, text.at, text.len);
}

static inline char *add_fixed64(char *at, char tag, uint64_t value)
{
    value = htole64(value);
    *at++ = tag;
    memcpy(at, &value, sizeof value);
    return at + sizeof value;
}

static inline void put(struct metrics_text *out, const char *end)
{
    out->len = (size_t)(end - out->at);
}

/* What add_bytes takes for it. */
static inline size_t bytes_of(size_t n)
{
    return 1 + varint_bytes(n) + n;
}

/* ---- attributes ---------------------------------------------------------------------------------- */

/* A string has to be UTF-8, or all of the request is refused. */
static inline bool is_well(struct wr_text text)
{
    return LIKELY(text_is_plain(text)) || text_is_utf8(text);
}

static struct metrics_text mend(struct wr_text text)
{
    struct metrics_text mended = { NULL, 0, 0 };
    for (size_t i = 0; i < text.len;) {
        const size_t n = text_char_bytes(text, i);
        metrics_text_add(&mended, n ? text.at + i : "\xef\xbf\xbd", n ? n : 3);
        i += n ? n : 1;
    }
    return mended;
}

/* As far as what its value is. */
static inline char *begin_attribute(struct metrics_text *out, char tag, struct wr_text key,
                                    size_t value_bytes)
{
    const size_t bytes = bytes_of(key.len) + bytes_of(value_bytes);
    char *at = metrics_text_room(out, FIELD_MOST + bytes);
    *at++ = tag;
    at = add_varint(at, bytes);
    at = add_text(at, BYTES(KEY_VALUE_KEY), key);
    *at++ = BYTES(KEY_VALUE_VALUE);
    return add_varint(at, value_bytes);
}

static void put_attribute(struct metrics_text *out, char tag, struct wr_text key,
                          struct wr_text value)
{
    if (!is_well(value)) {
        struct metrics_text mended = mend(value);
        put_attribute(out, tag, key, text_from(mended.at, mended.len));
        metrics_text_fini(&mended);
        return;
    }
    char *const at = begin_attribute(out, tag, key, bytes_of(value.len));
    put(out, add_text(at, BYTES(ANY_STRING), value));
}

static void put_text(struct metrics_text *out, struct wr_text key, struct wr_text value)
{
    put_attribute(out, BYTES(SPAN_ATTRIBUTES), key, value);
}

static void put_number(struct metrics_text *out, struct wr_text key, uint64_t value)
{
    char *const at = begin_attribute(out, BYTES(SPAN_ATTRIBUTES), key, 1 + varint_bytes(value));
    *at = VARINT(ANY_INT);
    put(out, add_varint(at + 1, value));
}

static void end_attributes(struct metrics_text *out)
{
    (void)out;
}

/* ---- spans ----------------------------------------------------------------------------------------- */

static size_t begin_span(struct metrics_text *out, bool is_first)
{
    (void)is_first;
    *metrics_text_room(out, 1 + SPAN_LENGTH_BYTES) = BYTES(SCOPE_SPANS_SPANS);
    out->len += 1 + SPAN_LENGTH_BYTES;
    return out->len;
}

static void put_ids(struct metrics_text *out, const struct span *span)
{
    const struct wr_text state = text_of(span->state);
    char *at = metrics_text_room(out, 4 * FIELD_MOST + sizeof span->trace + sizeof span->parent +
                                          state.len);
    at = add_bytes(at, BYTES(SPAN_TRACE_ID), span->trace.id, sizeof span->trace.id);
    at = add_bytes(at, BYTES(SPAN_SPAN_ID), span->trace.span, sizeof span->trace.span);
    if (state.len) at = add_text(at, BYTES(SPAN_TRACE_STATE), state);
    if (span->has_parent)
        at = add_bytes(at, BYTES(SPAN_PARENT_SPAN_ID), span->parent, sizeof span->parent);
    put(out, at);
}

static void put_name(struct metrics_text *out, struct wr_text name, unsigned kind)
{
    char *at = metrics_text_room(out, 2 * FIELD_MOST + name.len);
    at = add_text(at, BYTES(SPAN_NAME), name);
    *at++ = VARINT(SPAN_KIND);
    put(out, add_varint(at, kind));
}

static void put_times(struct metrics_text *out, uint64_t start_unix_ns, uint64_t end_unix_ns)
{
    char *at = metrics_text_room(out, 2 * FIELD_MOST);
    at = add_fixed64(at, FIXED64(SPAN_START), start_unix_ns);
    put(out, add_fixed64(at, FIXED64(SPAN_END), end_unix_ns));
}

static void put_links(struct metrics_text *out, const struct span_link *links, uint32_t n,
                      uint32_t n_dropped)
{
    const size_t bytes = bytes_of(sizeof links->id) + bytes_of(sizeof links->span);
    char *at = metrics_text_room(out, n * bytes_of(bytes) + FIELD_MOST);
    for (uint32_t i = 0; i < n; i++) {
        *at++ = BYTES(SPAN_LINKS);
        at = add_varint(at, bytes);
        at = add_bytes(at, BYTES(LINK_TRACE_ID), links[i].id, sizeof links[i].id);
        at = add_bytes(at, BYTES(LINK_SPAN_ID), links[i].span, sizeof links[i].span);
    }
    if (n_dropped) {
        *at++ = VARINT(SPAN_DROPPED_LINKS);
        at = add_varint(at, n_dropped);
    }
    put(out, at);
}

static void put_failure(struct metrics_text *out, struct wr_text words)
{
    if (!is_well(words)) {
        struct metrics_text mended = mend(words);
        put_failure(out, text_from(mended.at, mended.len));
        metrics_text_fini(&mended);
        return;
    }
    const size_t bytes = (words.len ? bytes_of(words.len) : 0) + 2;
    char *at = metrics_text_room(out, FIELD_MOST + bytes);
    *at++ = BYTES(SPAN_STATUS);
    at = add_varint(at, bytes);
    if (words.len) at = add_text(at, BYTES(STATUS_MESSAGE), words);
    *at++ = VARINT(STATUS_CODE);
    *at++ = STATUS_CODE_ERROR;
    put(out, at);
}

static void end_span(struct metrics_text *out, size_t began)
{
    const size_t bytes = out->len - began, length_bytes = varint_bytes(bytes);
    (void)metrics_text_room(out, VARINT_MOST);
    char *const at = out->at + began - SPAN_LENGTH_BYTES;
    if (length_bytes != SPAN_LENGTH_BYTES) {
        memmove(at + length_bytes, out->at + began, bytes);
        out->len = out->len - SPAN_LENGTH_BYTES + length_bytes;
    }
    (void)add_varint(at, bytes);
}

/* ---- requests -------------------------------------------------------------------------------------- */

static void make_head(struct otlp_head *head, const struct otlp_pair *about, size_t n_about,
                      struct wr_text scope, struct wr_text version)
{
    struct metrics_text attributes = { NULL, 0, 0 };
    for (size_t i = 0; i < n_about; i++)
        put_attribute(&attributes, BYTES(RESOURCE_ATTRIBUTES), text_of(about[i].key),
                      text_of(about[i].value));
    char *at = metrics_text_room(&head->resource, FIELD_MOST + attributes.len);
    put(&head->resource,
        add_text(at, BYTES(RESOURCE_SPANS_RESOURCE), text_from(attributes.at, attributes.len)));
    metrics_text_fini(&attributes);

    const size_t bytes = bytes_of(scope.len) + bytes_of(version.len);
    at = metrics_text_room(&head->scope, FIELD_MOST + bytes);
    *at++ = BYTES(SCOPE_SPANS_SCOPE);
    at = add_varint(at, bytes);
    at = add_text(at, BYTES(SCOPE_NAME), scope);
    put(&head->scope, add_text(at, BYTES(SCOPE_VERSION), version));
}

static size_t room_of(const struct otlp_head *head)
{
    return HEAD_ROOM_MOST + head->resource.len + head->scope.len;
}

static void begin(const struct otlp_head *head, struct metrics_text *out)
{
    (void)metrics_text_room(out, room_of(head));
    out->len += room_of(head);
}

/* ExportTraceServiceRequest { ResourceSpans { resource, ScopeSpans { scope, spans … } } } */
static struct wr_text end(const struct otlp_head *head, struct metrics_text *out)
{
    const size_t room = room_of(head), spans = out->len - room;
    const size_t inner = head->scope.len + spans;
    const size_t outer = head->resource.len + bytes_of(inner);
    char *const first = out->at + room - (bytes_of(outer) - spans), *at = first;
    *at++ = BYTES(REQUEST_RESOURCE_SPANS);
    at = add_varint(at, outer);
    memcpy(at, head->resource.at, head->resource.len);
    at += head->resource.len;
    *at++ = BYTES(RESOURCE_SPANS_SCOPE_SPANS);
    at = add_varint(at, inner);
    memcpy(at, head->scope.at, head->scope.len);
    CHECK(at + head->scope.len == out->at + room);
    return text_from(first, bytes_of(outer));
}

const struct otlp_form otlp_protobuf = {
    .content_type = "application/x-protobuf",
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
