/* SPDX-License-Identifier: Apache-2.0
 *
 * Header tables, good and bad. Tables lie in heap buffers of their exact size, so that a read past
 * the end is seen. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "amqp/codec.h"
#include "amqp/table.h"
#include "base/check.h"

struct bytes {
    char at[4096];
    size_t len;
};

static void add(struct bytes *bytes, const void *from, size_t len)
{
    memcpy(bytes->at + bytes->len, from, len);
    bytes->len += len;
}

#define ADD(bytes, literal) add(bytes, literal, sizeof(literal) - 1)

static struct wr_text exactly(const struct bytes *bytes)
{
    char *copy = malloc(bytes->len ? bytes->len : 1);
    memcpy(copy, bytes->at, bytes->len);
    return (struct wr_text){ copy, bytes->len };
}

static void every_kind(struct bytes *bytes)
{
    ADD(bytes, "\x04"
               "text"
               "S\0\0\0\x02"
               "hi");
    ADD(bytes, "\x05"
               "bytes"
               "x\0\0\0\x03"
               "a\0b");
    ADD(bytes, "\x03"
               "yes"
               "t\x01");
    ADD(bytes, "\x02"
               "i8"
               "b\xff");
    ADD(bytes, "\x02"
               "u8"
               "B\xff");
    ADD(bytes, "\x03"
               "i16"
               "s\xff\xfe");
    ADD(bytes, "\x03"
               "u16"
               "u\xff\xfe");
    ADD(bytes, "\x03"
               "i32"
               "I\xff\xff\xff\xfd");
    ADD(bytes, "\x03"
               "u32"
               "i\xff\xff\xff\xfd");
    ADD(bytes, "\x03"
               "i64"
               "l\x80\0\0\0\0\0\0\0");
    ADD(bytes, "\x03"
               "u64"
               "L\x7f\xff\xff\xff\xff\xff\xff\xff");
    ADD(bytes, "\x03"
               "big"
               "L\x80\0\0\0\0\0\0\0");
    ADD(bytes, "\x04"
               "time"
               "T\0\0\0\0\x65\x00\x00\x00");
    ADD(bytes, "\x03"
               "f32"
               "f\0\0\0\0");
    ADD(bytes, "\x03"
               "f64"
               "d\0\0\0\0\0\0\0\0");
    ADD(bytes, "\x03"
               "dec"
               "D\x02\0\0\x04\xb0"); /* 12.00 */
    ADD(bytes, "\x04"
               "frac"
               "D\x02\0\0\x04\xe2"); /* 12.50 */
    ADD(bytes, "\x04"
               "void"
               "V");
    ADD(bytes, "\x05"
               "array"
               "A\0\0\0\x05"
               "I\0\0\0\1");
    ADD(bytes, "\x05"
               "table"
               "F\0\0\0\x07"
               "\x01k"
               "t\x01"
               "\xff\xff\xff"); /* never looked into */
    ADD(bytes, "\x04"
               "last"
               "S\0\0\0\0");
}

Test(table, every_kind_is_read_or_passed_over)
{
    static const struct {
        const char *name;
        enum wr_kind kind;
        int64_t number;
    } wanted[] = {
        { "yes", WR_H_BOOL, 1 },         { "i8", WR_H_INT, -1 },
        { "u8", WR_H_INT, 255 },         { "i16", WR_H_INT, -2 },
        { "u16", WR_H_INT, 65534 },      { "i32", WR_H_INT, -3 },
        { "u32", WR_H_INT, 4294967293 }, { "i64", WR_H_INT, INT64_MIN },
        { "u64", WR_H_INT, INT64_MAX },  { "time", WR_H_INT, 0x65000000 },
        { "dec", WR_H_INT, 12 },
    };
    struct bytes bytes = { .len = 0 };
    every_kind(&bytes);
    struct wr_text table = exactly(&bytes);
    struct wr_pair pair;
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        cr_assert(table_find(table, wanted[i].name, &pair), "%s", wanted[i].name);
        cr_assert(pair.kind == wanted[i].kind && pair.number == wanted[i].number, "%s: %lld",
                  wanted[i].name, (long long)pair.number);
    }
    cr_assert(table_find(table, "text", &pair) && text_is(pair.text, "hi"));
    cr_assert(table_find(table, "bytes", &pair) && pair.text.len == 3 && pair.kind == WR_H_TEXT);
    cr_assert(table_find(table, "last", &pair) && pair.text.len == 0);
    static const char *const others[] = { "big",   "f32",   "f64", "frac", "void",
                                          "array", "table", "k",   "" };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        cr_assert(!table_find(table, others[i], &pair), "%s", others[i]);
    free((char *)(uintptr_t)table.at);
}

Test(table, the_first_of_a_name_is_found)
{
    struct bytes bytes = { .len = 0 };
    ADD(&bytes, "\x01"
                "a"
                "t\x01"
                "\x01"
                "a"
                "t\x00");
    struct wr_text table = exactly(&bytes);
    struct wr_pair pair;
    cr_assert(table_find(table, "a", &pair) && pair.number == 1);
    free((char *)(uintptr_t)table.at);
}

Test(table, damage_ends_the_walk_and_stays_inside)
{
    struct bytes whole = { .len = 0 };
    every_kind(&whole);
    for (size_t len = 0; len < whole.len; len++) {
        for (unsigned value = 0; value < 256; value += 5) {
            struct bytes cut = whole;
            cut.len = len + 1;
            cut.at[len] = (char)value;
            struct wr_text table = exactly(&cut);
            struct wr_pair pair;
            size_t at = 0;
            int steps = 0;
            while (table_next(table, &at, &pair)) {
                cr_assert(at <= table.len && ++steps < 100);
                cr_assert(pair.text.len <= table.len);
            }
            cr_assert(!table_next(table, &at, &pair), "it stays at its end");
            free((char *)(uintptr_t)table.at);
        }
    }
}

Test(table, lengths_that_lie_are_not_followed)
{
    static const struct wr_text lies[] = {
        WR_TEXT_OF("\xff"
                   "a"),
        WR_TEXT_OF("\x01"
                   "a"),
        WR_TEXT_OF("\x01"
                   "a"
                   "S\xff\xff\xff\xff"
                   "b"),
        WR_TEXT_OF("\x01"
                   "a"
                   "F\x7f\xff\xff\xff"
                   "b"),
        WR_TEXT_OF("\x01"
                   "a"
                   "A\0\0\0\x02"
                   "b"),
        WR_TEXT_OF("\x01"
                   "a"
                   "l\0\0\0"),
        WR_TEXT_OF("\x01"
                   "a"
                   "Z\0\0\0\0"),
        WR_TEXT_OF("\x01"
                   "a"
                   "\xe4\0\0\0\0"),
    };
    for (size_t i = 0; i < sizeof lies / sizeof *lies; i++) {
        struct bytes bytes = { .len = 0 };
        add(&bytes, lies[i].at, lies[i].len);
        struct wr_text table = exactly(&bytes);
        struct wr_pair pair;
        size_t at = 0;
        cr_assert(!table_next(table, &at, &pair), "%zu", i);
        free((char *)(uintptr_t)table.at);
    }
}
