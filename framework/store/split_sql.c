/* SPDX-License-Identifier: Apache-2.0
 *
 * Taking scripts apart; see split_sql.h. A scanner of tokens that knows just enough of them to see
 * where a semicolon counts. */
#include "store/split_sql.h"

#include <strings.h>

#define HEAD_WORDS 4 /* CREATE OR REPLACE FUNCTION */

struct scan {
    const char *at, *end;
    struct wr_text head[HEAD_WORDS]; /* the statement's first words */
    unsigned n_words, parentheses, blocks;
};

/* ---- characters ------------------------------------------------------------------------------ */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80);
}

static bool begins(const struct scan *scan, const char *with)
{
    const size_t n = strlen(with);
    return (size_t)(scan->end - scan->at) >= n && memcmp(scan->at, with, n) == 0;
}

static bool is_word(struct wr_text text, const char *word)
{
    return text.len == strlen(word) && strncasecmp(text.at, word, text.len) == 0;
}

/* ---- tokens: each steps over one whole ------------------------------------------------------- */

static void skip_line(struct scan *scan)
{
    while (scan->at < scan->end && *scan->at != '\n') scan->at++;
}

static void skip_nested_comment(struct scan *scan)
{
    unsigned depth = 0;
    do {
        if (begins(scan, "/*")) {
            depth++;
            scan->at += 2;
        } else if (begins(scan, "*/")) {
            depth--;
            scan->at += 2;
        } else {
            scan->at++;
        }
    } while (depth > 0 && scan->at < scan->end);
}

static bool skip_comment(struct scan *scan)
{
    if (begins(scan, "--"))
        skip_line(scan);
    else if (begins(scan, "/*"))
        skip_nested_comment(scan);
    else
        return false;
    return true;
}

static void skip_space(struct scan *scan)
{
    while (scan->at < scan->end && (is_space(*scan->at) || skip_comment(scan)))
        if (scan->at < scan->end && is_space(*scan->at)) scan->at++;
}

/* A doubled quote is two texts side by side, which comes to the same. */
static void skip_quoted(struct scan *scan, bool has_escapes)
{
    const char quote = *scan->at++;
    while (scan->at < scan->end && *scan->at != quote)
        scan->at += has_escapes && *scan->at == '\\' && scan->end - scan->at > 1 ? 2 : 1;
    if (scan->at < scan->end) scan->at++;
}

/* E'…' goes on with escapes in the next text after a new line: E'a' \n 'b\''. */
static void skip_escaped(struct scan *scan)
{
    for (;;) {
        skip_quoted(scan, true);
        const char *next = scan->at;
        bool has_line = false;
        for (; next < scan->end && is_space(*next); next++) has_line |= *next == '\n';
        const bool is_doubled = next == scan->at && next < scan->end && *next == '\'';
        const bool goes_on = has_line && next < scan->end && *next == '\'';
        if (!is_doubled && !goes_on) return;
        scan->at = next;
    }
}

/* $tag$ … $tag$; a lone $, or $1, is a step of one. */
static void skip_dollar(struct scan *scan)
{
    const char *tag = scan->at, *close = tag + 1;
    while (close < scan->end && (is_letter(*close) || (close > tag + 1 && is_digit(*close))))
        close++;
    if (close == scan->end || *close != '$') {
        scan->at++;
        return;
    }
    const size_t n = (size_t)(close + 1 - tag);
    const char *found = memmem(close + 1, (size_t)(scan->end - close - 1), tag, n);
    scan->at = found ? found + n : scan->end;
}

/* CREATE [OR REPLACE] FUNCTION or PROCEDURE */
static bool makes_routine(const struct scan *scan)
{
    unsigned at = 1;
    if (scan->n_words < 2 || !is_word(scan->head[0], "create")) return false;
    if (scan->n_words > 3 && is_word(scan->head[1], "or") && is_word(scan->head[2], "replace"))
        at = 3;
    return is_word(scan->head[at], "function") || is_word(scan->head[at], "procedure");
}

static void note_word(struct scan *scan, struct wr_text word)
{
    if (scan->n_words < HEAD_WORDS) scan->head[scan->n_words++] = word;
    if (scan->parentheses > 0 || !makes_routine(scan)) return;
    if (is_word(word, "begin") || (scan->blocks > 0 && is_word(word, "case")))
        scan->blocks++;
    else if (scan->blocks > 0 && is_word(word, "end"))
        scan->blocks--;
}

static void skip_word(struct scan *scan)
{
    const char *from = scan->at;
    while (scan->at < scan->end &&
           (is_letter(*scan->at) || is_digit(*scan->at) || *scan->at == '$'))
        scan->at++;
    const struct wr_text word = text_from(from, (size_t)(scan->at - from));
    if (is_word(word, "e") && scan->at < scan->end && *scan->at == '\'')
        skip_escaped(scan);
    else if (is_letter(*from))
        note_word(scan, word);
}

static void skip_token(struct scan *scan)
{
    const char c = *scan->at;
    if (c == '\'' || c == '"')
        skip_quoted(scan, false);
    else if (c == '$')
        skip_dollar(scan);
    else if (is_letter(c) || is_digit(c))
        skip_word(scan);
    else
        scan->at++;
    if (c == '(') scan->parentheses++;
    if (c == ')' && scan->parentheses > 0) scan->parentheses--;
}

/* ---- statements ------------------------------------------------------------------------------ */

bool split_sql_next(struct split_sql *split, struct wr_text *statement)
{
    struct scan scan = { .at = split->script.at + split->at,
                         .end = split->script.at + split->script.len };
    for (skip_space(&scan); scan.at < scan.end && *scan.at == ';'; skip_space(&scan)) scan.at++;
    const char *from = scan.at, *to = scan.at;
    while (scan.at < scan.end) {
        if (*scan.at == ';' && scan.parentheses == 0 && scan.blocks == 0) break;
        skip_token(&scan);
        to = scan.at;
        skip_space(&scan);
    }
    split->at = (size_t)(scan.at - split->script.at);
    *statement = text_from(from, (size_t)(to - from));
    return statement->len > 0;
}

bool split_sql_is_transaction(struct wr_text statement)
{
    static const char *const words[] = { "begin", "start", "commit", "end", "abort" };
    struct scan scan = { .at = statement.at, .end = statement.at + statement.len };
    while (scan.at < scan.end && scan.n_words < 3) {
        skip_token(&scan);
        skip_space(&scan);
    }
    if (scan.n_words == 0) return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (is_word(scan.head[0], words[i])) return true;
    if (is_word(scan.head[0], "prepare"))
        return scan.n_words > 1 && is_word(scan.head[1], "transaction");
    if (!is_word(scan.head[0], "rollback")) return false;
    for (unsigned i = 1; i < scan.n_words; i++)
        if (is_word(scan.head[i], "to")) return false;
    return true;
}

/* ---- places ---------------------------------------------------------------------------------- */

static bool begins_character(char c)
{
    return ((unsigned char)c & 0xC0) != 0x80;
}

struct sql_place sql_place_of(struct wr_text script, size_t at)
{
    struct sql_place place = { 1, 1 };
    for (size_t i = 0; i < at && i < script.len; i++) {
        if (script.at[i] == '\n')
            place = (struct sql_place){ place.line + 1, 1 };
        else if (begins_character(script.at[i]))
            place.column++;
    }
    return place;
}

size_t sql_byte_of(struct wr_text text, size_t nth_character)
{
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++)
        if (begins_character(text.at[i]) && ++n == nth_character) return i;
    return text.len;
}
