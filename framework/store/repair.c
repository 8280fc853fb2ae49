/* SPDX-License-Identifier: Apache-2.0
 *
 * See repair.h. Rows are locked in the order of their keys, so that hosts do not deadlock. */
#include "store/repair.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "store/wire_bytes.h"

#define OID_BYTEA 17u
#define OID_INT8 20u
#define OID_TEXT 25u
#define OID_INT8_ARRAY 1016u
#define OID_BYTEA_ARRAY 1001u
#define OID_TEXT_ARRAY 1009u
#define HEAD_BYTES 20
#define DIGITS 20

#define NEWER "(excluded.version, excluded.value is not null) > (r.version, r.value is not null)"

static const char record_sql[] =
    "insert into warrener.cache_repair as r (key, version, value, ttl_s, source, row_key)"
    " select distinct on (k) k, v::numeric, x, t, nullif(s, ''), nullif(w, '')"
    " from unnest($1::bytea[], $2::text[], $3::bytea[], $4::int8[], $5::text[], $6::text[])"
    " u(k, v, x, t, s, w)"
    " order by k, v::numeric desc, (x is not null) desc"
    " on conflict (key) do update set seq = excluded.seq, at = now(),"
    " version = case when " NEWER " then excluded.version else r.version end,"
    " value = case when " NEWER " then excluded.value else r.value end,"
    " ttl_s = case when " NEWER " then excluded.ttl_s else r.ttl_s end,"
    " source = case when " NEWER " then excluded.source else r.source end,"
    " row_key = case when " NEWER " then excluded.row_key else r.row_key end";
static const uint32_t record_types[] = { OID_BYTEA_ARRAY, OID_TEXT_ARRAY, OID_BYTEA_ARRAY,
                                         OID_INT8_ARRAY,  OID_TEXT_ARRAY, OID_TEXT_ARRAY };

static const char delete_sql[] =
    "delete from warrener.cache_repair where ctid = any(array(select r.ctid"
    " from warrener.cache_repair r join unnest($1::bytea[], $2::int8[]) u(k, s)"
    " on r.key = u.k and r.seq = u.s order by r.key for update of r))";
static const uint32_t delete_types[] = { OID_BYTEA_ARRAY, OID_INT8_ARRAY };

static const char read_sql[] =
    "select encode(key, 'hex'), encode(value, 'hex'), version, ttl_s, seq, source, row_key,"
    " at < now() - interval '5 minutes'"
    " from warrener.cache_repair where seq > $1 order by seq limit $2";
static const uint32_t read_types[] = { OID_INT8, OID_INT8 };

static const char count_sql[] = "select count(*) from warrener.cache_repair";

/* ---- arrays ---------------------------------------------------------------------------------- */

/* The values of a step. */
struct values {
    struct arena *arena;
    const char **at;
    int *lengths;
    int n;
};

static struct values values_new(struct arena *arena, int n)
{
    return (struct values){ .arena = arena,
                            .at = arena_take(arena, (size_t)n * sizeof(char *)),
                            .lengths = arena_take(arena, (size_t)n * sizeof(int)) };
}

static char *begin_array(struct values *values, uint32_t element, size_t n, size_t bytes)
{
    CHECK(bytes + HEAD_BYTES <= INT32_MAX);
    char *at = arena_take_bytes(values->arena, bytes + HEAD_BYTES);
    values->at[values->n] = at;
    values->lengths[values->n++] = (int)(bytes + HEAD_BYTES);
    at = wire_put_u32(at, 1); /* dimension */
    at = wire_put_u32(at, 1); /* there may be NULLs */
    at = wire_put_u32(at, element);
    at = wire_put_u32(at, (uint32_t)n);
    return wire_put_u32(at, 1); /* counted from */
}

static char *put_text(char *at, struct wr_text text)
{
    at = wire_put_u32(at, (uint32_t)text.len);
    if (text.len) memcpy(at, text.at, text.len);
    return at + text.len;
}

static void add_keys(struct values *values, const struct repair_row *rows, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += 4 + rows[i].key.len;
    char *at = begin_array(values, OID_BYTEA, n, bytes);
    for (size_t i = 0; i < n; i++) at = put_text(at, rows[i].key);
}

static void add_values(struct values *values, const struct repair_row *rows, size_t n)
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += 4 + (rows[i].is_drop ? 0 : rows[i].value.len);
    char *at = begin_array(values, OID_BYTEA, n, bytes);
    for (size_t i = 0; i < n; i++)
        at = rows[i].is_drop ? wire_put_u32(at, UINT32_MAX) : put_text(at, rows[i].value);
}

static void add_texts(struct values *values, const struct repair_row *rows, size_t n,
                      struct wr_text (*text_of_row)(const struct repair_row *row))
{
    size_t bytes = 0;
    for (size_t i = 0; i < n; i++) bytes += 4 + text_of_row(&rows[i]).len;
    char *at = begin_array(values, OID_TEXT, n, bytes);
    for (size_t i = 0; i < n; i++) at = put_text(at, text_of_row(&rows[i]));
}

static struct wr_text source_of(const struct repair_row *row)
{
    return row->source;
}

static struct wr_text key_of(const struct repair_row *row)
{
    return row->row;
}

static void add_versions(struct values *values, const struct repair_row *rows, size_t n)
{
    char *at = begin_array(values, OID_TEXT, n, n * (4 + DIGITS));
    for (size_t i = 0; i < n; i++) {
        char digits[DIGITS + 1];
        snprintf(digits, sizeof digits, "%020llu", (unsigned long long)rows[i].version);
        at = put_text(at, text_from(digits, DIGITS));
    }
}

static char *put_number(char *at, int64_t number)
{
    return wire_put_u64(wire_put_u32(at, 8), (uint64_t)number);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static struct parcel_step step_of(const char *sql, const uint32_t *types,
                                  const struct values *values)
{
    return (struct parcel_step){ .sql = sql,
                                 .n_values = values->n,
                                 .types = types,
                                 .values = values->at,
                                 .lengths = values->lengths };
}

struct parcel_step repair_record(const struct repair_row *rows, size_t n, struct arena *arena)
{
    struct values values = values_new(arena, 6);
    add_keys(&values, rows, n);
    add_versions(&values, rows, n);
    add_values(&values, rows, n);
    char *at = begin_array(&values, OID_INT8, n, n * 12);
    for (size_t i = 0; i < n; i++) at = put_number(at, rows[i].ttl_s);
    add_texts(&values, rows, n, source_of);
    add_texts(&values, rows, n, key_of);
    return step_of(record_sql, record_types, &values);
}

struct parcel_step repair_delete(const struct repair_row *rows, size_t n, struct arena *arena)
{
    struct values values = values_new(arena, 2);
    add_keys(&values, rows, n);
    char *at = begin_array(&values, OID_INT8, n, n * 12);
    for (size_t i = 0; i < n; i++) at = put_number(at, rows[i].seq);
    return step_of(delete_sql, delete_types, &values);
}

struct parcel_step repair_read(int64_t above_seq, uint32_t limit, struct arena *arena)
{
    struct values values = values_new(arena, 2);
    const int64_t numbers[] = { above_seq, limit };
    for (int i = 0; i < 2; i++) {
        char *at = arena_take_bytes(arena, 8);
        wire_put_u64(at, (uint64_t)numbers[i]);
        values.at[i] = at;
        values.lengths[i] = 8;
    }
    values.n = 2;
    return step_of(read_sql, read_types, &values);
}

struct parcel_step repair_count(void)
{
    return (struct parcel_step){ .sql = count_sql };
}

/* ---- rows ------------------------------------------------------------------------------------ */

static int nibble(char digit)
{
    return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

static struct wr_text from_hex(struct wr_text hex, struct arena *arena)
{
    char *bytes = arena_take_bytes(arena, hex.len / 2 + 1);
    for (size_t i = 0; i < hex.len / 2; i++)
        bytes[i] = (char)(nibble(hex.at[2 * i]) * 16 + nibble(hex.at[2 * i + 1]));
    return text_from(bytes, hex.len / 2);
}

bool repair_take_row(const struct query_rows *rows, size_t nth, struct arena *arena,
                     struct repair_row *out)
{
    int64_t ttl_s, seq;
    if (!text_to_int(query_text(rows, nth, 3), &ttl_s) ||
        !text_to_int(query_text(rows, nth, 4), &seq) || ttl_s <= 0 || ttl_s > UINT32_MAX)
        return false;
    *out = (struct repair_row){
        .key = from_hex(query_text(rows, nth, 0), arena),
        .value = from_hex(query_text(rows, nth, 1), arena),
        .is_drop = query_is_null(rows, nth, 1),
        .version = strtoull(query_text(rows, nth, 2).at, NULL, 10),
        .ttl_s = (uint32_t)ttl_s,
        .seq = seq,
        .source = arena_copy(arena, query_text(rows, nth, 5)),
        .row = arena_copy(arena, query_text(rows, nth, 6)),
        .is_old = text_is(query_text(rows, nth, 7), "t"),
    };
    return true;
}
