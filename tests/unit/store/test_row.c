/* SPDX-License-Identifier: Apache-2.0
 *
 * Values: their bytes as PostgreSQL has them, how they are shown again, and what is refused. What a
 * server makes of them is for tests/integration/store_sql. */
#include <math.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "base/check.h"
#include "unit/store/stock.h"

static char memory[8192];
static struct arena arena;
static struct row *row;

static void begin(void)
{
    arena_init(&arena, memory, sizeof memory);
    row = row_new(&arena, 0, false, 1);
}

static void end(void)
{
    arena_reset(&arena);
}

TestSuite(row, .init = begin, .fini = end);

/* The value put last. */
static struct row_value last(void)
{
    struct row_value value = { NULL, -1 };
    uint32_t at = 0;
    for (unsigned i = 0; i < row->n; i++) value = row_next_value(row, &at);
    cr_assert_eq(at, row->bytes);
    return value;
}

static void expect_shown(enum wr_type type, const char *expected)
{
    const struct wr_text shown = row_show(&arena, type, last());
    cr_expect(text_is(shown, expected), "\"%.*s\" is not \"%s\"", TEXT_ARGS(shown), expected);
}

static void put(enum wr_type type, const char *text)
{
    const char *fault = "";
    cr_assert(stock_value(row, &arena, type, text_of(text), &fault), "\"%s\" %s", text, fault);
}

static void expect_bytes(const char *hex)
{
    const struct row_value value = last();
    cr_assert_eq((size_t)value.len * 2, strlen(hex), "%d bytes instead of %s", value.len, hex);
    for (int32_t i = 0; i < value.len; i++) {
        const char digits[] = { hex[2 * i], hex[2 * i + 1], 0 };
        cr_expect_eq((unsigned char)value.at[i], strtoul(digits, NULL, 16), "byte %d of %s", i,
                     hex);
    }
}

static void expect_refused(enum wr_type type, struct wr_text text, const char *expected)
{
    const char *fault = "";
    const unsigned n = row->n, bytes = row->bytes;
    cr_expect(!stock_value(row, &arena, type, text, &fault), "\"%.*s\" is taken", TEXT_ARGS(text));
    cr_expect_str_eq(fault, expected);
    cr_expect(row->n == n && row->bytes == bytes, "the row has changed");
}

Test(row, elements_follow_one_another)
{
    row_put_null(row, &arena);
    put(WR_INT2, "-2");
    put(WR_TEXT, "ab");
    cr_assert_eq(row->n, 3);
    cr_expect_eq(row->bytes, 4 + 6 + 6);
    cr_expect_arr_eq(row->values, "\xff\xff\xff\xff\0\0\0\2\xff\xfe\0\0\0\2ab", 16);
    uint32_t at = 0;
    const struct row_value null = row_next_value(row, &at);
    cr_expect(null.len == -1 && !null.at);
    cr_expect(text_is(row_show(&arena, WR_TEXT, null), "NULL"));
}

Test(row, it_grows)
{
    static char large[100000];
    memset(large, 'x', sizeof large);
    put(WR_INT8, "1");
    const char *fault;
    cr_assert(row_put_text(row, &arena, WR_TEXT, text_from(large, sizeof large), &fault));
    put(WR_INT8, "2");
    uint32_t at = 0;
    cr_expect_eq(wire_u64(row_next_value(row, &at).at), 1);
    const struct row_value text = row_next_value(row, &at);
    cr_expect(text.len == sizeof large && memcmp(text.at, large, sizeof large) == 0);
    cr_expect_eq(wire_u64(row_next_value(row, &at).at), 2);
}

/* ---- numbers ----------------------------------------------------------------------------------- */

Test(row, integers)
{
    static const struct {
        enum wr_type type;
        const char *text, *hex;
    } cases[] = {
        { WR_INT2, "-32768", "8000" },
        { WR_INT2, "32767", "7fff" },
        { WR_INT4, "-2147483648", "80000000" },
        { WR_INT4, "2147483647", "7fffffff" },
        { WR_INT8, "-9223372036854775808", "8000000000000000" },
        { WR_INT8, "258", "0000000000000102" },
        { WR_BOOL, "t", "01" },
        { WR_BOOL, "f", "00" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(cases[i].type, cases[i].text);
        expect_bytes(cases[i].hex);
        expect_shown(cases[i].type, cases[i].text);
    }
    expect_refused(WR_INT2, text_of("32768"), "is beyond the column's range");
    expect_refused(WR_INT2, text_of("-32769"), "is beyond the column's range");
    expect_refused(WR_INT4, text_of("2147483648"), "is beyond the column's range");
    expect_refused(WR_INT4, text_of("-2147483649"), "is beyond the column's range");
}

Test(row, floats_are_shown_as_psql_does)
{
    static const struct {
        double value;
        const char *shown;
    } cases[] = {
        { 0.1, "0.1" },
        { -0.0, "-0" },
        { 100000, "100000" },
        { 1e14, "100000000000000" },
        { 1e15, "1e+15" },
        { 123456789012345.6, "123456789012345.6" },
        { 0.0001, "0.0001" },
        { 0.00001234, "1.234e-05" },
        { 1.0 / 3, "0.3333333333333333" },
        { 5e-324, "5e-324" },
        { 1.7976931348623157e308, "1.7976931348623157e+308" },
        { INFINITY, "Infinity" },
        { -INFINITY, "-Infinity" },
        { NAN, "NaN" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        row_put_float(row, &arena, cases[i].value);
        expect_shown(WR_FLOAT8, cases[i].shown);
    }
}

Test(row, numerics)
{
    static const struct {
        const char *text, *hex, *shown;
    } cases[] = {
        /* n, weight, sign, decimals, digits */
        { "0", "0000000000000000", "0" },
        { "-0.00", "0000000000000002", "0.00" },
        { "1", "00010000000000000001", "1" },
        { "12.10", "0002000000000002000c03e8", "12.10" },
        { "-12345.678", "0003000140000003000109291a7c", "-12345.678" },
        { "10000", "00010001000000000001", "10000" },
        { "100000000.0001",
          "0004000200000004000100000000"
          "0001",
          "100000000.0001" },
        { "0.0001", "0001ffff000000040001", "0.0001" },
        { "0.00001", "0001fffe0000000503e8", "0.00001" },
        { ".5", "0001ffff000000011388", "0.5" },
        { "5.", "00010000000000000005", "5" },
        { "007", "00010000000000000007", "7" },
        { "+1.5e3", "000100000000000005dc", "1500" },
        { "1.5E-3", "0001ffff00000004000f", "0.0015" },
        { "12e-1",
          "00020000000000010001"
          "07d0",
          "1.2" },
        { " 3 ", "00010000000000000003", "3" },
        { "NaN", "00000000c0000000", "NaN" },
        { "Infinity", "00000000d0000000", "Infinity" },
        { "-inf", "00000000f0000000", "-Infinity" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(WR_NUMERIC, cases[i].text);
        expect_bytes(cases[i].hex);
        expect_shown(WR_NUMERIC, cases[i].shown);
    }
}

Test(row, numerics_refused)
{
    static const char *const bad[] = { "",    "-",   ".",   "1e", "1e+",   "1.2.3", "12,10",
                                       "0x1", "1 2", "--1", "e5", "1e5.0", "infin", "12a" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_refused(WR_NUMERIC, text_of(bad[i]), "is no number");
    expect_refused(WR_NUMERIC, text_of("1e131072"), "is beyond numeric's range");
    expect_refused(WR_NUMERIC, text_of("1e99999999999999999999"), "is beyond numeric's range");
    expect_refused(WR_NUMERIC, text_of("1e-16384"), "is beyond numeric's range");
    put(WR_NUMERIC, "1e131071");
    put(WR_NUMERIC, "1e-16383");
}

/* ---- times ------------------------------------------------------------------------------------- */

Test(row, times)
{
    static const struct {
        enum wr_type type;
        const char *text, *hex, *shown;
    } cases[] = {
        { WR_DATE, "10957", "00000000", "2000-01-01" },
        { WR_DATE, "-719162", "fff4dbf9", "0001-01-01" },
        { WR_DATE, "-719163", "fff4dbf8", "0001-12-31 BC" },
        { WR_DATE, "-2440588", "ffda97a7", "4714-11-24 BC" },
        { WR_DATE, "2145042905", "7fda970c", "5874897-12-31" },
        { WR_TIMESTAMP, "946684800000000", "0000000000000000", "2000-01-01 00:00:00" },
        { WR_TIMESTAMP, "-1", "fffca2fec4c81fff", "1969-12-31 23:59:59.999999" },
        { WR_TIMESTAMPTZ, "1767323045678000", "0002ea5f3ae8dd70", "2026-01-02 03:04:05.678+00" },
        { WR_TIMESTAMPTZ, "-210866803200000000", "fd0f7ac6e2ae4000", "4714-11-24 00:00:00+00 BC" },
        { WR_TIMESTAMP, "9223372036854775807", NULL, "294247-01-10 04:00:54.775807" },
        { WR_DATE, "11016", NULL, "2000-02-29" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(cases[i].type, cases[i].text);
        if (cases[i].hex && cases[i].type == WR_DATE) expect_bytes(cases[i].hex);
        expect_shown(cases[i].type, cases[i].shown);
    }
    put(WR_TIMESTAMP, "946684800000258");
    expect_bytes("0000000000000102");
    expect_refused(WR_DATE, text_of("-2440589"),
                   "is beyond PostgreSQL's dates, 4713 BC to 5874897");
    expect_refused(WR_DATE, text_of("2145042906"),
                   "is beyond PostgreSQL's dates, 4713 BC to 5874897");
    expect_refused(WR_TIMESTAMPTZ, text_of("-210866803200000001"),
                   "is before the year 4713 BC, where PostgreSQL's time begins");
}

/* ---- text and bytes ---------------------------------------------------------------------------- */

Test(row, texts)
{
    put(WR_TEXT, "");
    cr_expect_eq(last().len, 0);
    put(WR_TEXT, "gr\xc3\xbc\xc3\x9f");
    expect_shown(WR_TEXT, "gr\xc3\xbc\xc3\x9f");
    expect_refused(WR_TEXT, text_from("a\0b", 3), "holds a zero byte");
    expect_refused(WR_TEXT, text_of("\xc3"), "is not UTF-8");
    expect_refused(WR_TEXT, text_of("\xed\xa0\x80"), "is not UTF-8");
    const char *fault;
    cr_assert(row_put_text(row, &arena, WR_BYTEA, text_from("\0\xff\\", 3), &fault));
    expect_bytes("00ff5c");
    expect_shown(WR_BYTEA, "\\x00ff5c");
}

Test(row, uuids)
{
    static const char *const good[] = {
        "0194f0c8-7c1e-7a3b-9d2e-5f6071829304",    "0194F0C8-7C1E-7A3B-9D2E-5F6071829304",
        "0194f0c87c1e7a3b9d2e5f6071829304",        "{0194f0c8-7c1e-7a3b-9d2e-5f6071829304}",
        "0194-f0c8-7c1e-7a3b-9d2e-5f60-7182-9304",
    };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        put(WR_UUID, good[i]);
        expect_bytes("0194f0c87c1e7a3b9d2e5f6071829304");
        expect_shown(WR_UUID, good[0]);
    }
    static const char *const bad[] = {
        "",
        "{",
        "0194f0c8-7c1e-7a3b-9d2e-5f607182930",
        "0194f0c8-7c1e-7a3b-9d2e-5f60718293045",
        "0194f0c8-7c1e-7a3b-9d2e-5f607182930g",
        "0194f0c8--7c1e-7a3b-9d2e-5f6071829304",
        "0194f0c8-7c1e-7a3b-9d2e-5f6071829304-",
        "{0194f0c8-7c1e-7a3b-9d2e-5f6071829304",
        "01-94f0c8-7c1e-7a3b-9d2e-5f6071829304",
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_refused(WR_UUID, text_of(bad[i]),
                       "is no UUID such as 0194f0c8-7c1e-7a3b-9d2e-5f6071829304");
}

Test(row, inets)
{
    static const struct {
        const char *text, *hex, *shown;
    } cases[] = {
        { "10.1.2.3", "022000040a010203", "10.1.2.3" },
        { "10.1.2.3/8", "020800040a010203", "10.1.2.3/8" },
        { "0.0.0.0/0", "0200000400000000", "0.0.0.0/0" },
        { "10.1.2.3/32", "022000040a010203", "10.1.2.3" },
        { "::1", "0380001000000000000000000000000000000001", "::1" },
        { "2001:DB8::1/64", "0340001020010db8000000000000000000000001", "2001:db8::1/64" },
        { "::ffff:1.2.3.4", "0380001000000000000000000000ffff01020304", "::ffff:1.2.3.4" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        put(WR_INET, cases[i].text);
        expect_bytes(cases[i].hex);
        expect_shown(WR_INET, cases[i].shown);
    }
    static const char *const bad[] = { "",
                                       "10.1.2",
                                       "10.1.2.300",
                                       "10.1.2.3/33",
                                       "10.1.2.3/",
                                       "10.1.2.3/08",
                                       "::1/129",
                                       "fe80::1%eth0",
                                       "10.1.2.3 ",
                                       "/8",
                                       "host",
                                       "10.1.2.3/-1",
                                       "1:2:3:4:5:6:7:8:9" };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        expect_refused(WR_INET, text_of(bad[i]), "is no inet address");
    expect_refused(WR_INET, text_from("10.1.2.3\0", 9), "is no inet address");
}

Test(row, jsons)
{
    put(WR_JSONB, "{\"a\": [1, \"\\\\u0000\"]}");
    cr_expect_eq(last().at[0], 1);
    expect_shown(WR_JSONB, "{\"a\": [1, \"\\\\u0000\"]}");
    put(WR_JSONB, "null");
    expect_refused(WR_JSONB, text_of(""), "is no JSON");
    expect_refused(WR_JSONB, text_of("{\"a\":}"), "is no JSON");
    expect_refused(WR_JSONB, text_of("[1] 2"), "is no JSON");
    expect_refused(WR_JSONB, text_of("\"\xff\""), "is not UTF-8");
    expect_refused(WR_JSONB, text_from("1\0", 2), "holds a zero byte");
    expect_refused(WR_JSONB, text_of("[\"a\\u0000b\"]"), "holds \\u0000, which jsonb cannot");
    expect_refused(WR_JSONB, text_of("{\"\\\\\\u0000\":1}"), "holds \\u0000, which jsonb cannot");
}

/* How deep a document may be is the server's to say. */
Test(row, deep_json_is_left_to_the_server)
{
    char deep[2001];
    memset(deep, '[', 1000);
    memset(deep + 1000, ']', 1000);
    deep[2000] = '\0';
    put(WR_JSONB, deep);
    cr_expect_eq(last().len, 2001);
}

Test(row, arrays_are_literals)
{
    const char *fault;
    const struct wr_text texts[] = { text_of("plain"), text_of(""),      text_of("a b"),
                                     text_of("NuLL"),  text_of("q\"\\"), text_of("{,}") };
    cr_assert(row_put_texts(row, &arena, texts, 6, &fault));
    expect_shown(WR_TEXT_ARRAY, "{plain,\"\",\"a b\",\"NuLL\",\"q\\\"\\\\\",\"{,}\"}");
    cr_assert(row_put_texts(row, &arena, NULL, 0, &fault));
    expect_shown(WR_TEXT_ARRAY, "{}");
    cr_expect(!row_put_texts(row, &arena, (struct wr_text[]){ { "\xff", 1 } }, 1, &fault));
    cr_expect_str_eq(fault, "is not UTF-8");
    row_put_ints(row, &arena, (int64_t[]){ INT64_MIN, 0, INT64_MAX }, 3);
    expect_shown(WR_INT8_ARRAY, "{-9223372036854775808,0,9223372036854775807}");
    row_put_ints(row, &arena, NULL, 0);
    expect_shown(WR_INT8_ARRAY, "{}");
}

Test(row, types_are_known)
{
    cr_expect_null(row_type((enum wr_type)(WR_INT8_ARRAY + 1)));
    cr_expect_str_eq(row_type(WR_TIMESTAMPTZ)->name, "timestamp with time zone");
    cr_expect_eq(row_type(WR_TEXT_ARRAY)->sent_oid, 25);
    cr_expect_str_eq(row_type(WR_UUID)->put_name, "wr_put_uuid");
}
