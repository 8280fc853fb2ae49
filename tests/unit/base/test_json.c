/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking values, paths, and walking; what is JSON at all is in test_json_grammar.c. Documents lie in
 * heap buffers of their exact size, so that AddressSanitizer sees an over-read. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <criterion/criterion.h>

#include "base/json.h"

static struct json json;
static struct arena arena;
static char arena_bytes[256], *document;

static void open_text(struct wr_text text)
{
    free(document);
    document = malloc(text.len);
    memcpy(document, text.at, text.len);
    enum json_fault fault = json_open(&json, (struct wr_text){ document, text.len });
    cr_assert_eq(fault, JSON_OK, "%.*s: %s", TEXT_ARGS(text), json.why);
}

#define OPEN(literal) open_text(WR_TEXT_OF(literal))

static void set_up(void)
{
    arena_init(&arena, arena_bytes, sizeof arena_bytes);
}

static void tear_down(void)
{
    free(document);
    document = NULL;
    arena_reset(&arena);
}

TestSuite(json, .init = set_up, .fini = tear_down);

static void expect_text(const char *field, struct wr_text wanted)
{
    struct wr_text text;
    cr_expect_eq(json_text(&json, field, &arena, &text), JSON_OK, "%s", field);
    cr_expect(text_equal(text, wanted), "%s is \"%.*s\"", field, TEXT_ARGS(text));
}

static void expect_int(const char *field, int64_t wanted)
{
    int64_t number;
    cr_expect_eq(json_int(&json, field, &number), JSON_OK, "%s", field);
    cr_expect_eq(number, wanted, "%s is %lld", field, (long long)number);
}

static void expect_raw(const char *field, const char *wanted)
{
    struct wr_text source;
    cr_expect_eq(json_raw(&json, field, &source), JSON_OK, "%s", field);
    cr_expect(text_is(source, wanted), "%s is %.*s", field, TEXT_ARGS(source));
}

static void expect_words(enum json_fault fault, enum json_fault wanted, const char *words)
{
    char out[JSON_WORDS_BYTES];
    cr_expect_eq(fault, wanted, "%s: fault %d", words, fault);
    cr_expect_str_eq(json_words(&json, fault, out, sizeof out), words);
}

Test(json, a_message)
{
    OPEN("{\"event_id\":\"0190a0b0-7c3b-7a1e-9f42-0123456789ab\",\"user_id\":41377,"
         "\"kind\":\"login_ok\",\"price\":12.10,\"vip\":true,\"note\":null}");
    expect_text("event_id", WR_TEXT_OF("0190a0b0-7c3b-7a1e-9f42-0123456789ab"));
    expect_int("user_id", 41377);
    expect_text("kind", WR_TEXT_OF("login_ok"));
    expect_raw("price", "12.10");
    expect_raw("note", "null");
    expect_raw("kind", "\"login_ok\"");
    double price;
    cr_expect_eq(json_float(&json, "price", &price), JSON_OK);
    cr_expect_eq(price, 12.10);
    bool vip = false;
    cr_expect_eq(json_bool(&json, "vip", &vip), JSON_OK);
    cr_expect(vip);
    cr_expect(json_has(&json, "vip"));
    cr_expect_not(json_has(&json, "note"));
    cr_expect_not(json_has(&json, "nobody"));
    cr_expect_eq(json_kind(&json, "note"), JSON_IS_NULL);
    cr_expect_eq(json_kind(&json, "nobody"), JSON_IS_NOTHING);
}

/* Text without escapes is borrowed from the document, not copied. */
Test(json, text_is_borrowed)
{
    OPEN("{\"a\":\"b\xc3\xa9\",\"c\":\"d\\te\"}");
    struct wr_text text;
    cr_assert_eq(json_text(&json, "a", &arena, &text), JSON_OK);
    cr_expect_eq(text.at, document + 6);
    cr_expect_eq(text.len, 3);
    cr_assert_eq(json_text(&json, "c", &arena, &text), JSON_OK);
    cr_expect(text.at >= arena_bytes && text.at < arena_bytes + sizeof arena_bytes);
}

Test(json, escapes)
{
    OPEN("{\"all\":\"\\\"\\\\\\/\\b\\f\\n\\r\\t\",\"hex\":\"\\u0041\\u00E9\\u20ac\\uD83D\\ude00.\","
         "\"mixed\":\"\xc3\xa9\\u00e9\xe2\x82\xac\",\"top\":\"\\udbff\\udfff\",\"last\":"
         "\"\\uffff\"}");
    expect_text("all", WR_TEXT_OF("\"\\/\b\f\n\r\t"));
    expect_text("hex", WR_TEXT_OF("A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80."));
    expect_text("mixed", WR_TEXT_OF("\xc3\xa9\xc3\xa9\xe2\x82\xac"));
    expect_text("top", WR_TEXT_OF("\xf4\x8f\xbf\xbf"));
    expect_text("last", WR_TEXT_OF("\xef\xbf\xbf"));
}

Test(json, a_zero_byte_is_told_apart)
{
    OPEN("{\"a\":\"x\\u0000y\",\"b\":\"x\\\\u0000\"}");
    struct wr_text text;
    expect_words(json_text(&json, "a", &arena, &text), JSON_HOLDS_NUL,
                 "holds a zero byte (\\u0000)");
    cr_expect(text_equal(text, WR_TEXT_OF("x\0y")));
    expect_text("b", WR_TEXT_OF("x\\u0000"));
}

Test(json, integers)
{
    static const struct {
        const char *source;
        enum json_fault fault;
        int64_t number;
    } cases[] = {
        { "0", JSON_OK, 0 },
        { "-0", JSON_OK, 0 },
        { "7", JSON_OK, 7 },
        { "9007199254740993", JSON_OK, 9007199254740993 },
        { "9223372036854775807", JSON_OK, INT64_MAX },
        { "-9223372036854775808", JSON_OK, INT64_MIN },
        { "9223372036854775808", JSON_OUT_OF_RANGE, 0 },
        { "-9223372036854775809", JSON_OUT_OF_RANGE, 0 },
        { "18446744073709551616", JSON_OUT_OF_RANGE, 0 },
        { "18446744073709551617", JSON_OUT_OF_RANGE, 0 },
        { "123456789012345678901234567890", JSON_OUT_OF_RANGE, 0 },
        { "1.0", JSON_WRONG_KIND, 0 },
        { "1e3", JSON_WRONG_KIND, 0 },
        { "1E3", JSON_WRONG_KIND, 0 },
        { "-0.0", JSON_WRONG_KIND, 0 },
        { "123456789012345678901234567890.5", JSON_WRONG_KIND, 0 },
        { "null", JSON_UNSET, 0 },
        { "\"7\"", JSON_WRONG_KIND, 0 },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t number = 99;
        open_text(text_of(cases[i].source)); /* the document's last byte is the number's */
        cr_expect_eq(json_int(&json, "", &number), cases[i].fault, "%s", cases[i].source);
        cr_expect_eq(number, cases[i].number, "%s gave %lld", cases[i].source, (long long)number);
    }
}

static void expect_float(struct wr_text source, double wanted)
{
    double number = 99;
    open_text(source);
    cr_expect_eq(json_float(&json, "", &number), JSON_OK, "%.40s", source.at);
    cr_expect(number == wanted && signbit(number) == signbit(wanted), "%.40s gave %a, not %a",
              source.at, number, wanted);
}

Test(json, doubles_are_the_nearest)
{
    expect_float(WR_TEXT_OF("0"), 0.0);
    expect_float(WR_TEXT_OF("-0"), -0.0);
    expect_float(WR_TEXT_OF("-0.0e5"), -0.0);
    expect_float(WR_TEXT_OF("0e999999999999999999999999"), 0.0);
    expect_float(WR_TEXT_OF("42"), 42.0);
    expect_float(WR_TEXT_OF("-1.25E+2"), -125.0);
    expect_float(WR_TEXT_OF("0.1"), 0.1);
    expect_float(WR_TEXT_OF("0.000123e3"), 0.123);
    expect_float(WR_TEXT_OF("100e-2"), 1.0);
    expect_float(WR_TEXT_OF("9007199254740993"), 9007199254740992.0);
    expect_float(WR_TEXT_OF("9007199254740993.0000000000000000000000000001"), 9007199254740994.0);
    expect_float(WR_TEXT_OF("1.7976931348623157e308"), 0x1.fffffffffffffp1023);
    expect_float(WR_TEXT_OF("2.2250738585072011e-308"), 0x0.fffffffffffffp-1022);
    expect_float(WR_TEXT_OF("4.9e-324"), 0x1p-1074);
    expect_float(WR_TEXT_OF("1e-400"), 0.0);
    expect_float(WR_TEXT_OF("-1e-99999999999999999999999"), -0.0);
    expect_float(WR_TEXT_OF("123456789012345678901234567890"), 123456789012345678901234567890.0);
}

/* 2^53 + 1 lies between two doubles, and is rounded to the even one below. A thousand zeros later a
 * last digit must still lift it; so must one before the point. */
Test(json, doubles_of_very_many_digits)
{
    char source[4096];
    int len = snprintf(source, sizeof source, "9007199254740993.%01000d", 0);
    expect_float(text_from(source, (size_t)len), 9007199254740992.0);
    source[len - 1] = '1';
    expect_float(text_from(source, (size_t)len), 9007199254740994.0);
    len = snprintf(source, sizeof source, "9007199254740993%01500de-1500", 1);
    expect_float(text_from(source, (size_t)len), 9007199254740994.0);
    len = snprintf(source, sizeof source, "0.%01500d5e1501", 0);
    expect_float(text_from(source, (size_t)len), 5.0);
}

Test(json, doubles_out_of_range)
{
    static const char *const sources[] = { "1e309", "-1.7976931348623159e308",
                                           "1e99999999999999999999999999" };
    for (size_t i = 0; i < 3; i++) {
        double number = 99;
        open_text(text_of(sources[i]));
        expect_words(json_float(&json, "", &number), JSON_OUT_OF_RANGE, "is too large for 64 bits");
        cr_expect_eq(number, 0);
    }
}

Test(json, faults_in_words)
{
    OPEN("{\"t\":\"x\",\"n\":null,\"i\":1,\"f\":1.5,\"b\":true,\"a\":[],\"o\":{}}");
    struct wr_text text;
    int64_t integer;
    double number;
    bool is_true;
    size_t n;
    expect_words(json_int(&json, "x", &integer), JSON_MISSING, "is missing");
    expect_words(json_int(&json, "t", &integer), JSON_WRONG_KIND,
                 "is text, an integer was expected");
    expect_words(json_int(&json, "f", &integer), JSON_WRONG_KIND,
                 "is a fractional number, an integer was expected");
    expect_words(json_int(&json, "n", &integer), JSON_UNSET, "is null, an integer was expected");
    expect_words(json_text(&json, "i", &arena, &text), JSON_WRONG_KIND,
                 "is an integer, text was expected");
    cr_expect(text_is(text, ""));
    expect_words(json_float(&json, "b", &number), JSON_WRONG_KIND,
                 "is true or false, a number was expected");
    expect_words(json_bool(&json, "a", &is_true), JSON_WRONG_KIND,
                 "is an array, true or false was expected");
    expect_words(json_count(&json, "t", &n), JSON_WRONG_KIND,
                 "is text, an array or an object was expected");
    expect_words(json_enter(&json, "n", 0, &arena, NULL), JSON_UNSET,
                 "is null, an array or an object was expected");
    expect_words(json_text(&json, "o", &arena, &text), JSON_WRONG_KIND,
                 "is an object, text was expected");
    expect_words(json_enter(&json, "o", 0, &arena, NULL), JSON_PAST_END, "has no such entry");
}

Test(json, names)
{
    OPEN("{\"a\":1,\"a\":2,\"b\\u0063\":3,\"bc\":4,\"\\ud83d\\ude00\":5,\"z\\u0000\":6,\"\":7,"
         "\"z\":8,\"q\\\"\":9,\"bcd\":10}");
    expect_int("a", 1);
    expect_int("bc", 3); /* compared unescaped, and the first wins */
    expect_int("\xf0\x9f\x98\x80", 5);
    expect_int("z", 8);
    expect_int("q\"", 9);
    expect_int("bcd", 10);
    expect_int("a", 1); /* backwards too */
    cr_expect_eq(json_kind(&json, "b"), JSON_IS_NOTHING);
    cr_expect_eq(json_kind(&json, "b\\u0063"), JSON_IS_NOTHING);
    cr_expect_eq(json_kind(&json, ""), JSON_IS_OBJECT);
}

/* As long, and with the same ends: the quick look at a name takes them for one another. */
Test(json, names_that_are_alike)
{
    OPEN("{\"a_1_z\":1,\"a_2_z\":2,\"a\\u005f3_z\":3,\"a_3_z\":4}");
    expect_int("a_1_z", 1);
    expect_int("a_2_z", 2);
    expect_int("a_3_z", 3);
    cr_expect_eq(json_kind(&json, "a_4_z"), JSON_IS_NOTHING);
}

Test(json, kinds_of_numbers)
{
    OPEN("{\"i\":-12,\"f\":1.0,\"e\":1e3,\"after\":7,\"s\":\"\\n\",\"then\":8,\"in\":{\"f\":2.5,"
         "\"i\":9}}");
    cr_expect_eq(json_kind(&json, "i"), JSON_IS_INT);
    cr_expect_eq(json_kind(&json, "f"), JSON_IS_FLOAT);
    cr_expect_eq(json_kind(&json, "e"), JSON_IS_FLOAT);
    cr_expect_eq(json_kind(&json, "after"), JSON_IS_INT);
    cr_expect_eq(json_kind(&json, "then"), JSON_IS_INT);
    cr_expect_eq(json_kind(&json, "in.f"), JSON_IS_FLOAT);
    cr_expect_eq(json_kind(&json, "in.i"), JSON_IS_INT);
}

Test(json, paths)
{
    OPEN("{\"a\":{\"b\":{\"c\":1,\"\":2},\"b.c\":3},\"items\":[{\"sku\":\"x\"},{\"sku\":\"y\"},[5,"
         "6]],"
         "\"x.y\":4,\"x\":{\"y\":5},\"0\":6,\"n\":null,\"e\":{\"\":7},\"k\":{\"10\":8}}");
    expect_int("a.b.c", 3); /* all that is left is tried as one name first */
    expect_int("x.y", 4);
    expect_int("a.b.", 2);
    expect_int("e.", 7);
    expect_int("0", 6);
    expect_int("k.10", 8);
    expect_text("items.0.sku", WR_TEXT_OF("x"));
    expect_text("items.1.sku", WR_TEXT_OF("y"));
    expect_int("items.2.1", 6);
    expect_raw("items.2", "[5,6]");
    static const char *const missing[] = {
        "items.3", "items.00",    "items.01.sku",  "items.-1",
        "items.",  "items.sku",   "a.x",           "a.b.c.d",
        "n.x",     ".",           "a..b",          "items.99999999999",
        "x.y.z",   "items.2.1.0", "items.0.sku.0", "items.18446744073709551616",
    };
    for (size_t i = 0; i < sizeof missing / sizeof *missing; i++)
        cr_expect_eq(json_kind(&json, missing[i]), JSON_IS_NOTHING, "%s", missing[i]);
}

Test(json, a_document_that_is_no_object)
{
    OPEN("[[1,2],\"x\"]");
    expect_int("0.1", 2);
    expect_text("1", WR_TEXT_OF("x"));
    OPEN("\"only\"");
    expect_text("", WR_TEXT_OF("only"));
    cr_expect_eq(json_kind(&json, "a"), JSON_IS_NOTHING);
}

/* More fields than the index holds: the rest is scanned for, and first still wins. */
Test(json, wide_objects)
{
    char text[16384];
    int n = snprintf(text, sizeof text, "{\"o\":{");
    for (int i = 0; i < 200; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "\"f%d\" : %d, ", i, i);
    n += snprintf(text + n, sizeof text - (size_t)n, "\"f3\":-1,\"f150\":-2},");
    for (int i = 0; i < 200; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, "\"f%d\" : %d, ", i, i);
    n += snprintf(text + n, sizeof text - (size_t)n, "\"f3\":-1,\"f150\":-2}");
    open_text(text_from(text, (size_t)n));
    for (int round = 0; round < 2; round++) { /* the document, then an entered object */
        for (int i = 199; i >= 0; i--) {
            char name[16];
            snprintf(name, sizeof name, "f%d", i);
            expect_int(name, i);
        }
        cr_expect_eq(json_kind(&json, "f200"), JSON_IS_NOTHING);
        if (round == 0) cr_assert_eq(json_enter(&json, "", 0, &arena, NULL), JSON_OK);
    }
}

Test(json, walking_an_array)
{
    OPEN("{\"items\":[{\"n\":1,\"deep\":[1,[2]]},{\"n\":2},3,\"four\",[5]],\"after\":9}");
    size_t n;
    cr_expect_eq(json_count(&json, "items", &n), JSON_OK);
    cr_expect_eq(n, 5);
    struct wr_text key = WR_TEXT_OF("unset");
    cr_assert_eq(json_enter(&json, "items", 0, &arena, &key), JSON_OK);
    cr_expect(text_is(key, ""));
    expect_int("n", 1);
    expect_int("deep.1.0", 2);
    cr_expect_eq(json_kind(&json, "after"), JSON_IS_NOTHING); /* only what is inside is seen */
    cr_expect(json_leave(&json));
    expect_int("after", 9);
    cr_assert_eq(json_enter(&json, "items", 1, &arena, NULL), JSON_OK);
    expect_int("n", 2);
    cr_expect(json_leave(&json));
    cr_assert_eq(json_enter(&json, "items", 2, &arena, NULL), JSON_OK);
    expect_int("", 3);
    cr_expect_eq(json_kind(&json, "n"), JSON_IS_NOTHING);
    cr_expect(json_leave(&json));
    cr_assert_eq(json_enter(&json, "items", 4, &arena, NULL), JSON_OK);
    expect_raw("", "[5]");
    cr_assert_eq(json_enter(&json, "", 0, &arena, NULL), JSON_OK);
    expect_int("", 5);
    cr_expect(json_leave(&json));
    cr_expect(json_leave(&json));
    cr_expect_eq(json_enter(&json, "items", 5, &arena, NULL), JSON_PAST_END);
    cr_assert_eq(json_enter(&json, "items", 3, &arena, NULL), JSON_OK); /* and back */
    expect_text("", WR_TEXT_OF("four"));
    cr_expect(json_leave(&json));
    cr_expect_not(json_leave(&json));
    expect_int("after", 9);
}

Test(json, walking_an_object)
{
    OPEN("{ \"a\" : 1 , \"b\\n\" : [ ] , \"a\" : {\"x\":2} , \"\\u0000\" : null }");
    static const struct wr_text names[] = { { "a", 1 }, { "b\n", 2 }, { "a", 1 }, { "\0", 1 } };
    static const char *const sources[] = { "1", "[ ]", "{\"x\":2}", "null" };
    size_t i = 0, n;
    struct wr_text key;
    for (; json_enter(&json, "", i, &arena, &key) == JSON_OK; json_leave(&json), i++) {
        cr_assert_lt(i, 4);
        cr_expect(text_equal(key, names[i]), "%zu is \"%.*s\"", i, TEXT_ARGS(key));
        expect_raw("", sources[i]);
    }
    cr_expect_eq(i, 4);
    cr_expect_eq(json_count(&json, "", &n), JSON_OK);
    cr_expect_eq(n, 4); /* as written: both of one name */
    cr_expect_eq(json_enter(&json, "b\n", 0, &arena, NULL), JSON_PAST_END);
}

/* Two lists in turns, an object asked and not asked before leaving, indexes shared by levels. */
Test(json, walking_in_turns)
{
    OPEN("{\"a\":[{\"v\":1,\"l\":[{\"w\":2},{\"w\":3}]},{\"v\":4,\"l\":[{\"w\":5}]}],"
         "\"b\":[6,7,8],\"end\":10}");
    int64_t wanted[] = { 1, 2, 3, 6, 4, 5, 7 };
    size_t at = 0;
    for (size_t i = 0; json_enter(&json, "a", i, &arena, NULL) == JSON_OK; i++) {
        expect_int("v", wanted[at++]);
        for (size_t k = 0; json_enter(&json, "l", k, &arena, NULL) == JSON_OK; k++) {
            expect_int("w", wanted[at++]);
            cr_expect(json_leave(&json));
        }
        cr_expect(json_leave(&json));
        cr_assert_eq(json_enter(&json, "b", i, &arena, NULL), JSON_OK);
        expect_int("", wanted[at++]);
        cr_expect(json_leave(&json));
        expect_int("end", 10);
    }
    cr_expect_eq(at, 7);
}

Test(json, walking_down_to_the_bound)
{
    char text[2 * JSON_DEPTH_MAX];
    memset(text, '[', JSON_DEPTH_MAX);
    memset(text + JSON_DEPTH_MAX, ']', JSON_DEPTH_MAX);
    open_text(text_from(text, sizeof text));
    size_t depth = 0;
    while (json_enter(&json, "", 0, &arena, NULL) == JSON_OK) depth++;
    cr_expect_eq(depth, JSON_DEPTH_MAX - 1);
    while (json_leave(&json)) depth--;
    cr_expect_eq(depth, 0);
    /* Objects in objects use up the index and go on without it. */
    char nested[JSON_DEPTH_MAX * 64];
    size_t len = 0;
    for (int i = 0; i < JSON_DEPTH_MAX; i++)
        len += (size_t)snprintf(nested + len, sizeof nested - len,
                                "{\"p\":0,\"q\":%d,\"r\":1,\"d\":", i);
    len += (size_t)snprintf(nested + len, sizeof nested - len, "\"x\"");
    memset(nested + len, '}', JSON_DEPTH_MAX);
    open_text(text_from(nested, len + JSON_DEPTH_MAX));
    for (int i = 0; i < JSON_DEPTH_MAX; i++) {
        expect_int("q", i);
        cr_assert_eq(json_enter(&json, "", 3, &arena, NULL), JSON_OK);
    }
    expect_text("", WR_TEXT_OF("x"));
    for (int i = JSON_DEPTH_MAX - 1; i >= 0; i--) {
        cr_expect(json_leave(&json));
        expect_int("q", i);
    }
}

Test(json, another_document)
{
    OPEN("{\"a\":[{\"b\":1}]}");
    cr_assert_eq(json_enter(&json, "a", 0, &arena, NULL), JSON_OK);
    OPEN("{\"b\":[2,3]}");
    expect_int("b.1", 3);
    cr_expect_not(json_leave(&json));
    cr_assert_eq(json_enter(&json, "b", 0, &arena, NULL), JSON_OK);
    expect_int("", 2);
}

static double walk_seconds(size_t n, bool is_asked)
{
    static const char entry[] = "{\"v\":[1,2,3],\"w\":\"abc\"},";
    size_t len = 6;
    char *text = malloc(len + n * (sizeof entry - 1) + 32);
    memcpy(text, "{\"a\":[", len);
    for (size_t i = 0; i < n; i++, len += sizeof entry - 1)
        memcpy(text + len, entry, sizeof entry - 1);
    memcpy(text + len - 1, "]}", 2); /* over the last comma */
    open_text(text_from(text, len + 1));
    free(text);
    struct timespec begun, ended;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &begun);
    size_t i = 0;
    for (; json_enter(&json, "a", i, &arena, NULL) == JSON_OK; json_leave(&json), i++)
        if (is_asked) expect_int("v.2", 3);
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
    cr_expect_eq(i, n);
    return (double)(ended.tv_sec - begun.tv_sec) + 1e-9 * (double)(ended.tv_nsec - begun.tv_nsec);
}

/* One pass: a quadratic walk over this many entries would take minutes. */
Test(json, walking_costs_one_pass)
{
    cr_expect_lt(walk_seconds(100000, false), 5.0);
    cr_expect_lt(walk_seconds(100000, true), 5.0);
}

Test(json, nothing_opened)
{
    static struct json unopened;
    int64_t number;
    char words[JSON_WORDS_BYTES];
    cr_expect_eq(json_int(&unopened, "a", &number), JSON_NOT_JSON);
    cr_expect_str_eq(json_words(&unopened, JSON_NOT_JSON, words, sizeof words),
                     "is not JSON: at byte 0: it was not opened");
}
