/* SPDX-License-Identifier: Apache-2.0
 *
 * Text: numbers, UTF-8, what is shown, nearest names; tables of cases. */
#include "base/text.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

/* A literal with its NULs. */
#define BYTES(literal) WR_TEXT_OF(literal)

Test(text, starts)
{
    cr_assert(text_starts(text_of("amqp://h"), "amqp:"));
    cr_assert(text_starts(text_of("x"), ""));
    cr_assert(text_starts(text_of(""), ""));
    cr_assert_not(text_starts(text_of("amq"), "amqp"));
    cr_assert_not(text_starts(text_of("Amqp"), "amqp"));
}

Test(text, is_cut_between_characters)
{
    cr_assert_eq(text_cut(text_of("abc"), 3), 3);
    cr_assert_eq(text_cut(text_of("abc"), 2), 2);
    cr_assert_eq(text_cut(text_of("a\xC3\xA9"), 2), 1);
    cr_assert_eq(text_cut(text_of("a\xC3\xA9"), 3), 3);
    cr_assert_eq(text_cut(text_of("\xF0\x9F\x90\x87"), 3), 0);
}

Test(text, copy_ends_with_a_nul)
{
    char *copy = text_copy(text_from("abcdef", 3));
    cr_assert_str_eq(copy, "abc");
    free(copy);
    copy = text_copy(text_of(""));
    cr_assert_str_eq(copy, "");
    free(copy);
}

Test(text, to_int)
{
    static const struct {
        const char *text;
        bool is_int;
        int64_t value;
    } cases[] = {
        { "0", true, 0 },
        { "42", true, 42 },
        { "+7", true, 7 },
        { "-7", true, -7 },
        { "007", true, 7 },
        { "9223372036854775807", true, INT64_MAX },
        { "-9223372036854775808", true, INT64_MIN },
        { "9223372036854775808", false, 0 },
        { "-9223372036854775809", false, 0 },
        { "92233720368547758070", false, 0 },
        { "", false, 0 },
        { "-", false, 0 },
        { "+", false, 0 },
        { "+-1", false, 0 },
        { "1 ", false, 0 },
        { " 1", false, 0 },
        { "1.0", false, 0 },
        { "0x10", false, 0 },
        { "1e3", false, 0 },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        int64_t value = 77;
        cr_assert_eq(text_to_int(text_of(cases[i].text), &value), cases[i].is_int, "\"%s\"",
                     cases[i].text);
        cr_assert_eq(value, cases[i].is_int ? cases[i].value : 77, "\"%s\" gave %lld",
                     cases[i].text, (long long)value);
    }
}

Test(text, utf8_edges)
{
    static const struct {
        const char *bytes;
        bool is_utf8;
    } cases[] = {
        { "", true },
        { "plain", true },
        { "gr\xC3\xBC\xC3\x9F", true },
        { "\xC2\x80", true },
        { "\xDF\xBF", true },
        { "\xE0\xA0\x80", true },
        { "\xED\x9F\xBF", true },
        { "\xEE\x80\x80", true },
        { "\xEF\xBF\xBF", true },
        { "\xF0\x90\x80\x80", true },
        { "\xF4\x8F\xBF\xBF", true },
        { "\x80", false },             /* a tail alone */
        { "\xC0\xAF", false },         /* overlong */
        { "\xC1\xBF", false },         /* overlong */
        { "\xE0\x9F\xBF", false },     /* overlong */
        { "\xF0\x8F\xBF\xBF", false }, /* overlong */
        { "\xED\xA0\x80", false },     /* surrogate */
        { "\xED\xBF\xBF", false },     /* surrogate */
        { "\xF4\x90\x80\x80", false }, /* above U+10FFFF */
        { "\xF5\x80\x80\x80", false },
        { "\xFF", false },
        { "\xC3", false }, /* cut short */
        { "\xE2\x82", false },
        { "\xF0\x9F\x98", false },
        { "\xC3(", false },
        { "\xE2(\x82", false },
        { "\xE2\x82(", false },
        { "\xF0\x9F\x98(", false },
        { "12345678\xC3\xBC", true },
        { "1234567\xC3\xBC", true }, /* across the eighth byte */
        { "12345678901\xE2\x82\xAC 12345678", true },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        cr_assert_eq(text_is_utf8(text_of(cases[i].bytes)), cases[i].is_utf8, "case %zu", i);
}

Test(text, utf8_sees_a_bad_byte_anywhere)
{
    char bytes[40];
    for (size_t len = 1; len <= sizeof bytes; len++) {
        memset(bytes, 'a', sizeof bytes);
        cr_assert(text_is_utf8(text_from(bytes, len)));
        for (size_t at = 0; at < len; at++) {
            bytes[at] = (char)0xFF;
            cr_assert_not(text_is_utf8(text_from(bytes, len)), "byte %zu of %zu", at, len);
            bytes[at] = 'a';
        }
    }
}

Test(text, plain_is_ascii_without_zero_bytes)
{
    char bytes[40];
    memset(bytes, 1, sizeof bytes);
    for (size_t len = 0; len <= sizeof bytes; len++) {
        cr_assert(text_is_plain(text_from(bytes, len)));
        for (size_t at = 0; at < len; at++)
            for (unsigned byte = 0; byte < 256; byte++) {
                bytes[at] = (char)byte;
                cr_assert_eq(text_is_plain(text_from(bytes, len)), byte >= 1 && byte < 128,
                             "byte %zu of %zu is %u", at, len, byte);
                bytes[at] = 127;
            }
    }
}

Test(text, utf8_has_as_many_characters_as_it_should)
{
    size_t with_two = 0, with_three = 0;
    for (unsigned n = 0; n < 0x1000000; n++) {
        const char bytes[3] = { (char)(n >> 16), (char)(n >> 8), (char)n };
        with_three += text_char_bytes(text_from(bytes, 3), 0) == 3;
        with_two += (n & 0xFF) == 0 && text_char_bytes(text_from(bytes, 3), 0) == 2;
    }
    cr_assert_eq(with_two, 0x800 - 0x80);
    cr_assert_eq(with_three, 0x10000 - 0x800 - 0x800);
}

Test(text, show)
{
    static const struct {
        struct wr_text text;
        size_t room;
        const char *shown;
    } cases[] = {
        { { "plain", 5 }, 32, "plain" },
        { { "", 0 }, 32, "" },
        { { "a\nb\tc", 5 }, 32, "a\\x0ab\\x09c" },
        { { "a\0b", 3 }, 32, "a\\x00b" },
        { { "\x7F", 1 }, 32, "\\x7f" },
        { { "\xC2\x9B", 2 }, 32, "\\xc2\\x9b" }, /* C1 steers terminals too */
        { { "\xC3\xBC\xFF", 3 }, 32, "\xC3\xBC\\xff" },
        { { "12345678", 8 }, 9, "12345678" },
        { { "123456789", 9 }, 9, "12345..." },
        { { "1234\n", 5 }, 8, "1234..." }, /* escapes are never cut within */
        { { "1234\xC3\xBC\xC3\xBC", 8 }, 8, "1234..." },
        { { "abc", 3 }, 3, ".." },
        { { "abc", 3 }, 1, "" },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char out[64];
        memset(out, '#', sizeof out);
        cr_assert_eq(text_show(cases[i].text, out, cases[i].room), out);
        cr_assert_str_eq(out, cases[i].shown, "case %zu: \"%s\"", i, out);
        cr_assert_eq(out[cases[i].room], '#', "case %zu wrote past its room", i);
    }
}

Test(text, hash_spreads)
{
    cr_assert_eq(text_hash(text_of("user.login.7")), text_hash(text_of("user.login.7")));
    cr_assert_neq(text_hash(BYTES("a\0b")), text_hash(BYTES("a\0c")));
    /* Keys that differ in one digit fill four lanes evenly by their low bits. */
    size_t lanes[4] = { 0 };
    for (int n = 0; n < 4000; n++) {
        char key[16];
        snprintf(key, sizeof key, "user%d", n);
        lanes[text_hash(text_of(key)) % 4]++;
    }
    for (int lane = 0; lane < 4; lane++)
        cr_assert(lanes[lane] > 850 && lanes[lane] < 1150, "%zu", lanes[lane]);
}

Test(text, nearest)
{
    static const char *const names[] = { "queue",  "handler", "prefetch", "max_message", "on",
                                         "listen", "url",     "urls",     NULL };
    static const struct {
        const char *word, *nearest;
    } cases[] = {
        { "queu", "queue" },
        { "qeueu", "queue" }, /* two swaps are two edits */
        { "QUEUE", "queue" }, /* case is no edit */
        { "max-message", "max_message" },
        { "prefetsch", "prefetch" },
        { "listne", "listen" },
        { "no", "on" },
        { "ur", "url" },
        { "urlss", "urls" },
        { "x", NULL },
        { "", NULL },
        { "zebra", NULL },
        { "handlebars", "handler" }, /* three of ten */
        { "consumers", NULL },
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const char *nearest = text_nearest(cases[i].word, names);
        cr_assert(cases[i].nearest ? nearest && strcmp(nearest, cases[i].nearest) == 0 : !nearest,
                  "\"%s\" gave %s", cases[i].word, nearest ? nearest : "nothing");
    }
}

Test(text, nearest_takes_words_of_any_length)
{
    char word[200];
    memset(word, 'a', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    const char *const names[] = { word, NULL };
    cr_assert_null(text_nearest(word, names));
    cr_assert_null(text_nearest(word, (const char *const[]){ "aaaa", NULL }));
    cr_assert_null(text_nearest("aaaa", names));
    word[64] = '\0';
    cr_assert_eq(text_nearest(word, names), word);
}
