/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies' properties, put together from the original's encoded ones piece by piece, so that what is
 * kept stays byte for byte what it was; see copy.h. */
#include "amqp/copy.h"

#include "amqp/properties.h"
#include "amqp/table.h"

#define PERSISTENT 2
#define ATTEMPT "x-warrener-attempt"

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
    { ATTEMPT, false, FATE_OURS, NULL },
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
    put_name(pen, ATTEMPT, 'l');
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
                                   is_copy && table_find(properties.headers, ATTEMPT, &attempt) &&
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

/* ---- what came back ---------------------------------------------------------------------------- */

/* The tables of x-death, newest first. `at` begins at 0. */
static bool next_death(struct wr_text array, size_t *at, struct wr_text *table)
{
    const uint8_t *bytes = (const uint8_t *)array.at + *at;
    const size_t left = array.len - *at;
    if (left < 5 || bytes[0] != 'F') return false;
    const uint64_t len =
        (uint64_t)bytes[1] << 24 | (uint64_t)bytes[2] << 16 | (uint64_t)bytes[3] << 8 | bytes[4];
    if (len > left - 5) return false;
    *table = text_from((const char *)bytes + 5, (size_t)len);
    *at += 5 + (size_t)len;
    return true;
}

/* False where there is none, or it is no array. */
static bool find_array(struct wr_text table, const char *name, struct wr_text *array)
{
    size_t at = 0;
    for (struct table_entry entry; table_step(table, &at, &entry);) {
        if (!text_is(entry.name, name)) continue;
        *array = entry.value;
        return entry.kind == 'A';
    }
    return false;
}

static bool newest_death(struct wr_text headers, struct wr_text *table)
{
    struct wr_text deaths;
    size_t at = 0;
    return find_array(headers, "x-death", &deaths) && next_death(deaths, &at, table);
}

static bool find_text(struct wr_text table, const char *name, struct wr_text *text)
{
    struct wr_pair pair;
    if (!table_find(table, name, &pair) || pair.kind != WR_H_TEXT) return false;
    *text = pair.text;
    return true;
}

static bool is_retry_queue(struct wr_text name, struct wr_text queue)
{
    static const char middle[] = ".retry.";
    const size_t len = sizeof middle - 1;
    return name.len > queue.len + len && memcmp(name.at, queue.at, queue.len) == 0 &&
           memcmp(name.at + queue.len, middle, len) == 0;
}

/* It was published to its retry queue by name, expired there, and that was all that befell it. */
static bool came_back(struct wr_text headers, struct wr_text queue)
{
    struct wr_text death, name, reason, exchange;
    struct wr_pair count;
    return newest_death(headers, &death) && find_text(death, "queue", &name) &&
           is_retry_queue(name, queue) && find_text(death, "reason", &reason) &&
           text_is(reason, "expired") && find_text(death, "exchange", &exchange) &&
           exchange.len == 0 && table_find(death, "count", &count) && count.kind == WR_H_INT &&
           count.number == 1;
}

bool copy_read_origin(struct wr_text headers, struct copy_origin *out)
{
    out->user_id = text_of("");
    (void)find_text(headers, "x-warrener-user-id", &out->user_id); /* not all have one */
    return find_text(headers, "x-warrener-exchange", &out->exchange) &&
           find_text(headers, "x-warrener-routing-key", &out->routing_key);
}

static bool find_attempt(struct wr_text headers, int64_t *number)
{
    struct wr_pair attempt;
    if (!table_find(headers, ATTEMPT, &attempt) || attempt.kind != WR_H_INT) return false;
    *number = attempt.number;
    return true;
}

bool copy_read(struct wr_text headers, struct wr_text exchange, struct wr_text routing_key,
               struct wr_text queue, struct copy_origin *out)
{
    int64_t attempt;
    if (exchange.len > 0 || !text_equal(routing_key, queue) || !came_back(headers, queue))
        return false;
    if (!find_attempt(headers, &attempt) || attempt < 2 || attempt > UINT32_MAX) return false;
    out->attempt = (uint32_t)attempt;
    return copy_read_origin(headers, out);
}

bool copy_read_direct(struct wr_text headers, struct wr_text exchange, struct wr_text routing_key,
                      struct wr_text queue, struct copy_origin *out)
{
    int64_t attempt;
    if (exchange.len > 0 || !text_equal(routing_key, queue)) return false;
    if (!find_attempt(headers, &attempt) || attempt != 1) return false;
    out->attempt = 1;
    return copy_read_origin(headers, out);
}

/* ---- deaths ------------------------------------------------------------------------------------ */

static struct wr_text first_key(struct wr_text death)
{
    struct wr_text keys;
    if (!find_array(death, "routing-keys", &keys) || keys.len < 5 || keys.at[0] != 'S')
        return text_of("");
    const uint8_t *bytes = (const uint8_t *)keys.at;
    const uint64_t len =
        (uint64_t)bytes[1] << 24 | (uint64_t)bytes[2] << 16 | (uint64_t)bytes[3] << 8 | bytes[4];
    return len > keys.len - 5 ? text_of("") : text_from(keys.at + 5, (size_t)len);
}

bool copy_read_death(struct wr_text headers, struct copy_death *out)
{
    struct wr_text death;
    struct wr_pair at;
    if (!newest_death(headers, &death)) return false;
    out->exchange = text_of("");
    (void)find_text(death, "exchange", &out->exchange);
    out->routing_key = first_key(death);
    out->at_ms = table_find(death, "time", &at) && at.kind == WR_H_INT && at.number > 0 &&
                         at.number < INT64_MAX / 1000
                     ? at.number * 1000
                     : 0;
    return find_text(death, "queue", &out->queue) && find_text(death, "reason", &out->reason);
}

bool copy_was_retried(struct wr_text headers, struct wr_text queue)
{
    struct wr_text deaths, death, name;
    size_t at = 0;
    if (!find_array(headers, "x-death", &deaths)) return false;
    while (next_death(deaths, &at, &death))
        if (find_text(death, "queue", &name) && is_retry_queue(name, queue)) return true;
    return false;
}
