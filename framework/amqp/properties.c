/* SPDX-License-Identifier: Apache-2.0
 *
 * Content properties of class basic: a word of flags, then those fields that it announces, in a fixed
 * order. One table says what each flag stands for. */
#include "amqp/properties.h"

#include <endian.h>

#include "amqp/codec.h"
#include "base/arena.h"

#define TEXT_MOST_BYTES 255
#define PERSISTENT 2

enum kind { KIND_TEXT, KIND_TABLE, KIND_OCTET, KIND_TIME, KIND_NONE };

static const struct field {
    uint16_t flag;
    enum kind kind;
    size_t at; /* offset in amqp_properties */
} FIELDS[] = {
/* by falling flag, none left out */
#define AT(member) offsetof(struct amqp_properties, member)
    { 1 << 15, KIND_TEXT, AT(content_type) }, { 1 << 14, KIND_TEXT, AT(content_encoding) },
    { 1 << 13, KIND_TABLE, AT(headers) },     { 1 << 12, KIND_OCTET, AT(delivery_mode) },
    { 1 << 11, KIND_OCTET, AT(priority) },    { 1 << 10, KIND_TEXT, AT(correlation_id) },
    { 1 << 9, KIND_TEXT, AT(reply_to) },      { 1 << 8, KIND_TEXT, AT(expiration) },
    { 1 << 7, KIND_TEXT, AT(message_id) },    { 1 << 6, KIND_TIME, AT(timestamp_ms) },
    { 1 << 5, KIND_TEXT, AT(type) },          { 1 << 4, KIND_TEXT, AT(user_id) },
    { 1 << 3, KIND_TEXT, AT(app_id) },        { 1 << 2, KIND_NONE, 0 }, /* cluster id: unused */
#undef AT
};

static uint64_t read_u64(const uint8_t *at)
{
    uint64_t number;
    memcpy(&number, at, sizeof number);
    return be64toh(number);
}

static uint32_t read_u32(const uint8_t *at)
{
    uint32_t number;
    memcpy(&number, at, sizeof number);
    return be32toh(number);
}

/* Text with a length of 1 or 4 bytes before it; NULL where it runs over the end. */
static inline const uint8_t *take_text(const uint8_t *at, const uint8_t *end, size_t length_bytes,
                                       struct wr_text *out)
{
    if ((size_t)(end - at) < length_bytes) return NULL;
    const size_t len = length_bytes == 1 ? *at : read_u32(at);
    at += length_bytes;
    if ((size_t)(end - at) < len) return NULL;
    *out = text_from((const char *)at, (size_t)len);
    return at + len;
}

/* Seconds as the standard has it; milliseconds where a producer sent those (past the year 5000). */
static int64_t timestamp_ms(uint64_t value)
{
    if (value < 100000000000u) return (int64_t)value * 1000;
    return value <= INT64_MAX ? (int64_t)value : 0;
}

static const uint8_t *take_field(const struct field *field, const uint8_t *at, const uint8_t *end,
                                 struct amqp_properties *out)
{
    void *into = (char *)out + field->at;
    struct wr_text ignored;
    switch (field->kind) {
    case KIND_TEXT: return take_text(at, end, 1, into);
    case KIND_TABLE: return take_text(at, end, 4, into);
    case KIND_NONE: return take_text(at, end, 1, &ignored);
    case KIND_OCTET:
        if (at == end) return NULL;
        *(uint8_t *)into = *at;
        return at + 1;
    case KIND_TIME:
        if (end - at < 8) return NULL;
        out->timestamp_ms = timestamp_ms(read_u64(at));
        return at + 8;
    }
    return NULL;
}

/* Reads every field, and lists them where `list` is given. */
static bool read_fields(struct wr_text encoded, struct amqp_properties *out, struct property *list,
                        size_t *listed)
{
    const uint8_t *at = (const uint8_t *)encoded.at, *end = at + encoded.len;
    const struct wr_text none = { "", 0 };
    *out = (struct amqp_properties){ encoded, none, none, none, none, none, none,
                                     none,    none, none, none, 0,    0,    0 };
    if (end - at < 2) return false;
    unsigned flags = (unsigned)at[0] << 8 | at[1];
    at += 2;
    if (flags & 1) return false; /* more words of flags: class basic has none */
    for (flags &= ~2u; flags;) { /* that one is nobody's */
        const struct field *field = &FIELDS[__builtin_clz(flags << 16)];
        const uint8_t *begin = at;
        flags ^= field->flag;
        at = take_field(field, at, end, out);
        if (!at) return false;
        if (list)
            list[(*listed)++] = (struct property){ field->flag, text_from((const char *)begin,
                                                                          (size_t)(at - begin)) };
    }
    return at == end;
}

bool properties_read(struct wr_text encoded, struct amqp_properties *out)
{
    return read_fields(encoded, out, NULL, NULL);
}

size_t properties_list(struct wr_text encoded, struct property out[PROPERTIES_MOST])
{
    struct amqp_properties ignored;
    size_t n = 0;
    return read_fields(encoded, &ignored, out, &n) ? n : 0;
}

/* ---- writing ------------------------------------------------------------------------------- */

static amqp_table_t make_headers(const struct amqp_outgoing *message, struct arena *arena)
{
    amqp_table_t table = { .num_entries = (int)message->n_headers };
    if (message->n_headers == 0) return table;
    table.entries = arena_take(arena, message->n_headers * sizeof *table.entries);
    for (size_t i = 0; i < message->n_headers; i++) {
        const struct wr_pair *pair = &message->headers[i];
        amqp_table_entry_t *entry = &table.entries[i];
        entry->key = codec_bytes(pair->name);
        if (pair->kind == WR_H_TEXT) {
            entry->value.kind = AMQP_FIELD_KIND_UTF8;
            entry->value.value.bytes = codec_bytes(pair->text);
        } else if (pair->kind == WR_H_BOOL) {
            entry->value.kind = AMQP_FIELD_KIND_BOOLEAN;
            entry->value.value.boolean = pair->number != 0;
        } else {
            entry->value.kind = AMQP_FIELD_KIND_I64;
            entry->value.value.i64 = pair->number;
        }
    }
    return table;
}

/* What AMQP's short texts cannot hold, named before the encoder says only that it failed. */
static bool check_texts(const struct amqp_outgoing *message, struct status *status)
{
    const struct {
        const char *name;
        struct wr_text text;
    } texts[] = {
        { "exchange", message->exchange },
        { "routing_key", message->routing_key },
        { "content_type", message->content_type },
        { "content_encoding", message->content_encoding },
        { "correlation_id", message->correlation_id },
        { "reply_to", message->reply_to },
        { "expiration", message->expiration },
        { "message_id", message->message_id },
        { "type", message->type },
        { "user_id", message->user_id },
        { "app_id", message->app_id },
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i].text.len > TEXT_MOST_BYTES)
            return status_fail(status, EXIT_INTERNAL, "%s has %zu bytes; AMQP allows %d",
                               texts[i].name, texts[i].text.len, TEXT_MOST_BYTES);
    }
    for (size_t i = 0; i < message->n_headers; i++) {
        char shown[80];
        struct wr_text name = message->headers[i].name;
        if (name.len > TEXT_MOST_BYTES)
            return status_fail(status, EXIT_INTERNAL,
                               "the header name \"%s\" has %zu bytes; AMQP allows %d",
                               text_show(name, shown, sizeof shown), name.len, TEXT_MOST_BYTES);
    }
    return true;
}

bool properties_write(const struct amqp_outgoing *message, char *out, size_t out_bytes,
                      size_t *used, struct status *status)
{
    if (!check_texts(message, status)) return false;
    char room[2048];
    struct arena arena;
    arena_init(&arena, room, sizeof room);
    amqp_basic_properties_t properties = { ._flags = AMQP_BASIC_DELIVERY_MODE_FLAG,
                                           .delivery_mode = PERSISTENT };
#define SET(member, flag)                                                                          \
    if (message->member.len > 0) {                                                                 \
        properties._flags |= (flag);                                                               \
        properties.member = codec_bytes(message->member);                                          \
    }
    SET(content_type, AMQP_BASIC_CONTENT_TYPE_FLAG)
    SET(content_encoding, AMQP_BASIC_CONTENT_ENCODING_FLAG)
    SET(correlation_id, AMQP_BASIC_CORRELATION_ID_FLAG)
    SET(reply_to, AMQP_BASIC_REPLY_TO_FLAG)
    SET(expiration, AMQP_BASIC_EXPIRATION_FLAG)
    SET(message_id, AMQP_BASIC_MESSAGE_ID_FLAG)
    SET(type, AMQP_BASIC_TYPE_FLAG)
    SET(user_id, AMQP_BASIC_USER_ID_FLAG)
    SET(app_id, AMQP_BASIC_APP_ID_FLAG)
#undef SET
    if (message->priority > 0) {
        properties._flags |= AMQP_BASIC_PRIORITY_FLAG;
        properties.priority = message->priority;
    }
    if (message->timestamp_ms > 0) {
        properties._flags |= AMQP_BASIC_TIMESTAMP_FLAG;
        properties.timestamp = (uint64_t)message->timestamp_ms / 1000;
    }
    if (message->n_headers > 0) {
        properties._flags |= AMQP_BASIC_HEADERS_FLAG;
        properties.headers = make_headers(message, &arena);
    }
    int bytes = amqp_encode_properties(AMQP_BASIC_CLASS, &properties,
                                       (amqp_bytes_t){ .len = out_bytes, .bytes = out });
    arena_reset(&arena);
    if (bytes < 0)
        return status_fail(status, EXIT_INTERNAL, "its headers do not fit a frame of %zu bytes",
                           out_bytes);
    *used = (size_t)bytes;
    return true;
}
