/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows and the encodings of single values; see row.h. Numbers, addresses and arrays have files of
 * their own. What is written is cut to its length afterwards, so each value asks for the most it may
 * take. */
#include "store/row.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/json.h"
#include "store/array_text.h"
#include "store/inet.h"
#include "store/numeric.h"

enum { EPOCH_DAYS = 10957 }; /* 1970-01-01 to 2000-01-01 */
#define EPOCH_US (EPOCH_DAYS * INT64_C(86400000000))

/* What PostgreSQL can hold, in its own count from 2000 on. */
enum { FIRST_DAY = -2451545 /* 4713 BC */, END_DAY = 2145031949 /* 5874898 */ };
#define FIRST_US INT64_C(-211813488000000000)

static const struct row_type types[] = {
    [WR_BOOL] = { "bool", "boolean", 16, 16, 1000, "bool[]", PUT_BOOL, "wr_put_bool" },
    [WR_INT2] = { "int2", "smallint", 21, 21, 1005, "int2[]", PUT_INT, "wr_put_int" },
    [WR_INT4] = { "int4", "integer", 23, 23, 1007, "int4[]", PUT_INT, "wr_put_int" },
    [WR_INT8] = { "int8", "bigint", 20, 20, 1016, "int8[]", PUT_INT, "wr_put_int" },
    [WR_FLOAT8] = { "float8", "double precision", 701, 701, 1022, "float8[]", PUT_FLOAT,
                    "wr_put_float" },
    [WR_NUMERIC] = { "numeric", "numeric", 1700, 1700, 1231, "numeric[]", PUT_TEXT, "wr_put_text" },
    [WR_TEXT] = { "text", "text", 25, 25, 1009, "text[]", PUT_TEXT, "wr_put_text" },
    [WR_BYTEA] = { "bytea", "bytea", 17, 17, 1001, "bytea[]", PUT_TEXT, "wr_put_text" },
    [WR_UUID] = { "uuid", "uuid", 2950, 2950, 2951, "uuid[]", PUT_UUID, "wr_put_uuid" },
    [WR_DATE] = { "date", "date", 1082, 1082, 1182, "date[]", PUT_DATE, "wr_put_date" },
    [WR_TIMESTAMP] = { "timestamp", "timestamp without time zone", 1114, 1114, 1115, "timestamp[]",
                       PUT_TIME_US, "wr_put_time_us" },
    [WR_TIMESTAMPTZ] = { "timestamptz", "timestamp with time zone", 1184, 1184, 1185,
                         "timestamptz[]", PUT_TIME_US, "wr_put_time_us" },
    [WR_INET] = { "inet", "inet", 869, 869, 1041, "inet[]", PUT_TEXT, "wr_put_text" },
    [WR_JSONB] = { "jsonb", "jsonb", 3802, 3802, 3807, "jsonb[]", PUT_TEXT, "wr_put_text" },
    [WR_TEXT_ARRAY] = { "text[]", "text[]", 1009, 25, 1009, "text[]", PUT_TEXTS, "wr_put_texts" },
    [WR_INT8_ARRAY] = { "int8[]", "bigint[]", 1016, 25, 1009, "text[]", PUT_INTS, "wr_put_ints" },
};

const struct row_type *row_type(enum wr_type type)
{
    return (unsigned)type < sizeof types / sizeof *types ? &types[type] : NULL;
}

/* ---- room -------------------------------------------------------------------------------------- */

enum { COLUMN_BYTES = 24, ROOM_BYTES_LEAST = 64, SLACK_BYTES_MOST = 4096 };

struct row *row_new(struct arena *arena, unsigned sink, bool is_delete, unsigned n_columns)
{
    CHECK(sink <= UINT16_MAX);
    const uint32_t room = ROOM_BYTES_LEAST + COLUMN_BYTES * n_columns;
    struct row *const row = arena_take(arena, sizeof *row + room);
    *row = (struct row){
        .sink = (uint16_t)sink, .is_delete = is_delete, .room = room, .values = (char *)(row + 1)
    };
    return row;
}

static void grow(struct row *row, struct arena *arena, size_t needed)
{
    const size_t slack = needed < SLACK_BYTES_MOST ? needed : SLACK_BYTES_MOST;
    CHECK(needed + slack <= INT32_MAX);
    char *const values = arena_take_bytes(arena, needed + slack);
    memcpy(values, row->values, row->bytes);
    row->values = values;
    row->room = (uint32_t)(needed + slack);
}

/* Where a value of at most so many bytes goes; it counts once `end_value` says how long it became. */
static inline char *begin_value(struct row *row, struct arena *arena, size_t most)
{
    const size_t needed = row->bytes + 4 + most;
    if (UNLIKELY(needed > row->room)) grow(row, arena, needed);
    return row->values + row->bytes + 4;
}

static inline void end_value(struct row *row, size_t bytes)
{
    (void)wire_put_u32(row->values + row->bytes, (uint32_t)bytes);
    row->bytes += 4 + (uint32_t)bytes;
    row->n++;
}

static void put_bytes(struct row *row, struct arena *arena, struct wr_text bytes)
{
    char *const at = begin_value(row, arena, bytes.len);
    if (bytes.len > 0) memcpy(at, bytes.at, bytes.len);
    end_value(row, bytes.len);
}

static void put_fixed(struct row *row, struct arena *arena, int64_t value, int32_t len)
{
    (void)wire_put_int(begin_value(row, arena, 8), value, len);
    end_value(row, (size_t)len);
}

/* ---- numbers and times ------------------------------------------------------------------------- */

void row_put_null(struct row *row, struct arena *arena)
{
    (void)begin_value(row, arena, 0);
    (void)wire_put_u32(row->values + row->bytes, UINT32_MAX);
    row->bytes += 4;
    row->n++;
}

void row_put_bool(struct row *row, struct arena *arena, bool value)
{
    put_fixed(row, arena, value, 1);
}

bool row_put_int(struct row *row, struct arena *arena, enum wr_type type, int64_t value,
                 const char **fault)
{
    const int64_t most = type == WR_INT2 ? INT16_MAX : type == WR_INT4 ? INT32_MAX : INT64_MAX;
    *fault = "is beyond the column's range";
    if (value > most || value < -most - 1) return false;
    put_fixed(row, arena, value, type == WR_INT2 ? 2 : type == WR_INT4 ? 4 : 8);
    return true;
}

void row_put_float(struct row *row, struct arena *arena, double value)
{
    (void)wire_put_float(begin_value(row, arena, 8), value);
    end_value(row, 8);
}

bool row_put_time_us(struct row *row, struct arena *arena, int64_t unix_us, const char **fault)
{
    *fault = "is before the year 4713 BC, where PostgreSQL's time begins";
    if (unix_us < FIRST_US + EPOCH_US) return false;
    put_fixed(row, arena, unix_us - EPOCH_US, 8);
    return true;
}

bool row_put_date(struct row *row, struct arena *arena, int32_t unix_day, const char **fault)
{
    const int64_t day = (int64_t)unix_day - EPOCH_DAYS;
    *fault = "is beyond PostgreSQL's dates, 4713 BC to 5874897";
    if (day < FIRST_DAY || day >= END_DAY) return false;
    put_fixed(row, arena, day, 4);
    return true;
}

/* ---- UUID -------------------------------------------------------------------------------------- */

/* What a digit is worth; DIGIT tells it from what is none. */
enum { DIGIT = 0x10 };
static const uint8_t hex_digits[256] = {
    ['0'] = 0x10, ['1'] = 0x11, ['2'] = 0x12, ['3'] = 0x13, ['4'] = 0x14, ['5'] = 0x15,
    ['6'] = 0x16, ['7'] = 0x17, ['8'] = 0x18, ['9'] = 0x19, ['a'] = 0x1a, ['b'] = 0x1b,
    ['c'] = 0x1c, ['d'] = 0x1d, ['e'] = 0x1e, ['f'] = 0x1f, ['A'] = 0x1a, ['B'] = 0x1b,
    ['C'] = 0x1c, ['D'] = 0x1d, ['E'] = 0x1e, ['F'] = 0x1f,
};

/* The byte that two digits are; where they are not, `good` loses its DIGIT. */
static inline char hex_byte(const char *at, unsigned *good)
{
    const unsigned high = hex_digits[(unsigned char)at[0]], low = hex_digits[(unsigned char)at[1]];
    *good &= high & low;
    return (char)(high << 4 | (low & 15));
}

/* As nearly all are written: 8-4-4-4-12. */
static bool read_usual_uuid(const char *at, char out[16])
{
    static const uint8_t places[16] = { 0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34 };
    unsigned good = DIGIT;
    if (at[8] != '-' || at[13] != '-' || at[18] != '-' || at[23] != '-') return false;
#pragma GCC unroll 16
    for (int i = 0; i < 16; i++) out[i] = hex_byte(at + places[i], &good);
    return good;
}

/* 32 digits, with hyphens after any group of four, and braces around it if need be. */
static bool read_uuid(struct wr_text text, char out[16])
{
    if (LIKELY(text.len == 36 && read_usual_uuid(text.at, out))) return true;
    const char *at = text.at, *end = text.at + text.len;
    unsigned good = DIGIT;
    if (text.len > 1 && *at == '{') {
        if (*--end != '}') return false;
        at++;
    }
    for (int i = 0; i < 16; i++) {
        if (end - at < 2) return false;
        out[i] = hex_byte(at, &good);
        at += 2;
        if (i % 2 == 1 && i < 15 && at < end && *at == '-') at++;
    }
    return at == end && good;
}

bool row_put_uuid(struct row *row, struct arena *arena, struct wr_text value, const char **fault)
{
    *fault = "is no UUID such as 0194f0c8-7c1e-7a3b-9d2e-5f6071829304";
    if (!read_uuid(value, begin_value(row, arena, 16))) return false;
    end_value(row, 16);
    return true;
}

/* ---- text -------------------------------------------------------------------------------------- */

static bool is_text_good(struct wr_text text, const char **fault)
{
    if (LIKELY(text_is_plain(text))) return true;
    *fault = "holds a zero byte";
    if (text.len > 0 && memchr(text.at, '\0', text.len)) return false;
    *fault = "is not UTF-8";
    return text_is_utf8(text);
}

/* \u0000 is good JSON, but nothing that jsonb can hold. */
static bool has_zero_escape(struct wr_text json)
{
    const char *at = json.at, *const end = json.at + json.len;
    while ((at = memchr(at, '\\', (size_t)(end - at))) && end - at >= 2) {
        if (end - at >= 6 && memcmp(at, "\\u0000", 6) == 0) return true;
        at += 2;
    }
    return false;
}

/* How deep it may be nested is for the server to say: its stack decides. */
static bool is_json(struct wr_text text, const char **fault)
{
    struct json json;
    *fault = "is no JSON";
    if (json_open(&json, text) == JSON_OK) return true;
    return json.depth == JSON_DEPTH_MAX && json.why_at < text.len &&
           (text.at[json.why_at] == '[' || text.at[json.why_at] == '{');
}

static bool put_jsonb(struct row *row, struct arena *arena, struct wr_text text, const char **fault)
{
    if (!is_text_good(text, fault) || !is_json(text, fault)) return false;
    *fault = "holds \\u0000, which jsonb cannot";
    if (has_zero_escape(text)) return false;
    char *const at = begin_value(row, arena, text.len + 1);
    at[0] = 1; /* the version of jsonb's binary form */
    memcpy(at + 1, text.at, text.len);
    end_value(row, text.len + 1);
    return true;
}

bool row_put_text(struct row *row, struct arena *arena, enum wr_type type, struct wr_text value,
                  const char **fault)
{
    size_t bytes;
    switch (type) {
    case WR_BYTEA: break;
    case WR_JSONB: return put_jsonb(row, arena, value, fault);
    case WR_NUMERIC:
        if (!numeric_encode(value, begin_value(row, arena, NUMERIC_BYTES(value.len)), &bytes,
                            fault))
            return false;
        end_value(row, bytes);
        return true;
    case WR_INET:
        if (!inet_encode(value, begin_value(row, arena, INET_BYTES), &bytes, fault)) return false;
        end_value(row, bytes);
        return true;
    default:
        if (!is_text_good(value, fault)) return false;
    }
    put_bytes(row, arena, value);
    return true;
}

/* ---- arrays ------------------------------------------------------------------------------------ */

bool row_put_texts(struct row *row, struct arena *arena, const struct wr_text *values, size_t n,
                   const char **fault)
{
    for (size_t i = 0; i < n; i++)
        if (!is_text_good(values[i], fault)) return false;
    char *const at = begin_value(row, arena, array_text_room(values, n));
    end_value(row, array_text_of_texts(at, values, n));
    return true;
}

void row_put_ints(struct row *row, struct arena *arena, const int64_t *values, size_t n)
{
    char *const at = begin_value(row, arena, n * ARRAY_INT_CHARS + 2);
    end_value(row, array_text_of_ints(at, values, n));
}
