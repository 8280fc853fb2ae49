/* SPDX-License-Identifier: Apache-2.0
 *
 * Borrowed text (`struct wr_text`) and the few things done with it everywhere. */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <warrener/handler.h>

/* For printf's "%.*s". */
#define TEXT_ARGS(text) (int)(text).len, (text).at

static inline struct wr_text text_of(const char *cstr)
{
    return cstr ? (struct wr_text){ cstr, strlen(cstr) } : (struct wr_text){ "", 0 };
}

static inline struct wr_text text_from(const char *at, size_t len)
{
    return at ? (struct wr_text){ at, len } : (struct wr_text){ "", 0 };
}

/* memcmp() == 0 without a call, for names and the like. */
static inline bool text_bytes_equal(const char *a, const char *b, size_t len)
{
    size_t i = 0;
    for (uint64_t x, y; i + 8 <= len; i += 8) {
        memcpy(&x, a + i, 8);
        memcpy(&y, b + i, 8);
        if (x != y) return false;
    }
    while (i < len && a[i] == b[i]) i++;
    return i == len;
}

static inline bool text_is(struct wr_text text, const char *cstr)
{
    return strlen(cstr) == text.len && memcmp(text.at, cstr, text.len) == 0;
}

static inline bool text_equal(struct wr_text a, struct wr_text b)
{
    return a.len == b.len && memcmp(a.at, b.at, a.len) == 0;
}

bool text_starts(struct wr_text text, const char *with);

/* A NUL-terminated copy on the heap; the caller frees it. */
char *text_copy(struct wr_text text);

/* Decimal digits with an optional sign, the whole text, within int64: false otherwise. */
bool text_to_int(struct wr_text text, int64_t *value);

/* ASCII without zero bytes, as most text is: PostgreSQL takes it, and it needs no closer look. */
bool text_is_plain(struct wr_text text);

/* Well-formed UTF-8 (no surrogates, nothing overlong, nothing above U+10FFFF). */
bool text_is_utf8(struct wr_text text);

/* The bytes (1-4) of the well-formed UTF-8 character at text.at[offset]; 0 where there is none. */
size_t text_char_bytes(struct wr_text text, size_t offset);

/* A control character begins there: C0, DEL, or C1 (in UTF-8 C2 80 .. C2 9F). They steer terminals. */
bool text_has_control_at(struct wr_text text, size_t offset);

/* The length of a text cut to `most` bytes, not inside a character. */
size_t text_cut(struct wr_text text, size_t most);

/* Writes text into `out` (always NUL-terminated) with control bytes and bytes that are not UTF-8 as
 * \xNN, cut to fit with "..." at the end; returns out. For logs and errors. */
const char *text_show(struct wr_text text, char *out, size_t out_bytes);

/* The hash of the bytes (FNV-1a, 64 bits, mixed): for tables and lanes, not for secrets. */
uint64_t text_hash(struct wr_text text);

/* The entry of `names` (ends with NULL) that is nearest to `word` in edits, or NULL where none is
 * near enough to be what was meant. For "did you mean". */
const char *text_nearest(const char *word, const char *const *names);

#endif
