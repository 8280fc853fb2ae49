/* SPDX-License-Identifier: Apache-2.0
 *
 * numeric; see numeric.h. The binary form is four numbers of 16 bits (count of digits, weight of the
 * first as a power of 10000, sign, decimals shown) and the digits, without zeros at either end. */
#include "store/numeric.h"

#include <string.h>
#include <strings.h>

#include "base/check.h"

enum {
    POSITIVE = 0x0000,
    NEGATIVE = 0x4000,
    NOT_A_NUMBER = 0xC000,
    PLUS_INFINITY = 0xD000, /* from PostgreSQL 14 on */
    MINUS_INFINITY = 0xF000,
    HEAD_BYTES = 8,
    DIGITS_BEFORE_MOST = 131072, /* of the point; PostgreSQL's bounds */
    DIGITS_AFTER_MOST = 16383,
    EXPONENT_MOST = 1000000, /* beyond all that can be meant */
};

static const char *const not_a_number = "is no number";
static const char *const out_of_range = "is beyond numeric's range";

static const struct word {
    const char *name;
    uint16_t sign;
    uint16_t negative;
} words[] = {
    { "nan", NOT_A_NUMBER, NOT_A_NUMBER },
    { "infinity", PLUS_INFINITY, MINUS_INFINITY },
    { "inf", PLUS_INFINITY, MINUS_INFINITY },
};

/* A decimal as written: its digits are those between `at` and `end` but for one point. */
struct decimal {
    const char *at, *end;
    int64_t before; /* digits before the point, once the exponent has moved it */
    int64_t after;
    int64_t n; /* digits written */
};

static size_t put_head(char *out, unsigned n, int64_t weight, uint16_t sign, int64_t decimals)
{
    char *at = wire_put_u16(out, (uint16_t)n);
    at = wire_put_u16(at, (uint16_t)weight);
    at = wire_put_u16(at, sign);
    (void)wire_put_u16(at, (uint16_t)decimals);
    return HEAD_BYTES;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "e-12": returns false where it is none; past all bounds it stands still. */
static bool read_exponent(const char *at, const char *end, int64_t *exponent)
{
    const bool is_negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) at++;
    if (at == end) return false;
    int64_t value = 0;
    for (; at < end; at++) {
        if (!is_digit(*at)) return false;
        value = value * 10 + (*at - '0');
        if (value > EXPONENT_MOST) value = EXPONENT_MOST;
    }
    *exponent = is_negative ? -value : value;
    return true;
}

static bool read_decimal(const char *at, const char *end, struct decimal *decimal)
{
    const char *point = NULL;
    *decimal = (struct decimal){ .at = at };
    for (; at < end && (is_digit(*at) || (*at == '.' && !point)); at++) {
        if (*at == '.')
            point = at;
        else
            decimal->n++;
    }
    decimal->end = at;
    if (decimal->n == 0) return false;
    int64_t exponent = 0;
    if (at < end && (*at == 'e' || *at == 'E')) {
        if (!read_exponent(at + 1, end, &exponent)) return false;
    } else if (at < end) {
        return false;
    }
    const int64_t written_after = point ? decimal->end - point - 1 : 0;
    decimal->before = decimal->n - written_after + exponent;
    decimal->after = written_after - exponent;
    if (decimal->after < 0) decimal->after = 0;
    return true;
}

/* The digits in groups of four around the point. Returns how many groups were written, those of
 * zeros at the front left out; `weight` is that of the first. */
static unsigned put_groups(const struct decimal *decimal, char *out, int64_t *weight)
{
    /* Zeros to put before the first digit so that its group is full. */
    const int64_t lead = ((-decimal->before) % 4 + 4) % 4;
    *weight = (decimal->before + lead) / 4 - 1;
    unsigned n = 0, used = 0;
    int group = 0;
    int64_t filled = lead;
    for (const char *at = decimal->at; at < decimal->end || filled > 0;) {
        if (at < decimal->end && *at == '.') {
            at++;
            continue;
        }
        group = group * 10 + (at < decimal->end ? *at++ - '0' : 0);
        if (++filled < 4) continue;
        filled = 0;
        if (n == 0 && group == 0) {
            --*weight;
        } else {
            (void)wire_put_u16(out + (size_t)2 * n++, (uint16_t)group);
            if (group != 0) used = n;
        }
        group = 0;
    }
    return used;
}

bool numeric_encode(struct wr_text text, char *out, size_t *bytes, const char **fault)
{
    const char *at = text.at, *end = text.at + text.len;
    while (at < end && *at == ' ') at++;
    while (end > at && end[-1] == ' ') end--;
    const bool is_negative = at < end && *at == '-';
    if (at < end && (*at == '-' || *at == '+')) at++;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const size_t len = strlen(words[i].name);
        if ((size_t)(end - at) != len || strncasecmp(at, words[i].name, len) != 0) continue;
        *bytes = put_head(out, 0, 0, is_negative ? words[i].negative : words[i].sign, 0);
        return true;
    }
    struct decimal decimal;
    *fault = not_a_number;
    if (!read_decimal(at, end, &decimal)) return false;
    *fault = out_of_range;
    if (decimal.after > DIGITS_AFTER_MOST) return false;
    int64_t weight;
    if (decimal.n > DIGITS_BEFORE_MOST + DIGITS_AFTER_MOST) return false;
    const unsigned n = put_groups(&decimal, out + HEAD_BYTES, &weight);
    if (n > 0 && weight >= DIGITS_BEFORE_MOST / 4) return false;
    const bool is_zero = n == 0;
    *bytes = put_head(out, n, is_zero ? 0 : weight, is_negative && !is_zero ? NEGATIVE : POSITIVE,
                      decimal.after) +
             (size_t)2 * n;
    return true;
}

/* ---- shown ------------------------------------------------------------------------------------- */

static const char *special(uint16_t sign)
{
    switch (sign) {
    case NOT_A_NUMBER: return "NaN";
    case PLUS_INFINITY: return "Infinity";
    case MINUS_INFINITY: return "-Infinity";
    default: return NULL;
    }
}

/* The four decimal digits of the group with that weight; zeros where there is none. */
static void group_at(struct row_value value, int weight, char digits[4])
{
    const int n = wire_u16(value.at), first = (int16_t)wire_u16(value.at + 2);
    const int i = first - weight;
    unsigned group = i >= 0 && i < n ? wire_u16(value.at + HEAD_BYTES + (ptrdiff_t)2 * i) : 0;
    for (int k = 3; k >= 0; k--, group /= 10) digits[k] = (char)('0' + group % 10);
}

struct wr_text numeric_show(struct arena *arena, struct row_value value)
{
    const int weight = (int16_t)wire_u16(value.at + 2), decimals = wire_u16(value.at + 6);
    const uint16_t sign = wire_u16(value.at + 4);
    if (special(sign)) return text_of(special(sign));
    const int before = weight < 0 ? 1 : (weight + 1) * 4;
    char *const text = arena_take_bytes(arena, (size_t)before + (size_t)decimals + 8);
    char *to = text, digits[4];
    if (sign == NEGATIVE) *to++ = '-';
    char *const whole = to;
    for (int w = weight; w >= 0; w--) {
        group_at(value, w, digits);
        for (int k = 0; k < 4; k++)
            if (to > whole || digits[k] != '0') *to++ = digits[k];
    }
    if (to == whole) *to++ = '0';
    if (decimals > 0) *to++ = '.';
    for (int i = 0; i < decimals; i++) {
        if (i % 4 == 0) group_at(value, -1 - i / 4, digits);
        *to++ = digits[i % 4];
    }
    return text_from(text, (size_t)(to - text));
}
