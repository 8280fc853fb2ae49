/* SPDX-License-Identifier: Apache-2.0
 *
 * What is JSON and what is not: one line a case, in the spirit of JSONTestSuite. `y` must be
 * accepted, `n` refused, `i` is left open by RFC 8259: there the line shows what was decided.
 * Documents lie at the very end of heap blocks, so that AddressSanitizer sees an over-read. */
#include <stdio.h>
#include <stdlib.h>

#include <criterion/criterion.h>

#include "base/json.h"

struct grammar_case {
    char rule; /* y, n, i */
    bool is_accepted;
    struct wr_text document;
    size_t why_at;   /* refused: the fault's offset */
    const char *why; /* refused: a part of its words */
};

#define YES(text) { 'y', true, { text, sizeof text - 1 }, 0, NULL }
#define NO(text, at, why) { 'n', false, { text, sizeof text - 1 }, at, why }
#define OPEN_YES(text) { 'i', true, { text, sizeof text - 1 }, 0, NULL }
#define OPEN_NO(text, at, why) { 'i', false, { text, sizeof text - 1 }, at, why }

#define VALUE "a value was expected"
#define DIGIT "a digit was expected"
#define COMMA_ARRAY "a comma or ]"
#define COMMA_OBJECT "a comma or }"
#define UNENDED "the text does not end"
#define CONTROL "must be escaped"
#define HALF "half of a surrogate"
#define UTF8 "not UTF-8"
#define AFTER "stands after its end"
#define ZERO "must not begin with 0"

static const struct grammar_case cases[] = {
    /* documents */
    YES("{}"),
    YES("[]"),
    YES("0"),
    YES("-0"),
    YES("\"\""),
    YES("null"),
    YES("true"),
    YES("false"),
    YES(" \t\r\n1 \t\r\n"),
    YES("[[]]"),
    YES("[{},[],\"\",0,null]"),
    YES("{\"a\":{\"b\":[]}}"),
    YES("{ \"a\" : 1 , \"b\" : [ 1 , 2 ] }"),
    YES("{\"\":0}"),
    YES("{\"a\":1,\"a\":2}"),
    NO("", 0, "empty"),
    NO(" ", 1, "empty"),
    NO("\n\t \r", 4, "empty"),
    NO("\f1", 0, VALUE),
    NO("\xc2\xa0"
       "1",
       0, VALUE),
    NO("1 2", 2, AFTER),
    NO("{}}", 2, AFTER),
    NO("[]]", 2, AFTER),
    NO("1,", 1, AFTER),
    NO("nullx", 4, AFTER),
    NO("\"a\"b", 3, AFTER),
    NO("{} //", 3, AFTER),
    NO("/**/1", 0, VALUE),
    NO("#", 0, VALUE),
    NO("1\0", 1, AFTER),
    NO("\0", 0, VALUE),
    OPEN_NO("\xef\xbb\xbf{}", 0, "byte order mark"),
    OPEN_NO("\xef\xbb", 0, VALUE),
    OPEN_NO("\xff\xfe{\0}\0", 0, VALUE),
    OPEN_NO("\0{\0}", 0, VALUE),
    /* words */
    NO("nul", 0, VALUE),
    NO("tru", 0, VALUE),
    NO("True", 0, VALUE),
    NO("FALSE", 0, VALUE),
    NO("nan", 0, VALUE),
    NO("NaN", 0, VALUE),
    NO("Infinity", 0, VALUE),
    NO("undefined", 0, VALUE),
    NO("'a'", 0, VALUE),
    NO("a", 0, VALUE),
    NO("[n", 1, VALUE),
    NO("[fals", 1, VALUE),
    /* arrays */
    YES("[1,2,3]"),
    YES("[ ]"),
    YES("[[[[[]]]]]"),
    YES("[\n1\n,\n2\n]"),
    NO("[", 1, VALUE),
    NO("[1", 2, COMMA_ARRAY),
    NO("[1,", 3, VALUE),
    NO("[1,]", 3, VALUE),
    NO("[,1]", 1, VALUE),
    NO("[1,,2]", 3, VALUE),
    NO("[1 2]", 3, COMMA_ARRAY),
    NO("]", 0, VALUE),
    NO("[1}", 2, COMMA_ARRAY),
    NO("[\"a\":1]", 4, COMMA_ARRAY),
    NO("[1:2]", 2, COMMA_ARRAY),
    NO("[[]", 3, COMMA_ARRAY),
    NO("[\0]", 1, VALUE),
    NO("[1\0]", 2, COMMA_ARRAY),
    /* objects */
    YES("{\"a\":1}"),
    YES("{ }"),
    YES("{\"a\\u0000b\":1}"),
    YES("{\"\xc3\xa9\":1}"),
    NO("{", 1, "name was expected"),
    NO("{\"a\"", 4, "colon"),
    NO("{\"a\":", 5, VALUE),
    NO("{\"a\":1", 6, COMMA_OBJECT),
    NO("{\"a\":1,", 7, "name was expected"),
    NO("{\"a\":1,}", 7, "name was expected"),
    NO("{,}", 1, "name was expected"),
    NO("{a:1}", 1, "name was expected"),
    NO("{1:1}", 1, "name was expected"),
    NO("{'a':1}", 1, "name was expected"),
    NO("{\"a\" 1}", 5, "colon"),
    NO("{\"a\"::1}", 5, VALUE),
    NO("{\"a\",1}", 4, "colon"),
    NO("{\"a\":}", 5, VALUE),
    NO("{\"a\":1 \"b\":2}", 7, COMMA_OBJECT),
    NO("{\"a\":1]", 6, COMMA_OBJECT),
    NO("{\"a\":1,,\"b\":2}", 7, "name was expected"),
    NO("}", 0, VALUE),
    NO("{\"a", 3, UNENDED),
    NO("{null:1}", 1, "name was expected"),
    NO("{\"a\":a}", 5, VALUE),
    /* numbers */
    YES("10"),
    YES("-10"),
    YES("0.0"),
    YES("-0.0"),
    YES("1.5"),
    YES("1e5"),
    YES("1E5"),
    YES("1e+5"),
    YES("1e-5"),
    YES("0e0"),
    YES("0.5e-10"),
    YES("-1.25E+2"),
    YES("1e05"),
    YES("123456789012345678"),
    NO("-", 1, DIGIT),
    NO("+1", 0, VALUE),
    NO(".5", 0, VALUE),
    NO("-.5", 1, DIGIT),
    NO("1.", 2, DIGIT),
    NO("1.e5", 2, DIGIT),
    NO("1e", 2, DIGIT),
    NO("1e+", 3, DIGIT),
    NO("1e-", 3, DIGIT),
    NO("[1e]", 3, DIGIT),
    NO("1e5.5", 3, AFTER),
    NO("01", 0, ZERO),
    NO("-01", 1, ZERO),
    NO("00", 0, ZERO),
    NO("012.5", 0, ZERO),
    NO("0x10", 1, AFTER),
    NO("1_000", 1, AFTER),
    NO("1a", 1, AFTER),
    NO("--1", 1, DIGIT),
    NO("- 1", 1, DIGIT),
    NO("1 000", 2, AFTER),
    NO("1.2.3", 3, AFTER),
    NO("-Infinity", 1, DIGIT),
    NO("[-]", 2, DIGIT),
    NO("[1.]", 3, DIGIT),
    NO("0e", 2, DIGIT),
    NO("\xef\xbc\x91", 0, VALUE),
    OPEN_YES("1e999999999999999999999"),
    OPEN_YES("-1e400"),
    OPEN_YES("1e-400"),
    OPEN_YES("123456789012345678901234567890"),
    OPEN_YES("-9223372036854775809"),
    OPEN_YES(
        "0.4e00669999999999999999999999999999999999999999999999999999999999999999999969999999006"),
    /* text */
    YES("\"abc\""),
    YES("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""),
    YES("\"\\u0041\\u00e9\\u20AC\""),
    YES("\"\x7f\""),
    YES("\"\\u0000\""),
    YES("\"\\ud83d\\ude00\""),
    YES("\"\\uDBFF\\uDFFF\""),
    YES("\"\\uFFFF\\uFDD0\""),
    YES("\"\xc2\x80\xdf\xbf\""),
    YES("\"\xe0\xa0\x80\xef\xbf\xbf\""),
    YES("\"\xed\x9f\xbf\xee\x80\x80\""),
    YES("\"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf\""),
    YES("\"\xe2\x80\xa8\xe2\x80\xa9\""),
    YES("\"\xef\xbb\xbf\""),
    YES("\"1234567\""),
    YES("\"12345678\""),
    YES("\"123456789abcdef\\n\""),
    YES("\"//\""),
    YES("\"\\\\u0000\""),
    NO("\"", 1, UNENDED),
    NO("\"abc", 4, UNENDED),
    NO("\"abcdefgh", 9, UNENDED),
    NO("\"\\", 2, UNENDED),
    NO("\"\\\"", 3, UNENDED),
    NO("\"\\x41\"", 1, "does not exist"),
    NO("\"\\a\"", 1, "does not exist"),
    NO("\"\\U0041\"", 1, "does not exist"),
    NO("\"\\'\"", 1, "does not exist"),
    NO("\"\\\0\"", 1, "does not exist"),
    NO("\"\\\n\"", 1, "does not exist"),
    NO("\"\\\xc3\xa9\"", 1, "does not exist"),
    NO("\"\\u\"", 1, "four"),
    NO("\"\\u004\"", 1, "four"),
    NO("\"\\u00g0\"", 1, "four"),
    NO("\"\\u 041\"", 1, "four"),
    NO("\"\\u+041\"", 1, "four"),
    NO("\"\\u00", 1, "four"),
    NO("\"\\u\0\0\0\0\"", 1, "four"),
    NO("\"\n\"", 1, CONTROL),
    NO("\"\t\"", 1, CONTROL),
    NO("\"\0\"", 1, CONTROL),
    NO("\"\x1f\"", 1, CONTROL),
    NO("\"abcdefg\x01\"", 8, CONTROL),
    NO("\"abcdefghi\r\"", 10, CONTROL),
    OPEN_NO("\"\\ud800\"", 1, HALF),
    OPEN_NO("\"\\udc00\"", 1, HALF),
    OPEN_NO("\"\\udfff\\ud800\"", 1, HALF),
    OPEN_NO("\"\\udc00\\udc00\"", 1, HALF),
    OPEN_NO("\"\\ud800\\ud800\"", 1, HALF),
    OPEN_NO("\"\\ud800\\u0041\"", 1, HALF),
    OPEN_NO("\"\\ud800a\"", 1, HALF),
    OPEN_NO("\"\\ud800\\n12345\"", 1, HALF),
    OPEN_NO("\"\\ud83d\\ude0\"", 1, HALF),
    OPEN_NO("\"\\ud83d\\ue000\"", 1, HALF),
    OPEN_NO("\"\\ud800\\u", 1, HALF),
    OPEN_NO("\"\\uD834\\xDD1E..\"", 1, HALF),
    OPEN_NO("\"\x80\"", 1, UTF8),
    OPEN_NO("\"\xbf\"", 1, UTF8),
    OPEN_NO("\"\xc3\"", 1, UTF8),
    OPEN_NO("\"\xc3(\"", 1, UTF8),
    OPEN_NO("\"\xc0\x80\"", 1, UTF8),
    OPEN_NO("\"\xc1\xbf\"", 1, UTF8),
    OPEN_NO("\"\xe0\x80\x80\"", 1, UTF8),
    OPEN_NO("\"\xe0\x9f\xbf\"", 1, UTF8),
    OPEN_NO("\"\xf0\x8f\xbf\xbf\"", 1, UTF8),
    OPEN_NO("\"\xed\xa0\x80\"", 1, UTF8),
    OPEN_NO("\"\xed\xbf\xbf\"", 1, UTF8),
    OPEN_NO("\"\xf4\x90\x80\x80\"", 1, UTF8),
    OPEN_NO("\"\xf5\x80\x80\x80\"", 1, UTF8),
    OPEN_NO("\"\xff\"", 1, UTF8),
    OPEN_NO("\"\xe2\x82\"", 1, UTF8),
    OPEN_NO("\"\xe2\x28\xa1\"", 1, UTF8),
    OPEN_NO("\"\xf0\x9f\x98\"", 1, UTF8),
    OPEN_NO("\"\xf0\x9f\x98", 1, UTF8),
    OPEN_NO("\"\xe2\x82", 1, UTF8),
    OPEN_NO("\"\xc3", 1, UTF8),
    OPEN_NO("\"abcdefgh\xe9\"", 9, UTF8),
    OPEN_NO("{\"\xff\":1}", 2, UTF8),
};

static enum json_fault open_exact(struct json *json, struct wr_text document, char **held)
{
    *held = malloc(document.len + 1);
    memcpy(*held + 1, document.at, document.len);
    return json_open(json, (struct wr_text){ *held + 1, document.len });
}

Test(json_grammar, table)
{
    static struct json json;
    char words[JSON_WORDS_BYTES], shown[256], *held;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const struct grammar_case *this = &cases[i];
        text_show(this->document, shown, sizeof shown);
        bool is_accepted = open_exact(&json, this->document, &held) == JSON_OK;
        free(held);
        json_words(&json, JSON_NOT_JSON, words, sizeof words);
        cr_expect_eq(is_accepted, this->is_accepted, "%c case %zu: %s (%s)", this->rule, i, shown,
                     is_accepted ? "accepted" : words);
        if (this->is_accepted || is_accepted) continue;
        cr_expect_eq(json.why_at, this->why_at, "%s: byte %zu", shown, json.why_at);
        cr_expect(strstr(words, this->why), "%s: %s", shown, words);
    }
}

/* Every beginning of a document is refused, but where it is a document itself. */
Test(json_grammar, cut_short)
{
    static const char whole[] =
        "{\"a\":[1.5e+3,true,false,null,\"\\u00e9\xe2\x82\xac\\ud83d\\ude00\\n\"],"
        "\"bcdefghijklmnop\":{\"q\":-12}}";
    static struct json json;
    char *held;
    for (size_t len = 0; len < sizeof whole - 1; len++) {
        cr_expect_eq(open_exact(&json, (struct wr_text){ whole, len }, &held), JSON_NOT_JSON, "%zu",
                     len);
        cr_expect_leq(json.why_at, len);
        free(held);
    }
    cr_expect_eq(open_exact(&json, (struct wr_text){ whole, sizeof whole - 1 }, &held), JSON_OK);
    free(held);
}

/* Each byte value at each place of the eight that are looked at together. */
Test(json_grammar, every_byte_at_every_place)
{
    static struct json json;
    char text[20], *held;
    for (int byte = 0; byte < 256; byte++) {
        for (size_t place = 1; place <= 16; place++) {
            memset(text, 'x', sizeof text);
            text[0] = text[18] = '"';
            text[place] = (char)byte;
            bool is_plain = byte >= 0x20 && byte < 0x80 && byte != '"' && byte != '\\';
            enum json_fault fault = open_exact(&json, (struct wr_text){ text, 19 }, &held);
            cr_expect_eq(fault == JSON_OK, is_plain, "byte %02x at %zu", byte, place);
            free(held);
        }
    }
}

Test(json_grammar, depth)
{
    static struct json json;
    char text[4 * (JSON_DEPTH_MAX + 1) + 1], *held;
    for (size_t depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
        memset(text, '[', depth);
        memset(text + depth, ']', depth);
        enum json_fault fault = open_exact(&json, (struct wr_text){ text, 2 * depth }, &held);
        cr_expect_eq(fault, depth == JSON_DEPTH_MAX ? JSON_OK : JSON_NOT_JSON);
        free(held);
    }
    cr_expect_eq(json.why_at, JSON_DEPTH_MAX);
    cr_expect(strstr(json.why, "deeper than 64"));
    /* A document after a faulty one begins at the ground again. */
    cr_expect_eq(json_open(&json, WR_TEXT_OF("[[1]]")), JSON_OK);
    /* Wide is not deep. */
    cr_expect_eq(json_open(&json, WR_TEXT_OF("[[],[],{},[[],[]],[{\"a\":[]},{\"a\":[]}]]")),
                 JSON_OK);
}

Test(json_grammar, words_of_a_fault)
{
    static struct json json;
    char words[JSON_WORDS_BYTES];
    cr_assert_eq(json_open(&json, WR_TEXT_OF("{\"a\":1 \"b\"}")), JSON_NOT_JSON);
    cr_expect_str_eq(json_words(&json, JSON_NOT_JSON, words, sizeof words),
                     "is not JSON: at byte 7: a comma or } was expected");
    /* Every call says the same of it. */
    int64_t number;
    cr_expect_eq(json_int(&json, "a", &number), JSON_NOT_JSON);
    cr_expect_eq(json_enter(&json, "", 0, NULL, NULL), JSON_NOT_JSON);
    cr_expect_not(json_has(&json, "a"));
    cr_expect_not(json_leave(&json));
}
