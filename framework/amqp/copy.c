/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies' properties, put together from the original's encoded ones piece by piece, so that what is
 * kept stays byte for byte what it was; see copy.h. */
#include "amqp/copy.h"

#include "amqp/properties.h"
#include "amqp/table.h"

#define PERSISTENT 2

/* ---- putting bytes down ------------------------------------------------------------------------ */

struct pen {
    char *at;
    size_t used, room;
    bool is_full; /* something did not fit: nothing more is put down */
};

static void put(struct pen *pen, const void *bytes, size_t n)
{
    pen->is_full |= pen->room - pen->used < n;
    if (pen->is_full) return;
    memcpy(pen->at + pen->used, bytes, n);
    pen->used += n;
}

static void put_text(struct pen *pen, struct wr_text text)
{
    put(pen, text.at, text.len);
}

static void put_number(struct pen *pen, uint64_t number, size_t bytes)
{
    while (bytes-- > 0) {
        const uint8_t byte = (uint8_t)(number >> 8 * bytes);
        put(pen, &byte, 1);
    }
}

/* A length or a word of flags whose value is known later. */
static void set_number(const struct pen *pen, size_t at, uint64_t number, size_t bytes)
{
    if (pen->is_full) return;
    for (size_t i = 0; i < bytes; i++) pen->at[at + i] = (char)(number >> 8 * (bytes - 1 - i));
}

static void put_name(struct pen *pen, const char *name, char kind)
{
    put_number(pen, strlen(name), 1);
    put_text(pen, text_of(name));
    put(pen, &kind, 1);
}

static void put_header(struct pen *pen, const char *name, struct wr_text value)
{
    put_name(pen, name, 'S');
    put_number(pen, value.len, 4);
    put_text(pen, value);
}

static void put_header_unless_empty(struct pen *pen, const char *name, struct wr_text value)
{
    if (value.len) put_header(pen, name, value);
}

/* ---- which headers go on ----------------------------------------------------------------------- */

enum fate {
    FATE_KEPT,
    FATE_DROPPED,
    FATE_MOVED, /* to the name beside it */
    FATE_OURS,  /* written anew with each copy */
    FATE_SAVED, /* a moved one, of an earlier copy: goes on where that copy was ours */
};

static const struct rule {
    const char *name;
    bool is_prefix;
    enum fate fate;
    const char *moved_to;
} RULES[] = {
    { "x-death", false, FATE_DROPPED, NULL },
    { "x-first-death-", true, FATE_DROPPED, NULL },
    { "x-last-death-", true, FATE_DROPPED, NULL },
    { "x-delivery-count", false, FATE_DROPPED, NULL },
    { "CC", false, FATE_MOVED, "x-warrener-CC" },
    { "BCC", false, FATE_MOVED, "x-warrener-BCC" },
    { COPY_ATTEMPT, false, FATE_OURS, NULL },
    { "x-warrener-at", false, FATE_OURS, NULL },
    { "x-warrener-reason", false, FATE_OURS, NULL },
    { "x-warrener-detail", false, FATE_OURS, NULL },
    { "x-warrener-code", false, FATE_OURS, NULL },
    { "x-warrener-handler", false, FATE_OURS, NULL },
    { "x-warrener-host", false, FATE_OURS, NULL },
    { "x-warrener-exchange", false, FATE_OURS, NULL },
    { "x-warrener-routing-key", false, FATE_OURS, NULL },
    { "x-warrener-expiration", false, FATE_SAVED, NULL },
    { "x-warrener-user-id", false, FATE_SAVED, NULL },
    { "x-warrener-CC", false, FATE_SAVED, NULL },
    { "x-warrener-BCC", false, FATE_SAVED, NULL },
};

static const struct rule *rule_of(struct wr_text name)
{
    for (size_t i = 0; i < sizeof RULES / sizeof *RULES; i++) {
        const struct rule *rule = &RULES[i];
        if (rule->is_prefix ? text_starts(name, rule->name) : text_is(name, rule->name))
            return rule;
    }
    return NULL;
}

struct source {
    const struct amqp_properties *properties;
    bool is_copy;
    bool is_direct; /* a copy whose user id is our own mark, and not its original's */
};

static struct wr_text user_of(const struct source *source)
{
    return source->is_direct ? text_of("") : source->properties->user_id;
}

/* Whether the original has its own of what an earlier copy had moved: then that is newer. */
static bool is_replaced(const struct source *source, struct wr_text name)
{
    const struct amqp_properties *properties = source->properties;
    if (text_is(name, "x-warrener-expiration")) return properties->expiration.len > 0;
    if (text_is(name, "x-warrener-user-id")) return user_of(source).len > 0;
    size_t at = 0;
    for (struct table_entry entry; table_step(properties->headers, &at, &entry);) {
        const struct rule *rule = rule_of(entry.name);
        if (rule && rule->fate == FATE_MOVED && text_is(name, rule->moved_to)) return true;
    }
    return false;
}

static void put_entry(struct pen *pen, const struct source *source, const struct table_entry *entry)
{
    const struct rule *rule = rule_of(entry->name);
    switch (rule ? rule->fate : FATE_KEPT) {
    case FATE_KEPT: put_text(pen, entry->whole); break;
    case FATE_MOVED: {
        const size_t passed = 1 + entry->name.len + 1; /* the rest is the value with its length */
        put_name(pen, rule->moved_to, (char)entry->kind);
        put(pen, entry->whole.at + passed, entry->whole.len - passed);
        break;
    }
    case FATE_SAVED:
        if (source->is_copy && !is_replaced(source, entry->name)) put_text(pen, entry->whole);
        break;
    case FATE_DROPPED:
    case FATE_OURS: break;
    }
}

static void put_entries(struct pen *pen, const struct source *source)
{
    size_t at = 0;
    for (struct table_entry entry; table_step(source->properties->headers, &at, &entry);)
        put_entry(pen, source, &entry);
}

static void put_notes(struct pen *pen, const struct source *source, const struct copy_notes *notes)
{
    put_header_unless_empty(pen, "x-warrener-expiration", source->properties->expiration);
    put_header_unless_empty(pen, "x-warrener-user-id", user_of(source));
    put_name(pen, COPY_ATTEMPT, 'l');
    put_number(pen, notes->attempt, 8);
    if (notes->at_ms > 0) {
        put_name(pen, "x-warrener-at", 'T');
        put_number(pen, (uint64_t)notes->at_ms / 1000, 8);
    }
    put_header_unless_empty(pen, "x-warrener-reason", notes->reason);
    put_header_unless_empty(pen, "x-warrener-detail", notes->detail);
    put_header_unless_empty(pen, "x-warrener-code", notes->code);
    put_header(pen, "x-warrener-handler", notes->handler);
    put_header(pen, "x-warrener-host", notes->host);
    put_header(pen, "x-warrener-exchange", notes->exchange);
    put_header(pen, "x-warrener-routing-key", notes->routing_key);
}

/* ---- all of it --------------------------------------------------------------------------------- */

/* Not inside a character. */
static struct wr_text cut(struct wr_text text, size_t most_bytes)
{
    if (text.len <= most_bytes) return text;
    for (size_t at = most_bytes - 3; at < most_bytes; at++)
        if (at + text_char_bytes(text, at) > most_bytes) return text_from(text.at, at);
    return text_from(text.at, most_bytes);
}

static void put_mark(struct pen *pen, const struct copy_notes *notes, uint64_t *flags)
{
    if (!notes->mark.len || *flags & PROPERTY_USER_ID) return;
    *flags |= PROPERTY_USER_ID;
    put_number(pen, notes->mark.len, 1);
    put_text(pen, notes->mark);
}

static bool write_all(const struct source *source, const struct property *fields, size_t n_fields,
                      bool has_entries, const struct copy_notes *notes, struct pen *pen)
{
    uint64_t flags = PROPERTY_HEADERS | PROPERTY_DELIVERY_MODE;
    size_t i = 0;
    pen->used = 0;
    pen->is_full = false;
    put_number(pen, 0, 2);
    for (; i < n_fields && fields[i].flag > PROPERTY_HEADERS; i++) {
        flags |= fields[i].flag;
        put_text(pen, fields[i].bytes);
    }
    const size_t table = pen->used;
    put_number(pen, 0, 4);
    if (has_entries) put_entries(pen, source);
    put_notes(pen, source, notes);
    set_number(pen, table, pen->used - table - 4, 4);
    put_number(pen, PERSISTENT, 1);
    for (; i < n_fields; i++) {
        if (fields[i].flag &
            (PROPERTY_HEADERS | PROPERTY_DELIVERY_MODE | PROPERTY_EXPIRATION | PROPERTY_USER_ID))
            continue;
        if (fields[i].flag < PROPERTY_USER_ID) put_mark(pen, notes, &flags);
        flags |= fields[i].flag;
        put_text(pen, fields[i].bytes);
    }
    put_mark(pen, notes, &flags);
    set_number(pen, 0, flags, 2);
    return !pen->is_full;
}

bool copy_write(struct wr_text original, bool is_copy, const struct copy_notes *notes, char *out,
                size_t out_bytes, size_t *used)
{
    struct amqp_properties properties;
    struct property fields[PROPERTIES_MOST];
    struct copy_notes cut_notes = *notes;
    struct pen pen = { .at = out, .room = out_bytes };
    if (!properties_read(original, &properties)) return false;
    const size_t n = properties_list(original, fields);
    struct wr_pair attempt;
    const struct source source = { &properties, is_copy,
                                   is_copy &&
                                       table_find(properties.headers, COPY_ATTEMPT, &attempt) &&
                                       attempt.number == 1 };
    cut_notes.detail = cut(notes->detail, COPY_DETAIL_BYTES);
    bool fits = write_all(&source, fields, n, true, &cut_notes, &pen);
    for (size_t most = COPY_DETAIL_BYTES / 2; !fits && most >= 64; most /= 2) {
        cut_notes.detail = cut(notes->detail, most);
        fits = write_all(&source, fields, n, true, &cut_notes, &pen);
    }
    if (!fits) {
        cut_notes.detail = text_of("its own headers were too large to be kept");
        fits = write_all(&source, fields, n, false, &cut_notes, &pen);
    }
    *used = pen.used;
    return fits;
}
