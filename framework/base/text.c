/* SPDX-License-Identifier: Apache-2.0
 *
 * Text: copies, numbers, UTF-8, what may be shown to people, hashes and "did you mean"; see text.h.
 * UTF-8 is judged in one place, text_char_bytes, for shown text and for JSON alike. */
#include "base/text.h"

#include "base/check.h"

bool text_starts(struct wr_text text, const char *with)
{
    const size_t n = strlen(with);
    return text.len >= n && memcmp(text.at, with, n) == 0;
}

char *text_copy(struct wr_text text)
{
    char *copy = memory_new(text.len + 1, 1);
    memcpy(copy, text.at, text.len);
    return copy;
}

bool text_to_int(struct wr_text text, int64_t *value)
{
    const bool is_negative = text.len > 0 && text.at[0] == '-';
    const size_t first = text.len > 0 && (text.at[0] == '-' || text.at[0] == '+');
    if (text.len == first) return false;
    int64_t sum = 0; /* downwards for negative numbers, so that INT64_MIN fits */
    for (size_t i = first; i < text.len; i++) {
        if (text.at[i] < '0' || text.at[i] > '9') return false;
        const int64_t digit = text.at[i] - '0';
        if (__builtin_mul_overflow(sum, 10, &sum)) return false;
        if (__builtin_add_overflow(sum, is_negative ? -digit : digit, &sum)) return false;
    }
    *value = sum;
    return true;
}

/* ---- UTF-8 ---------------------------------------------------------------------------------- */

static bool is_tail(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

size_t text_char_bytes(struct wr_text text, size_t offset)
{
    if (offset >= text.len) return 0;
    const unsigned char *at = (const unsigned char *)text.at + offset;
    const size_t left = text.len - offset;
    if (at[0] < 0x80) return 1;
    if (at[0] < 0xC2) return 0; /* a tail, or overlong */
    if (left < 2 || !is_tail(at[1])) return 0;
    if (at[0] < 0xE0) return 2;
    if (left < 3 || !is_tail(at[2])) return 0;
    if (at[0] < 0xF0) {
        const bool is_overlong = at[0] == 0xE0 && at[1] < 0xA0;
        const bool is_surrogate = at[0] == 0xED && at[1] > 0x9F;
        return is_overlong || is_surrogate ? 0 : 3;
    }
    if (left < 4 || !is_tail(at[3])) return 0;
    const bool is_overlong = at[0] == 0xF0 && at[1] < 0x90;
    const bool is_above = at[0] > 0xF4 || (at[0] == 0xF4 && at[1] > 0x8F);
    return is_overlong || is_above ? 0 : 4;
}

/* From `at` on, how many bytes are ASCII for sure: eight at a time, since most text is. */
static size_t ascii_run(const char *at, size_t len)
{
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t word;
        memcpy(&word, at + i, sizeof word);
        if (word & 0x8080808080808080u) break;
    }
    return i;
}

bool text_is_plain(struct wr_text text)
{
    const uint64_t ones = 0x0101010101010101u;
    uint64_t word, marks = 0; /* high bits of what is 0 (borrowing) or not ASCII */
    size_t i = 0;
    for (; i + 8 <= text.len; i += 8) {
        memcpy(&word, text.at + i, 8);
        marks |= (word - ones) | word;
    }
    for (; i < text.len; i++) marks |= ((unsigned char)text.at[i] - 1u) | (unsigned char)text.at[i];
    return !(marks & (ones << 7));
}

bool text_is_utf8(struct wr_text text)
{
    size_t i = 0;
    while (i < text.len) {
        i += ascii_run(text.at + i, text.len - i);
        /* The rest of a run's last word, or the word that is not ASCII, byte by byte. */
        for (size_t end = i + 8; i < end && i < text.len;) {
            const size_t n = text_char_bytes(text, i);
            if (n == 0) return false;
            i += n;
        }
    }
    return true;
}

/* ---- shown to people ------------------------------------------------------------------------ */

bool text_has_control_at(struct wr_text text, size_t offset)
{
    const size_t n = text_char_bytes(text, offset);
    const unsigned char *at = (const unsigned char *)text.at + offset;
    if (n == 1) return at[0] < 0x20 || at[0] == 0x7F;
    return n == 2 && at[0] == 0xC2 && at[1] < 0xA0;
}

/* One character as shown, into `shown`; returns its bytes, and in *taken those of the text. */
static size_t show_char(struct wr_text text, size_t offset, char shown[8], size_t *taken)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = text.at + offset;
    const size_t n = text_char_bytes(text, offset);
    if (n > 0 && !text_has_control_at(text, offset)) {
        memcpy(shown, at, n);
        *taken = n;
        return n;
    }
    const unsigned char byte = (unsigned char)at[0];
    const char escape[4] = { '\\', 'x', digits[byte >> 4], digits[byte & 15] };
    memcpy(shown, escape, sizeof escape);
    *taken = 1;
    return sizeof escape;
}

size_t text_cut(struct wr_text text, size_t most)
{
    if (text.len <= most) return text.len;
    while (most > 0 && ((unsigned char)text.at[most] & 0xc0) == 0x80) most--;
    return most;
}

const char *text_show(struct wr_text text, char *out, size_t out_bytes)
{
    CHECK(out_bytes > 0);
    const size_t room = out_bytes - 1;
    size_t used = 0, dots_at = 0, taken; /* dots_at: the last place from which "..." still fits */
    for (size_t i = 0; i < text.len; i += taken) {
        char shown[8];
        const size_t n = show_char(text, i, shown, &taken);
        if (used + 3 <= room) dots_at = used;
        if (used + n > room) {
            const size_t dots = room < 3 ? room : 3;
            memcpy(out + dots_at, "...", dots);
            used = dots_at + dots;
            break;
        }
        memcpy(out + used, shown, n);
        used += n;
    }
    out[used] = '\0';
    return out;
}

/* ---- hashes --------------------------------------------------------------------------------- */

uint64_t text_hash(struct wr_text text)
{
    uint64_t hash = 0xCBF29CE484222325u;
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.at[i]) * 0x100000001B3u;
    /* FNV's low bits are weak and tables use just those: mix. */
    hash = (hash ^ (hash >> 33)) * 0xFF51AFD7ED558CCDu;
    hash = (hash ^ (hash >> 33)) * 0xC4CEB9FE1A85EC53u;
    return hash ^ (hash >> 33);
}

/* ---- did you mean --------------------------------------------------------------------------- */

enum { NAME_CHARS = 64 }; /* nobody means a longer name */

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Insertions, deletions, replacements and swaps of neighbours (Damerau-Levenshtein, each part edited
 * once), whatever the case; b has at most NAME_CHARS. */
static size_t edits_between(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][NAME_CHARS + 1];
    for (size_t j = 0; j <= b_len; j++) rows[0][j] = j;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i + 2) % 3], *above_that = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            const bool is_same = lower(a[i - 1]) == lower(b[j - 1]);
            row[j] = least(above[j - 1] + !is_same, least(above[j], row[j - 1]) + 1);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                row[j] = least(row[j], above_that[j - 2] + 1);
        }
    }
    return rows[a_len % 3][b_len];
}

/* A third of the longer word may be wrong, and one letter of a short one; a single letter is no clue. */
static size_t edits_allowed(size_t longer)
{
    if (longer < 2) return 0;
    return longer < 5 ? 1 : (longer + 1) / 3;
}

const char *text_nearest(const char *word, const char *const *names)
{
    const size_t word_len = strlen(word);
    const char *nearest = NULL;
    size_t fewest = SIZE_MAX;
    for (; *names; names++) {
        const size_t name_len = strlen(*names);
        if (name_len > NAME_CHARS) continue;
        const size_t edits = edits_between(word, word_len, *names, name_len);
        const size_t longer = word_len > name_len ? word_len : name_len;
        if (edits > edits_allowed(longer) || edits >= fewest) continue;
        nearest = *names;
        fewest = edits;
    }
    return nearest;
}
