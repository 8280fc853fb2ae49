/* SPDX-License-Identifier: Apache-2.0
 *
 * Properties written and read back, and bytes that are none. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "amqp/properties.h"
#include "amqp/table.h"

static const struct wr_pair headers[] = {
    { .name = WR_TEXT_OF("shop"), .text = WR_TEXT_OF("north") },
    { .name = WR_TEXT_OF("n"), .number = -5, .kind = WR_H_INT },
    { .name = WR_TEXT_OF("ok"), .number = 1, .kind = WR_H_BOOL },
};

static const struct amqp_outgoing full = {
    .content_type = WR_TEXT_OF("application/json"),
    .content_encoding = WR_TEXT_OF("gzip"),
    .correlation_id = WR_TEXT_OF("c"),
    .reply_to = WR_TEXT_OF("r"),
    .expiration = WR_TEXT_OF("60000"),
    .message_id = WR_TEXT_OF("m"),
    .type = WR_TEXT_OF("t"),
    .user_id = WR_TEXT_OF("guest"),
    .app_id = WR_TEXT_OF("app"),
    .timestamp_ms = 1767312245000,
    .headers = headers,
    .n_headers = 3,
    .priority = 9,
};

static size_t write_full(char *out, size_t room)
{
    struct status status = { 0 };
    size_t bytes = 0;
    cr_assert(properties_write(&full, out, room, &bytes, &status), "%s", status.text);
    return bytes;
}

Test(properties, what_is_written_is_read_back)
{
    char encoded[1024];
    struct amqp_properties got;
    size_t bytes = write_full(encoded, sizeof encoded);
    cr_assert(properties_read(text_from(encoded, bytes), &got));
#define SAME(member) cr_assert(text_equal(got.member, full.member), #member)
    SAME(content_type);
    SAME(content_encoding);
    SAME(correlation_id);
    SAME(reply_to);
    SAME(expiration);
    SAME(message_id);
    SAME(type);
    SAME(user_id);
    SAME(app_id);
#undef SAME
    cr_assert(got.timestamp_ms == full.timestamp_ms && got.priority == 9 && got.delivery_mode == 2);
    cr_assert(got.encoded.at == encoded && got.encoded.len == bytes);
    struct wr_pair pair;
    cr_assert(table_find(got.headers, "shop", &pair) && text_is(pair.text, "north"));
    cr_assert(table_find(got.headers, "n", &pair) && pair.number == -5 && pair.kind == WR_H_INT);
    cr_assert(table_find(got.headers, "ok", &pair) && pair.number == 1 && pair.kind == WR_H_BOOL);
}

Test(properties, none_at_all_are_properties_too)
{
    struct amqp_properties got;
    cr_assert(properties_read(text_from("\0\0", 2), &got));
    cr_assert(got.headers.len == 0 && got.headers.at && got.message_id.at && got.timestamp_ms == 0);
}

Test(properties, timestamps_are_seconds_unless_they_cannot_be)
{
    static const struct {
        const char encoded[11];
        int64_t ms;
    } cases[] = {
        { "\0\x40\0\0\0\0\x69\x57\x0b\xb5", 0x69570bb5LL * 1000 },
        { "\0\x40\0\0\x01\x9b\x7c\x0a\xa4\x88", 0x19b7c0aa488LL },
        { "\0\x40\xff\xff\xff\xff\xff\xff\xff\xff", 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct amqp_properties got;
        cr_assert(properties_read(text_from(cases[i].encoded, 10), &got));
        cr_assert(got.timestamp_ms == cases[i].ms, "%zu: %lld", i, (long long)got.timestamp_ms);
    }
}

Test(properties, damage_is_refused_or_stays_inside)
{
    char encoded[1024];
    size_t bytes = write_full(encoded, sizeof encoded);
    for (size_t len = 0; len < bytes; len++) {
        char *cut = malloc(len ? len : 1);
        memcpy(cut, encoded, len);
        struct amqp_properties got;
        cr_assert(!properties_read(text_from(cut, len), &got), "cut at %zu", len);
        free(cut);
    }
    for (size_t at = 0; at < bytes; at++) {
        for (unsigned value = 0; value < 256; value += 3) {
            char *bent = malloc(bytes);
            memcpy(bent, encoded, bytes);
            bent[at] = (char)value;
            struct amqp_properties got;
            if (properties_read(text_from(bent, bytes), &got))
                cr_assert(got.app_id.at >= bent || got.app_id.len == 0);
            free(bent);
        }
    }
    struct amqp_properties got;
    cr_assert(!properties_read(text_from("\0\1\0\0", 4), &got), "more flag words");
    cr_assert(!properties_read(text_from("\0\0x", 3), &got), "more than announced");
}

Test(properties, what_does_not_fit_is_named)
{
    char encoded[64], longer[256];
    memset(longer, 'k', sizeof longer);
    struct status status = { 0 };
    size_t bytes;
    cr_assert(!properties_write(&full, encoded, sizeof encoded, &bytes, &status));
    cr_assert(strstr(status.text, "do not fit a frame of 64 bytes"), "%s", status.text);

    struct wr_pair header = { .name = { longer, 256 } };
    struct amqp_outgoing message = { .headers = &header, .n_headers = 1 };
    cr_assert(!properties_write(&message, encoded, sizeof encoded, &bytes, &status));
    cr_assert(strstr(status.text, "header name") && strstr(status.text, "256"), "%s", status.text);
    message = (struct amqp_outgoing){ .routing_key = { longer, 256 } };
    cr_assert(!properties_write(&message, encoded, sizeof encoded, &bytes, &status));
    cr_assert(strstr(status.text, "routing_key has 256 bytes"), "%s", status.text);
}
