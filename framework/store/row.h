/* SPDX-License-Identifier: Apache-2.0
 *
 * A row as a handler puts it: its values are encoded once, in the lane, the way PostgreSQL takes
 * elements of a binary array (a length in network order, -1 for NULL, then the bytes). Later a batch
 * only moves bytes. Rows lie in their message's arena. Pure. */
#ifndef STORE_ROW_H
#define STORE_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <warrener/handler.h>

#include "base/arena.h"
#include "base/status.h"
#include "store/wire_bytes.h"

struct row {
    struct row *next; /* of the same message, in the order put */
    uint16_t sink;    /* of the handler's list */
    bool is_delete;   /* then its values are the key's columns, in the key's order */
    uint16_t n;       /* values put */
    uint32_t bytes;   /* of `values` */
    uint32_t room;    /* for them */
    char *values;     /* the encoded elements, one after another */
};

/* An empty row with room for what so many columns commonly take. */
struct row *row_new(struct arena *arena, unsigned sink, bool is_delete, unsigned n_columns);

/* One value of a row: -1 and NULL for NULL. */
struct row_value {
    const char *at;
    int32_t len;
};

/* Walks a row's values; `at` begins at 0. */
static inline struct row_value row_next_value(const struct row *row, uint32_t *at)
{
    const char *const length = row->values + *at;
    struct row_value value = { NULL, (int32_t)wire_u32(length) };
    *at += 4;
    if (value.len < 0) return value;
    value.at = length + 4;
    *at += (uint32_t)value.len;
    return value;
}

/* What each wr_type is to PostgreSQL, and which wr_put_ function serves it. One table. */
enum put_kind {
    PUT_BOOL,
    PUT_INT,
    PUT_FLOAT,
    PUT_TEXT,
    PUT_UUID,
    PUT_TIME_US,
    PUT_DATE,
    PUT_TEXTS,
    PUT_INTS,
};
struct row_type {
    const char *brief; /* "int8" */
    const char *name;  /* "bigint": as format_type() says it */
    uint32_t oid;      /* of the type */
    uint32_t sent_oid; /* of the elements sent: text where an array travels as its literal */
    uint32_t sent_array_oid;
    const char *sent_array; /* "uuid[]" */
    enum put_kind put;
    const char *put_name; /* "wr_put_uuid" */
};
const struct row_type *row_type(enum wr_type type); /* NULL: no such type */

/* Appending values. The row grows in the arena; the fault says what is wrong with the value ("is not
 * UTF-8", "is no inet address"), for its caller to name the column. A value that is refused leaves the
 * row as it was. Whether the value's kind suits the column is its caller's to know. */
void row_put_null(struct row *row, struct arena *arena);
void row_put_bool(struct row *row, struct arena *arena, bool value);
MUST_USE bool row_put_int(struct row *row, struct arena *arena, enum wr_type type, int64_t value,
                          const char **fault);
void row_put_float(struct row *row, struct arena *arena, double value);
MUST_USE bool row_put_text(struct row *row, struct arena *arena, enum wr_type type,
                           struct wr_text value, const char **fault);
MUST_USE bool row_put_uuid(struct row *row, struct arena *arena, struct wr_text value,
                           const char **fault);
MUST_USE bool row_put_time_us(struct row *row, struct arena *arena, int64_t unix_us,
                              const char **fault);
MUST_USE bool row_put_date(struct row *row, struct arena *arena, int32_t unix_day,
                           const char **fault);
MUST_USE bool row_put_texts(struct row *row, struct arena *arena, const struct wr_text *values,
                            size_t n, const char **fault);
void row_put_ints(struct row *row, struct arena *arena, const int64_t *values, size_t n);

/* A value as text, as psql would show it in UTC ("NULL" for NULL; jsonb as it was put): for `warrener
 * try` and errors. */
struct wr_text row_show(struct arena *arena, enum wr_type type, struct row_value value);

#endif
