/* SPDX-License-Identifier: Apache-2.0
 *
 * Values as text; see row_show in row.h. Numbers of floating point are the shortest that read back the
 * same, in PostgreSQL's layout; moments are in UTC. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "store/inet.h"
#include "store/numeric.h"

enum { EPOCH_DAYS = 10957, MARCH_DAYS = 719468, CYCLE_DAYS = 146097 };
#define DAY_US INT64_C(86400000000)

PRINTF_LIKE(2, 3) static struct wr_text format(struct arena *arena, const char *words, ...)
{
    char text[400];
    va_list args;
    va_start(args, words);
    const int n = vsnprintf(text, sizeof text, words, args);
    va_end(args);
    CHECK(n >= 0 && (size_t)n < sizeof text);
    return arena_copy(arena, text_from(text, (size_t)n));
}

static struct wr_text show_bool(struct arena *arena, struct row_value value)
{
    (void)arena;
    return text_of(value.at[0] ? "t" : "f");
}

static struct wr_text show_int(struct arena *arena, struct row_value value)
{
    return format(arena, "%lld", (long long)wire_int(value.at, value.len));
}

/* ---- floating point ---------------------------------------------------------------------------- */

static struct wr_text show_float(struct arena *arena, struct row_value value)
{
    const double number = wire_float(value.at);
    if (__builtin_isnan(number)) return text_of("NaN");
    if (__builtin_isinf(number)) return text_of(number > 0 ? "Infinity" : "-Infinity");
    char text[40];
    int decimals = -1;
    do {
        (void)snprintf(text, sizeof text, "%.*e", ++decimals, number);
    } while (decimals < 16 && strtod(text, NULL) != number);
    const char *const e = strchr(text, 'e');
    CHECK(e);
    const int exponent = (int)strtol(e + 1, NULL, 10);
    if (exponent < -4 || exponent >= 15) return arena_copy(arena, text_of(text));
    return format(arena, "%.*f", decimals > exponent ? decimals - exponent : 0, number);
}

/* ---- dates ------------------------------------------------------------------------------------- */

/* A day of PostgreSQL's count as its calendar's year, month and day. */
static void split_day(int64_t day, int64_t *year, int *month, int *of_month)
{
    const int64_t since = day + EPOCH_DAYS + MARCH_DAYS; /* 0000-03-01 */
    const int64_t cycle = (since >= 0 ? since : since - CYCLE_DAYS + 1) / CYCLE_DAYS;
    const int64_t in_cycle = since - cycle * CYCLE_DAYS;
    const int64_t y =
        (in_cycle - in_cycle / 1460 + in_cycle / 36524 - in_cycle / (CYCLE_DAYS - 1)) / 365;
    const int in_year = (int)(in_cycle - (365 * y + y / 4 - y / 100));
    const int m = (5 * in_year + 2) / 153;
    *of_month = in_year - (153 * m + 2) / 5 + 1;
    *month = m < 10 ? m + 3 : m - 9;
    *year = y + cycle * 400 + (*month <= 2);
}

static struct wr_text show_day(struct arena *arena, int64_t day, const char *rest)
{
    int64_t year;
    int month, of_month;
    split_day(day, &year, &month, &of_month);
    const bool is_bc = year <= 0;
    return format(arena, "%04lld-%02d-%02d%s%s", (long long)(is_bc ? 1 - year : year), month,
                  of_month, rest, is_bc ? " BC" : "");
}

static struct wr_text show_date(struct arena *arena, struct row_value value)
{
    return show_day(arena, wire_int(value.at, 4), "");
}

/* " 03:04:05.678": the fraction without zeros at its end. */
static struct wr_text show_moment(struct arena *arena, struct row_value value, const char *zone)
{
    const int64_t us = wire_int(value.at, 8);
    const int64_t day = (us >= 0 ? us : us - DAY_US + 1) / DAY_US;
    const int64_t of_day = us - day * DAY_US, second = of_day / 1000000;
    char rest[48], fraction[10] = "";
    if (of_day % 1000000 != 0) {
        size_t n = (size_t)snprintf(fraction, sizeof fraction, ".%06d", (int)(of_day % 1000000));
        while (fraction[n - 1] == '0') fraction[--n] = '\0';
    }
    (void)snprintf(rest, sizeof rest, " %02d:%02d:%02d%s%s", (int)(second / 3600),
                   (int)(second / 60 % 60), (int)(second % 60), fraction, zone);
    return show_day(arena, day, rest);
}

static struct wr_text show_timestamp(struct arena *arena, struct row_value value)
{
    return show_moment(arena, value, "");
}

static struct wr_text show_timestamptz(struct arena *arena, struct row_value value)
{
    return show_moment(arena, value, "+00");
}

/* ---- bytes ------------------------------------------------------------------------------------- */

static struct wr_text show_text(struct arena *arena, struct row_value value)
{
    return arena_copy(arena, text_from(value.at, (size_t)value.len));
}

static struct wr_text show_jsonb(struct arena *arena, struct row_value value)
{
    return arena_copy(arena, text_from(value.at + 1, (size_t)value.len - 1));
}

static char *put_hex(char *to, const char *from, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < n; i++) {
        *to++ = digits[(unsigned char)from[i] >> 4];
        *to++ = digits[(unsigned char)from[i] & 15];
    }
    return to;
}

static struct wr_text show_bytea(struct arena *arena, struct row_value value)
{
    char *const text = arena_take_bytes(arena, 2 + 2 * (size_t)value.len);
    memcpy(text, "\\x", 2);
    const char *const end = put_hex(text + 2, value.at, (size_t)value.len);
    return text_from(text, (size_t)(end - text));
}

static struct wr_text show_uuid(struct arena *arena, struct row_value value)
{
    char *const text = arena_take_bytes(arena, 36), *to = text;
    for (int i = 0; i < 16; i += 2) {
        if (i >= 4 && i <= 10) *to++ = '-';
        to = put_hex(to, value.at + i, 2);
    }
    return text_from(text, 36);
}

struct wr_text row_show(struct arena *arena, enum wr_type type, struct row_value value)
{
    static struct wr_text (*const shows[])(struct arena *, struct row_value) = {
        [WR_BOOL] = show_bool,
        [WR_INT2] = show_int,
        [WR_INT4] = show_int,
        [WR_INT8] = show_int,
        [WR_FLOAT8] = show_float,
        [WR_NUMERIC] = numeric_show,
        [WR_TEXT] = show_text,
        [WR_BYTEA] = show_bytea,
        [WR_UUID] = show_uuid,
        [WR_DATE] = show_date,
        [WR_TIMESTAMP] = show_timestamp,
        [WR_TIMESTAMPTZ] = show_timestamptz,
        [WR_INET] = inet_show,
        [WR_JSONB] = show_jsonb,
        [WR_TEXT_ARRAY] = show_text,
        [WR_INT8_ARRAY] = show_text,
    };
    CHECK(row_type(type));
    return value.len < 0 ? text_of("NULL") : shows[type](arena, value);
}
