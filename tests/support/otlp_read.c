/* SPDX-License-Identifier: Apache-2.0
 *
 * See otlp_read.h. A message's fields are one string, a letter a field number: s string, b bytes,
 * m message, v varint, f fixed64, - none; capitals come any number of times. */
#include "support/otlp_read.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

struct value {
    struct wr_text bytes;
    uint64_t number;
};

struct shape {
    const char *name, *fields; /* the letters from field 1 on */
    bool (*take)(struct otlp_reader *reader, unsigned field, const struct value *value);
};

static bool fault(struct otlp_reader *reader, const struct shape *shape, unsigned field,
                  const char *what)
{
    if (!*reader->why)
        snprintf(reader->why, sizeof reader->why, "%s, field %u: %s", shape->name, field, what);
    return false;
}

static bool read_varint(struct wr_text *rest, uint64_t *value)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64 && rest->len; shift += 7) {
        const uint8_t byte = (uint8_t)*rest->at++;
        rest->len--;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return byte || !shift; /* nothing ends in a byte that adds nothing */
    }
    return false;
}

static bool read_value(struct wr_text *rest, unsigned wire, struct value *value)
{
    *value = (struct value){ .number = 0 };
    if (wire == 0) return read_varint(rest, &value->number);
    size_t n = sizeof value->number;
    if (wire == 2) {
        if (!read_varint(rest, &value->number)) return false;
        n = value->number;
    }
    if (n > rest->len) return false;
    value->bytes = text_from(rest->at, n);
    rest->at += n;
    rest->len -= n;
    if (wire != 1) return true;
    memcpy(&value->number, value->bytes.at, n);
    value->number = le64toh(value->number);
    return true;
}

static unsigned wire_of(char letter)
{
    return letter == 'v' ? 0 : letter == 'f' ? 1 : 2;
}

static bool read_message(struct otlp_reader *reader, const struct shape *shape, struct wr_text rest)
{
    unsigned last = 0;
    while (rest.len && !reader->is_enough) {
        struct value value;
        uint64_t tag;
        if (!read_varint(&rest, &tag)) return fault(reader, shape, last, "no tag follows it");
        const unsigned field = tag < 1024 ? (unsigned)(tag >> 3) : 0;
        const char letter =
            field && field <= strlen(shape->fields) ? shape->fields[field - 1] : '-';
        const char kind = (char)(letter | 0x20);
        const bool repeats = letter == 'M';
        if (letter == '-') return fault(reader, shape, field, "it is not known");
        if ((tag & 7) != wire_of(kind)) return fault(reader, shape, field, "another wire type");
        if (field < last) return fault(reader, shape, field, "out of order");
        if (field == last && !repeats) return fault(reader, shape, field, "there twice");
        last = field;
        if (!read_value(&rest, tag & 7, &value)) return fault(reader, shape, field, "cut short");
        if (kind == 's' && !text_is_utf8(value.bytes))
            return fault(reader, shape, field, "not UTF-8");
        if (!shape->take(reader, field, &value)) return fault(reader, shape, field, "not like it");
    }
    return true;
}

/* ---- attributes ---------------------------------------------------------------------------------- */

static bool take_any(struct otlp_reader *reader, unsigned field, const struct value *value)
{
    struct otlp_attribute *const attribute = &reader->filling->at[reader->filling->n];
    attribute->is_text = field == 1;
    attribute->text = value->bytes;
    attribute->number = (int64_t)value->number;
    return true;
}

static const struct shape any = { "AnyValue", "s-v", take_any };

static bool take_key_value(struct otlp_reader *reader, unsigned field, const struct value *value)
{
    if (field == 2) return value->bytes.len && read_message(reader, &any, value->bytes);
    reader->filling->at[reader->filling->n].key = value->bytes;
    return value->bytes.len > 0;
}

static const struct shape key_value = { "KeyValue", "sm", take_key_value };

static bool add_attribute(struct otlp_reader *reader, struct otlp_attributes *to,
                          const struct value *value)
{
    if (to->n == OTLP_ATTRIBUTES_MOST) return false;
    reader->filling = to;
    if (!read_message(reader, &key_value, value->bytes)) return false;
    to->n++;
    return true;
}

const struct otlp_attribute *otlp_attribute_of(const struct otlp_attributes *all, const char *key)
{
    for (unsigned i = 0; i < all->n; i++)
        if (text_is(all->at[i].key, key)) return &all->at[i];
    return NULL;
}

/* ---- spans ----------------------------------------------------------------------------------------- */

#define TRACE_BYTES 16
#define SPAN_BYTES 8

static bool take_link(struct otlp_reader *reader, unsigned field, const struct value *value)
{
    struct otlp_link *const link = &reader->span.links[reader->span.n_links];
    *(field == 1 ? &link->trace : &link->span) = value->bytes;
    return true;
}

static const struct shape a_link = { "Link", "bb", take_link };

static bool add_link(struct otlp_reader *reader, const struct value *value)
{
    struct otlp_span *const span = &reader->span;
    if (span->n_links == OTLP_LINKS_MOST) return false;
    struct otlp_link *const link = &span->links[span->n_links];
    *link = (struct otlp_link){ { "", 0 }, { "", 0 } };
    if (!read_message(reader, &a_link, value->bytes)) return false;
    span->n_links++;
    return link->trace.len == TRACE_BYTES && link->span.len == SPAN_BYTES;
}

static bool take_status(struct otlp_reader *reader, unsigned field, const struct value *value)
{
    if (field == 2)
        reader->span.words = value->bytes;
    else
        reader->span.code = value->number;
    return true;
}

static const struct shape status = { "Status", "-sv", take_status };

static bool take_of_span(struct otlp_reader *reader, unsigned field, const struct value *value)
{
    struct otlp_span *const span = &reader->span;
    switch (field) {
    case 1: span->trace = value->bytes; return value->bytes.len == TRACE_BYTES;
    case 2: span->span = value->bytes; return value->bytes.len == SPAN_BYTES;
    case 3: span->state = value->bytes; return true;
    case 4: span->parent = value->bytes; return value->bytes.len == SPAN_BYTES;
    case 5: span->name = value->bytes; return value->bytes.len > 0;
    case 6: span->kind = value->number; return value->number >= 1 && value->number <= 5;
    case 7: span->start_ns = value->number; return true;
    case 8: span->end_ns = value->number; return true;
    case 9: return add_attribute(reader, &span->attributes, value);
    case 13: return add_link(reader, value);
    case 14: span->dropped_links = value->number; return value->number > 0;
    default: return read_message(reader, &status, value->bytes);
    }
}

static const struct shape a_span = { "Span", "bbsbsvffM---Mvm", take_of_span };

static bool read_span(struct otlp_reader *reader, const struct value *value)
{
    struct otlp_span *const span = &reader->span;
    *span = (struct otlp_span){ .n_links = 0 };
    if (!read_message(reader, &a_span, value->bytes)) return false;
    if (!span->trace.len || !span->span.len || !span->name.len || !span->kind || !span->start_ns)
        return fault(reader, &a_span, 0, "something is missing");
    reader->is_enough = !reader->on_span(reader);
    return true;
}

/* ---- what is around them ------------------------------------------------------------------------- */

static bool take_scope(struct otlp_reader *reader, unsigned field, const struct value *value)
{
    *(field == 1 ? &reader->scope : &reader->version) = value->bytes;
    return true;
}

static const struct shape a_scope = { "InstrumentationScope", "ss", take_scope };

static bool take_scope_spans(struct otlp_reader *reader, unsigned field, const struct value *value)
{
    return field == 1 ? read_message(reader, &a_scope, value->bytes) : read_span(reader, value);
}

static const struct shape scope_spans = { "ScopeSpans", "mM", take_scope_spans };

static bool take_resource(struct otlp_reader *reader, unsigned field, const struct value *value)
{
    (void)field;
    return add_attribute(reader, &reader->resource, value);
}

static const struct shape resource = { "Resource", "M", take_resource };

static bool take_resource_spans(struct otlp_reader *reader, unsigned field,
                                const struct value *value)
{
    return read_message(reader, field == 1 ? &resource : &scope_spans, value->bytes);
}

static const struct shape resource_spans = { "ResourceSpans", "mM", take_resource_spans };

static bool take_request(struct otlp_reader *reader, unsigned field, const struct value *value)
{
    (void)field;
    reader->resource.n = 0;
    return read_message(reader, &resource_spans, value->bytes);
}

static const struct shape request = { "ExportTraceServiceRequest", "M", take_request };

bool otlp_read(struct otlp_reader *reader, struct wr_text bytes)
{
    *reader->why = '\0';
    reader->is_enough = false;
    return read_message(reader, &request, bytes);
}
