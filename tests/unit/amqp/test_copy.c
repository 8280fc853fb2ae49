/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies for retry and dead queues, from good originals and hostile ones. Originals and copies lie in
 * heap buffers of their exact size, so that a byte read or written past their end is seen. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "amqp/copy.h"
#include "amqp/properties.h"
#include "amqp/table.h"

#define FRAME 131052

struct bytes {
    char at[140000];
    size_t len;
};

static void add(struct bytes *bytes, const void *from, size_t len)
{
    memcpy(bytes->at + bytes->len, from, len);
    bytes->len += len;
}

#define ADD(bytes, literal) add(bytes, literal, sizeof(literal) - 1)

static void add_length(struct bytes *bytes, size_t len)
{
    const char four[4] = { (char)(len >> 24), (char)(len >> 16), (char)(len >> 8), (char)len };
    add(bytes, four, 4);
}

static void add_value(struct bytes *bytes, const char *name, char kind, struct wr_text value)
{
    const char len = (char)strlen(name);
    add(bytes, &len, 1);
    add(bytes, name, strlen(name));
    add(bytes, &kind, 1);
    add_length(bytes, value.len);
    add(bytes, value.at, value.len);
}

static void add_text(struct bytes *bytes, const char *name, const char *text)
{
    add_value(bytes, name, 'S', text_of(text));
}

static struct wr_text exactly(const struct bytes *bytes)
{
    char *copy = malloc(bytes->len ? bytes->len : 1);
    memcpy(copy, bytes->at, bytes->len);
    return (struct wr_text){ copy, bytes->len };
}

static void drop(struct wr_text text)
{
    free((void *)(uintptr_t)text.at);
}

/* Properties of these headers alone. */
static struct wr_text only_headers(const struct bytes *headers)
{
    static struct bytes all;
    all.len = 0;
    ADD(&all, "\x20\0");
    add_length(&all, headers->len);
    add(&all, headers->at, headers->len);
    return exactly(&all);
}

static const struct copy_notes notes = {
    .attempt = 3,
    .reason = WR_TEXT_OF("rejected"),
    .detail = WR_TEXT_OF("no such user"),
    .code = WR_TEXT_OF("E7"),
    .handler = WR_TEXT_OF("collect/1.2"),
    .host = WR_TEXT_OF("host-1"),
    .exchange = WR_TEXT_OF("events"),
    .routing_key = WR_TEXT_OF("user.login"),
};

struct made {
    struct wr_text encoded; /* of exact size */
    struct amqp_properties properties;
};

static struct made make(struct wr_text original, bool is_copy, const struct copy_notes *of)
{
    static char room[FRAME];
    struct made made;
    size_t used = 0;
    cr_assert(copy_write(original, is_copy, of, room, sizeof room, &used));
    char *at = malloc(used);
    memcpy(at, room, used);
    made.encoded = (struct wr_text){ at, used };
    cr_assert(properties_read(made.encoded, &made.properties));
    size_t again = 0;
    char *exact = malloc(used);
    cr_assert(copy_write(original, is_copy, of, exact, used, &again) && again == used);
    cr_assert(memcmp(exact, at, used) == 0);
    free(exact);
    return made;
}

static bool has(const struct made *made, const char *name)
{
    size_t at = 0;
    for (struct table_entry entry; table_step(made->properties.headers, &at, &entry);)
        if (text_is(entry.name, name)) return true;
    return false;
}

static unsigned count(const struct made *made)
{
    unsigned n = 0;
    size_t at = 0;
    for (struct table_entry entry; table_step(made->properties.headers, &at, &entry);) n++;
    return n;
}

static void expect(const struct made *made, const char *name, const char *text)
{
    struct wr_pair pair;
    cr_assert(table_find(made->properties.headers, name, &pair), "no %s", name);
    cr_assert(text_is(pair.text, text), "%s: %.*s", name, TEXT_ARGS(pair.text));
}

static void expect_notes(const struct made *made)
{
    struct wr_pair attempt;
    cr_assert(table_find(made->properties.headers, "x-warrener-attempt", &attempt));
    cr_assert(attempt.kind == WR_H_INT && attempt.number == 3);
    expect(made, "x-warrener-reason", "rejected");
    expect(made, "x-warrener-detail", "no such user");
    expect(made, "x-warrener-code", "E7");
    expect(made, "x-warrener-handler", "collect/1.2");
    expect(made, "x-warrener-host", "host-1");
    expect(made, "x-warrener-exchange", "events");
    expect(made, "x-warrener-routing-key", "user.login");
    cr_assert(made->properties.delivery_mode == 2);
}

Test(copy, of_a_bare_message_has_our_headers_alone)
{
    struct bytes none = { .at = "\0\0", .len = 2 };
    struct wr_text original = exactly(&none);
    struct made made = make(original, false, &notes);
    expect_notes(&made);
    cr_assert(count(&made) == 8);
    cr_assert(made.properties.content_type.len == 0 && made.properties.message_id.len == 0);
    drop(original);
    drop(made.encoded);
}

Test(copy, empty_notes_are_left_out_but_where_from_never)
{
    struct bytes none = { .at = "\0\0", .len = 2 };
    struct wr_text original = exactly(&none), empty = { "", 0 };
    struct copy_notes few = { .attempt = 1, empty, empty, empty, empty, empty, empty, empty };
    struct made made = make(original, false, &few);
    cr_assert(count(&made) == 5);
    expect(&made, "x-warrener-exchange", "");
    expect(&made, "x-warrener-routing-key", "");
    drop(original);
    drop(made.encoded);
}

/* Every field there is, with values that a rewriting by fields would lose: a priority of 0, a
 * timestamp in milliseconds, a cluster id, an empty text. */
Test(copy, keeps_every_property_byte_for_byte_but_three)
{
    static struct bytes all;
    ADD(&all, "\xff\xfc");
    ADD(&all, "\x02"
              "ct"
              "\x00");             /* content type; an empty content encoding */
    ADD(&all, "\0\0\0\0\x01\x00"); /* no headers; transient; priority 0 */
    ADD(&all, "\x01"
              "c\x01"
              "r\x05"
              "60000\x01"
              "m"); /* correlation id, reply to, expiration, message id */
    ADD(&all, "\0\0\x01\x9b\x7c\x0a\xa4\x88"); /* timestamp */
    ADD(&all, "\x01"
              "t\x05"
              "alice\x03"
              "app\x02"
              "ci"); /* type, user id, app id, cluster id */
    struct wr_text original = exactly(&all);
    struct made made = make(original, false, &notes);
    struct property before[PROPERTIES_MOST], after[PROPERTIES_MOST];
    const size_t n = properties_list(original, before), m = properties_list(made.encoded, after);
    cr_assert(n == 14 && m == 12, "%zu %zu", n, m);
    for (size_t i = 0, k = 0; i < n; i++) {
        if (before[i].flag & (PROPERTY_EXPIRATION | PROPERTY_USER_ID)) continue;
        cr_assert(after[k].flag == before[i].flag);
        if (!(before[i].flag & (PROPERTY_HEADERS | PROPERTY_DELIVERY_MODE)))
            cr_assert(text_equal(after[k].bytes, before[i].bytes), "flag %x", before[i].flag);
        k++;
    }
    expect_notes(&made);
    expect(&made, "x-warrener-expiration", "60000");
    expect(&made, "x-warrener-user-id", "alice");
    drop(original);
    drop(made.encoded);
}

static void add_death(struct bytes *headers, const char *queue, const char *reason,
                      const char *exchange, char times)
{
    static struct bytes death, list;
    death.len = list.len = 0;
    ADD(&death, "\x05"
                "countl\0\0\0\0\0\0\0");
    add(&death, &times, 1);
    add_text(&death, "reason", reason);
    add_text(&death, "queue", queue);
    ADD(&death, "\x04"
                "timeT\0\0\0\0\x65\0\0\0");
    add_text(&death, "exchange", exchange);
    add_value(&death, "routing-keys", 'A', WR_TEXT_OF("S\0\0\0\x01q"));
    ADD(&list, "F");
    add_length(&list, death.len);
    add(&list, death.at, death.len);
    add_value(headers, "x-death", 'A', text_from(list.at, list.len));
}

Test(copy, what_the_broker_would_stumble_over_is_dropped_or_moved)
{
    static struct bytes headers;
    add_text(&headers, "shop", "north");
    add_death(&headers, "login", "rejected", "", 1);
    add_text(&headers, "x-first-death-queue", "login");
    add_text(&headers, "x-last-death-reason", "rejected");
    ADD(&headers, "\x10"
                  "x-delivery-countl\0\0\0\0\0\0\0\x07");
    add_value(&headers, "CC", 'A', WR_TEXT_OF("S\0\0\0\x01q"));
    add_value(&headers, "BCC", 'A', WR_TEXT_OF("S\0\0\0\x01p"));
    add_value(&headers, "nested", 'F',
              WR_TEXT_OF("\x01"
                         "aF\0\0\0\x03\x01"
                         "bV"));
    add_text(&headers, "x-delivery-counter", "not the broker's");
    add_text(&headers, "cc", "not the broker's either");
    struct wr_text original = only_headers(&headers);
    struct made made = make(original, false, &notes);
    expect_notes(&made);
    expect(&made, "shop", "north");
    expect(&made, "x-delivery-counter", "not the broker's");
    expect(&made, "cc", "not the broker's either");
    static const char *const gone[] = {
        "x-death", "x-first-death-queue", "x-last-death-reason", "x-delivery-count", "CC", "BCC"
    };
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        cr_assert(!has(&made, gone[i]), "%s", gone[i]);
    size_t at = 0;
    unsigned seen = 0;
    for (struct table_entry entry; table_step(made.properties.headers, &at, &entry);) {
        if (text_is(entry.name, "x-warrener-CC"))
            seen += entry.kind == 'A' && text_equal(entry.value, WR_TEXT_OF("S\0\0\0\x01q"));
        if (text_is(entry.name, "x-warrener-BCC"))
            seen += entry.kind == 'A' && text_equal(entry.value, WR_TEXT_OF("S\0\0\0\x01p"));
        if (text_is(entry.name, "nested")) seen += entry.kind == 'F' && entry.value.len == 10;
    }
    cr_assert(seen == 3 && count(&made) == 4 + 2 + 8, "%u of %u", seen, count(&made));
    drop(original);
    drop(made.encoded);
}

static void add_ours(struct bytes *headers)
{
    add_text(headers, "x-warrener-expiration", "5000");
    add_text(headers, "x-warrener-user-id", "bob");
    add_value(headers, "x-warrener-CC", 'A', WR_TEXT_OF("S\0\0\0\x01q"));
    ADD(headers, "\x12"
                 "x-warrener-attemptl\0\0\0\0\0\0\0\x02");
    add_text(headers, "x-warrener-detail", "earlier");
    add_text(headers, "x-warrener-exchange", "elsewhere");
    add_text(headers, "x-warrener-routing-key", "old");
}

Test(copy, of_a_copy_carries_on_what_was_moved_once)
{
    static struct bytes headers;
    add_ours(&headers);
    struct wr_text original = only_headers(&headers);
    struct made made = make(original, true, &notes);
    expect_notes(&made);
    expect(&made, "x-warrener-expiration", "5000");
    expect(&made, "x-warrener-user-id", "bob");
    cr_assert(has(&made, "x-warrener-CC") && count(&made) == 8 + 3);
    drop(made.encoded);
    made = make(original, false, &notes); /* somebody else's: nothing of it is believed */
    expect_notes(&made);
    cr_assert(count(&made) == 8);
    drop(made.encoded);
    drop(original);
}

Test(copy, of_a_copy_prefers_what_the_message_has_now)
{
    static struct bytes headers, all;
    add_ours(&headers);
    add_value(&headers, "CC", 'A', WR_TEXT_OF("S\0\0\0\x01n"));
    ADD(&all, "\x21\x10");
    add_length(&all, headers.len);
    add(&all, headers.at, headers.len);
    ADD(&all, "\x01"
              "9\x03"
              "eve");
    struct wr_text original = exactly(&all);
    struct made made = make(original, true, &notes);
    expect(&made, "x-warrener-expiration", "9");
    expect(&made, "x-warrener-user-id", "eve");
    cr_assert(count(&made) == 8 + 3, "none twice: %u", count(&made));
    drop(made.encoded);
    drop(original);
}

Test(copy, a_long_detail_is_cut_between_characters)
{
    struct bytes none = { .at = "\0\0", .len = 2 };
    struct wr_text original = exactly(&none);
    char text[2000];
    for (size_t before = 0; before < 4; before++) {
        memset(text, 'x', sizeof text);
        for (size_t i = before; i + 4 <= sizeof text; i += 4)
            memcpy(text + i, "\xf0\x9f\x90\x87", 4);
        struct copy_notes of = notes;
        of.detail = text_from(text, 1990);
        struct made made = make(original, false, &of);
        struct wr_pair pair;
        cr_assert(table_find(made.properties.headers, "x-warrener-detail", &pair));
        cr_assert(text_is_utf8(pair.text) && pair.text.len > 1020 && pair.text.len <= 1024);
        drop(made.encoded);
    }
    memset(text, 0xbf, sizeof text); /* no characters at all */
    struct copy_notes of = notes;
    of.detail = text_from(text, 1025);
    struct made made = make(original, false, &of);
    struct wr_pair pair;
    cr_assert(table_find(made.properties.headers, "x-warrener-detail", &pair));
    cr_assert(pair.text.len == 1024);
    drop(made.encoded);
    drop(original);
}

Test(copy, what_does_not_fit_loses_its_detail_and_then_its_headers)
{
    static struct bytes headers;
    static char room[FRAME], filler[FRAME];
    size_t used = 0;
    memset(filler, 'f', sizeof filler);
    add_value(&headers, "big", 'S', text_from(filler, 3000));
    struct wr_text original = only_headers(&headers);
    struct copy_notes of = notes;
    of.detail = text_from(filler, 1000);
    struct made made = { 0 };
    cr_assert(copy_write(original, false, &of, room, COPY_LEAST_BYTES, &used));
    cr_assert(properties_read(text_from(room, used), &made.properties));
    struct wr_pair detail;
    cr_assert(has(&made, "big") &&
              table_find(made.properties.headers, "x-warrener-detail", &detail));
    cr_assert(detail.text.len < 1000 && detail.text.len >= 64);
    drop(original);
    headers.len = 0;
    add_value(&headers, "big", 'S', text_from(filler, COPY_LEAST_BYTES - 100));
    original = only_headers(&headers);
    cr_assert(copy_write(original, false, &of, room, COPY_LEAST_BYTES, &used));
    cr_assert(properties_read(text_from(room, used), &made.properties));
    cr_assert(!has(&made, "big"));
    expect(&made, "x-warrener-detail", "its own headers were too large to be kept");
    cr_assert(!copy_write(original, false, &of, room, 100, &used), "100 bytes are not enough");
    drop(original);
}

/* The longest of everything, in the smallest frame. */
Test(copy, always_fits_the_smallest_frame)
{
    static struct bytes all;
    static char room[COPY_LEAST_BYTES];
    char longest[256];
    memset(longest, (char)0xff, sizeof longest); /* its first byte is a length: 255 */
    ADD(&all, "\xff\xfc");
    add(&all, longest, 256);
    add(&all, longest, 256);
    ADD(&all, "\0\0\0\0\x01\x09");
    for (int i = 0; i < 4; i++) add(&all, longest, 256);
    add(&all, longest, 8);
    for (int i = 0; i < 4; i++) add(&all, longest, 256);
    struct wr_text original = exactly(&all), text = text_from(longest, 255);
    struct copy_notes of = { .attempt = UINT32_MAX,
                             .reason = WR_TEXT_OF("undecodable"),
                             .detail = text,
                             .code = text_from(longest, 64),
                             .handler = text_from(longest, 128),
                             .host = text_from(longest, 128),
                             .exchange = text,
                             .routing_key = text };
    size_t used = 0;
    cr_assert(copy_write(original, false, &of, room, sizeof room, &used));
    drop(original);
}

Test(copy, damage_is_refused_or_stays_inside)
{
    static struct bytes headers;
    static char room[FRAME];
    size_t used;
    add_ours(&headers);
    add_death(&headers, "login.retry.1s", "expired", "", 1);
    struct wr_text original = only_headers(&headers);
    for (size_t len = 0; len < original.len; len++) {
        struct wr_text cut = { malloc(len ? len : 1), len };
        memcpy((void *)(uintptr_t)cut.at, original.at, len);
        cr_assert(!copy_write(cut, true, &notes, room, sizeof room, &used), "cut at %zu", len);
        drop(cut);
    }
    for (size_t at = 0; at < original.len; at++)
        for (unsigned value = 0; value < 256; value += 5) {
            struct wr_text bent = { malloc(original.len), original.len };
            memcpy((void *)(uintptr_t)bent.at, original.at, original.len);
            ((char *)(uintptr_t)bent.at)[at] = (char)value;
            struct amqp_properties properties;
            struct copy_origin origin;
            if (copy_write(bent, true, &notes, room, sizeof room, &used)) {
                cr_assert(properties_read(text_from(room, used), &properties));
                cr_assert(properties_read(bent, &properties));
                (void)!copy_read(properties.headers, text_of(""), text_of("login"),
                                 text_of("login"), &origin);
            }
            drop(bent);
        }
    drop(original);
}

Test(copy, that_came_back_tells_of_its_original)
{
    static struct bytes headers;
    struct copy_origin origin;
    add_ours(&headers);
    add_death(&headers, "login.retry.1s", "expired", "", 1);
    struct wr_text table = exactly(&headers), login = WR_TEXT_OF("login"), none = { "", 0 };
    cr_assert(copy_read(table, none, login, login, &origin));
    cr_assert(origin.attempt == 2 && text_is(origin.exchange, "elsewhere"));
    cr_assert(text_is(origin.routing_key, "old") && text_is(origin.user_id, "bob"));
    cr_assert(!copy_read(table, text_of("amq.direct"), login, login, &origin), "another exchange");
    cr_assert(!copy_read(table, none, text_of("other"), login, &origin), "another key");
    cr_assert(!copy_read(table, none, text_of("logi"), text_of("logi"), &origin), "another queue");
    drop(table);
}

Test(copy, with_a_damaged_history_is_not_believed)
{
    static const struct wr_text histories[] = {
        WR_TEXT_OF(""),
        WR_TEXT_OF("F"),
        WR_TEXT_OF("F\0\0\0"),
        WR_TEXT_OF("F\0\0\0\x09"
                   "\x05queueV"),
        WR_TEXT_OF("F\xff\xff\xff\xff"),
        WR_TEXT_OF("S\0\0\0\x01q"),
    };
    static struct bytes headers;
    struct copy_origin origin;
    for (size_t i = 0; i < sizeof histories / sizeof *histories; i++) {
        headers.len = 0;
        add_ours(&headers);
        add_value(&headers, "x-death", 'A', histories[i]); /* the last: nothing is behind it */
        struct wr_text table = exactly(&headers);
        cr_assert(!copy_read(table, text_of(""), text_of("login"), text_of("login"), &origin));
        drop(table);
    }
}

Test(copy, that_is_a_lie_is_not_believed)
{
    static const struct {
        const char *queue, *reason, *exchange;
        char count;
    } deaths[] = {
        { "login.retry.1s", "rejected", "", 1 }, { "login", "expired", "", 1 },
        { "login.retry.", "expired", "", 1 },    { "login.dead", "expired", "", 1 },
        { "other.retry.1s", "expired", "", 1 },  { "login.retry.1s", "expired", "events", 1 },
        { "login.retry.1s", "expired", "", 2 },
    };
    static struct bytes headers;
    struct wr_text login = WR_TEXT_OF("login"), none = { "", 0 };
    struct copy_origin origin;
    for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++) {
        headers.len = 0;
        add_ours(&headers);
        add_death(&headers, deaths[i].queue, deaths[i].reason, deaths[i].exchange, deaths[i].count);
        struct wr_text table = exactly(&headers);
        cr_assert(!copy_read(table, none, login, login, &origin), "%zu", i);
        drop(table);
    }
    headers.len = 0; /* ours without the broker's */
    add_ours(&headers);
    cr_assert(!copy_read(text_from(headers.at, headers.len), none, login, login, &origin));
    headers.len = 0; /* the broker's without ours */
    add_death(&headers, "login.retry.1s", "expired", "", 1);
    cr_assert(!copy_read(text_from(headers.at, headers.len), none, login, login, &origin));
    add_text(&headers, "x-warrener-attempt", "2"); /* not a number */
    add_text(&headers, "x-warrener-exchange", "e");
    add_text(&headers, "x-warrener-routing-key", "k");
    cr_assert(!copy_read(text_from(headers.at, headers.len), none, login, login, &origin));
}
