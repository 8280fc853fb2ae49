/* SPDX-License-Identifier: Apache-2.0
 *
 * Array literals; see array_text.h. */
#include "store/array_text.h"

#include <strings.h>

size_t array_text_room(const struct wr_text *values, size_t n)
{
    size_t room = 2;
    for (size_t i = 0; i < n; i++) room += 2 * values[i].len + 3;
    return room;
}

static bool needs_quotes(struct wr_text value)
{
    if (value.len == 0) return true;
    if (value.len == 4 && strncasecmp(value.at, "null", 4) == 0) return true;
    for (size_t i = 0; i < value.len; i++)
        if (strchr("{},\"\\ \t\n\r\v\f", value.at[i])) return true;
    return false;
}

static char *put_quoted(char *to, struct wr_text value)
{
    *to++ = '"';
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '"' || value.at[i] == '\\') *to++ = '\\';
        *to++ = value.at[i];
    }
    *to++ = '"';
    return to;
}

size_t array_text_of_texts(char *out, const struct wr_text *values, size_t n)
{
    char *to = out;
    *to++ = '{';
    for (size_t i = 0; i < n; i++) {
        if (i > 0) *to++ = ',';
        if (needs_quotes(values[i])) {
            to = put_quoted(to, values[i]);
        } else {
            memcpy(to, values[i].at, values[i].len);
            to += values[i].len;
        }
    }
    *to++ = '}';
    return (size_t)(to - out);
}

static char *put_int(char *to, int64_t value)
{
    char digits[ARRAY_INT_CHARS];
    size_t n = 0;
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        digits[n++] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    if (value < 0) *to++ = '-';
    while (n > 0) *to++ = digits[--n];
    return to;
}

size_t array_text_of_ints(char *out, const int64_t *values, size_t n)
{
    char *to = out;
    *to++ = '{';
    for (size_t i = 0; i < n; i++) {
        if (i > 0) *to++ = ',';
        to = put_int(to, values[i]);
    }
    *to++ = '}';
    return (size_t)(to - out);
}
