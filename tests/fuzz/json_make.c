/* SPDX-License-Identifier: Apache-2.0
 *
 * See json_make.h. Everything is drawn from short tables of pieces, so that rare things meet often;
 * what does not fit the buffer is dropped, which damages a document now and then. */
#include "json_make.h"

#include <string.h>

#include "base/text.h"

#define PIECE(literal) { "" literal, sizeof(literal) - 1 }
#define ANY_OF(make, table) (&(table)[below(make, sizeof(table) / sizeof *(table))])

static const struct wr_text texts[] = {
    PIECE("a"),
    PIECE("b"),
    PIECE("kind"),
    PIECE("user_id"),
    PIECE("12345678"),
    PIECE("0"),
    PIECE(" "),
    PIECE("a longer piece of plain text, "),
    PIECE("."),
    PIECE("\\n"),
    PIECE("\\\""),
    PIECE("\\\\"),
    PIECE("\\/"),
    PIECE("\\u0041"),
    PIECE("\\u0000"),
    PIECE("\\u00e9"),
    PIECE("\\u20AC"),
    PIECE("\\ud83d\\ude00"),
    PIECE("\\uDBFF\\uDFFF"),
    PIECE("\xc3\xa9"),
    PIECE("\xe2\x82\xac"),
    PIECE("\xed\x9f\xbf"),
    PIECE("\xef\xbf\xbf"),
    PIECE("\xf0\x9f\x98\x80"),
    PIECE("\xf4\x8f\xbf\xbf"),
    PIECE("\x7f"),
    PIECE("{}[],:"),
};

static const struct wr_text numbers[] = {
    PIECE("0"),
    PIECE("-0"),
    PIECE("1"),
    PIECE("-1"),
    PIECE("10"),
    PIECE("1234567890123456789"),
    PIECE("9007199254740993"),
    PIECE("9223372036854775807"),
    PIECE("-9223372036854775808"),
    PIECE("0.1"),
    PIECE("-0.0"),
    PIECE("1e3"),
    PIECE("1E-3"),
    PIECE("2.5e+10"),
    PIECE("1e-400"),
    PIECE("1.7976931348623157e308"),
    PIECE("4.9e-324"),
    PIECE("2.2250738585072011e-308"),
    PIECE("9007199254740993.00000000000000000001"),
    PIECE("123456789012345678901234567890e-5"),
};

static const struct wr_text damages[] = {
    PIECE("\""),
    PIECE("\\"),
    PIECE("\\u"),
    PIECE("\\ud800"),
    PIECE("\\udc00"),
    PIECE("\\u12"),
    PIECE("{"),
    PIECE("}"),
    PIECE("["),
    PIECE("]"),
    PIECE(","),
    PIECE(":"),
    PIECE("-"),
    PIECE("+"),
    PIECE("."),
    PIECE("e"),
    PIECE("E+"),
    PIECE("0"),
    PIECE("1"),
    PIECE("\0"),
    PIECE("\n"),
    PIECE("\t"),
    PIECE("\r"),
    PIECE("\f"),
    PIECE("\x1f"),
    PIECE("\x80"),
    PIECE("\xc0\x80"),
    PIECE("\xc3"),
    PIECE("\xed\xa0\x80"),
    PIECE("\xe0\x9f\xbf"),
    PIECE("\xf0\x8f\xbf\xbf"),
    PIECE("\xf4\x90\x80\x80"),
    PIECE("\xff"),
    PIECE("\xef\xbb\xbf"),
    PIECE("nul"),
    PIECE("true"),
    PIECE("null"),
    PIECE("NaN"),
    PIECE("1e400"),
    PIECE("9223372036854775808"),
    PIECE("'"),
    PIECE("/**/"),
};

static uint64_t draw(struct make *make)
{
    uint64_t x = make->seed += 0x9e3779b97f4a7c15u; /* splitmix64 */
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static size_t below(struct make *make, size_t limit)
{
    return (size_t)(draw(make) % limit);
}

static void put(struct make *make, struct wr_text piece)
{
    if (make->len + piece.len > MAKE_BYTES_MAX) return;
    memcpy(make->bytes + make->len, piece.at, piece.len);
    make->len += piece.len;
}

static void put_char(struct make *make, char c)
{
    put(make, (struct wr_text){ &c, 1 });
}

static void put_space(struct make *make)
{
    while (below(make, 8) == 0) put_char(make, " \t\r\n"[below(make, 4)]);
}

static void put_string(struct make *make)
{
    put_char(make, '"');
    for (size_t n = below(make, 4); n > 0; n--) put(make, *ANY_OF(make, texts));
    put_char(make, '"');
}

static void put_number(struct make *make)
{
    if (below(make, 2)) {
        put(make, *ANY_OF(make, numbers));
        return;
    }
    if (below(make, 3) == 0) put_char(make, '-');
    put_char(make, (char)('1' + below(make, 9)));
    for (size_t n = below(make, 20); n > 0; n--) put_char(make, (char)('0' + below(make, 10)));
    if (below(make, 2)) put(make, (struct wr_text)PIECE(".5"));
    for (size_t n = below(make, 25); n > 0; n--) put_char(make, (char)('0' + below(make, 10)));
}

static void put_value(struct make *make, size_t depth)
{
    static const struct wr_text words[] = { PIECE("true"), PIECE("false"), PIECE("null") };
    size_t what = below(make, depth > 0 ? 10 : 6);
    put_space(make);
    if (what < 3) {
        put_string(make);
    } else if (what < 5) {
        put_number(make);
    } else if (what < 6) {
        put(make, *ANY_OF(make, words));
    } else {
        bool is_object = what < 8;
        put_char(make, is_object ? '{' : '[');
        size_t n = below(make, 20) == 0 ? below(make, 80) : below(make, 6);
        for (size_t i = 0; i < n; i++) {
            if (i > 0) put_char(make, ',');
            put_space(make);
            if (is_object) {
                put_string(make);
                put_space(make);
                put_char(make, ':');
            }
            put_value(make, depth - 1);
        }
        put_space(make);
        put_char(make, is_object ? '}' : ']');
    }
    put_space(make);
}

/* A value inside 55 to 74 arrays and objects: on both sides of the bound. */
static void put_deep(struct make *make)
{
    size_t depth = 55 + below(make, 20);
    bool is_object[80];
    for (size_t i = 0; i < depth; i++) {
        is_object[i] = below(make, 2);
        put(make, is_object[i] ? (struct wr_text)PIECE("{\"a\":") : (struct wr_text)PIECE("[0,"));
    }
    put_number(make);
    while (depth-- > 0) put_char(make, is_object[depth] ? '}' : ']');
}

static void damage(struct make *make)
{
    size_t at = below(make, make->len + 1), rest = make->len - at, n;
    struct wr_text piece = *ANY_OF(make, damages);
    switch (below(make, 5)) {
    case 0: /* put something in */
        if (make->len + piece.len > MAKE_BYTES_MAX) return;
        memmove(make->bytes + at + piece.len, make->bytes + at, rest);
        memcpy(make->bytes + at, piece.at, piece.len);
        make->len += piece.len;
        return;
    case 1: /* put something over */
        memcpy(make->bytes + at, piece.at, rest < piece.len ? rest : piece.len);
        return;
    case 2: /* take some bytes out */
        n = below(make, 4) + 1;
        if (n > rest) n = rest;
        memmove(make->bytes + at, make->bytes + at + n, rest - n);
        make->len -= n;
        return;
    case 3: /* flip a bit */
        if (rest > 0) make->bytes[at] = (char)(make->bytes[at] ^ (1 << below(make, 8)));
        return;
    default: /* cut the end off */ make->len = at; return;
    }
}

void make_document(struct make *make)
{
    make->len = 0;
    if (below(make, 32) == 0)
        put_deep(make);
    else
        put_value(make, below(make, 8));
    if (below(make, 2))
        for (size_t n = below(make, 4); n > 0; n--) damage(make);
}
