/* SPDX-License-Identifier: Apache-2.0
 *
 * Binary arrays; see pack.h. Rows are walked twice: to measure, then to move their elements, which are
 * encoded already. A sum's NULL is sent as 0, so that what is inserted equals what is added. */
#include "store/pack.h"

#include "base/check.h"

enum {
    HEAD_BYTES = 20,
    EPOCH_DAYS = 10957, /* 1970-01-01 to 2000-01-01 */
    OID_TEXT = 25,
    OID_DATE = 1082,
};

/* What is known of a column while its array is made. */
struct packing {
    unsigned n; /* columns */
    uint32_t bytes[SINK_COLUMNS_MOST];
    char *to[SINK_COLUMNS_MOST];
    bool has_null[SINK_COLUMNS_MOST];
    int8_t zero_bytes[SINK_COLUMNS_MOST]; /* what a NULL is sent as; 0: as NULL */
};

static char *put_head(char *to, bool has_null, uint32_t oid, size_t n)
{
    to = wire_put_u32(to, 1); /* dimension */
    to = wire_put_u32(to, has_null);
    to = wire_put_u32(to, oid);
    to = wire_put_u32(to, (uint32_t)n);
    return wire_put_u32(to, 1); /* the first index */
}

static int8_t zero_bytes(const struct wr_column *column)
{
    if (column->merge != WR_SUM) return 0;
    return column->type == WR_INT2 ? 2 : column->type == WR_INT4 ? 4 : 8;
}

static void begin(struct packing *packing, const struct sink *sink, bool is_delete)
{
    packing->n = is_delete ? sink->n_key : sink->n;
    for (unsigned i = 0; i < packing->n; i++) {
        packing->bytes[i] = HEAD_BYTES;
        packing->has_null[i] = false;
        packing->zero_bytes[i] = is_delete || sink->has_own_sql ? 0 : zero_bytes(&sink->columns[i]);
    }
}

static inline void measure(struct packing *packing, unsigned column, int32_t len)
{
    if (LIKELY(len >= 0)) {
        packing->bytes[column] += 4 + (uint32_t)len;
        return;
    }
    packing->bytes[column] += 4 + (uint32_t)packing->zero_bytes[column];
    if (packing->zero_bytes[column] == 0) packing->has_null[column] = true;
}

static void measure_row(struct packing *packing, const struct pack_row *row)
{
    uint32_t at = 0;
    for (unsigned i = 0; i < packing->n; i++)
        measure(packing, i, row->folded ? row->folded[i].len : row_next_value(row->row, &at).len);
}

/* The lengths that are usual are copied without a call. */
static inline char *move_value(char *to, struct row_value value)
{
    to = wire_put_u32(to, (uint32_t)value.len);
    switch (value.len) {
    case 4: memcpy(to, value.at, 4); break;
    case 8: memcpy(to, value.at, 8); break;
    case 16: memcpy(to, value.at, 16); break;
    default: memcpy(to, value.at, (size_t)value.len); break;
    }
    return to + value.len;
}

static void move_null(struct packing *packing, unsigned column)
{
    const int8_t zeros = packing->zero_bytes[column];
    char *const to = wire_put_u32(packing->to[column], zeros > 0 ? (uint32_t)zeros : UINT32_MAX);
    memset(to, 0, (size_t)zeros);
    packing->to[column] = to + zeros;
}

static void move_row(struct packing *packing, const struct pack_row *row)
{
    uint32_t at = 0;
    for (unsigned i = 0; i < packing->n; i++) {
        const struct row_value value = row->folded ? row->folded[i] : row_next_value(row->row, &at);
        if (LIKELY(value.len >= 0))
            packing->to[i] = move_value(packing->to[i], value);
        else
            move_null(packing, i);
    }
}

void pack_rows(const struct sink *sink, bool is_delete, const struct pack_row *rows, size_t n,
               struct arena *arena, const char **values, int *lengths)
{
    struct packing packing; /* large: begin sets what is used */
    begin(&packing, sink, is_delete);
    for (size_t i = 0; i < n; i++) measure_row(&packing, &rows[i]);
    size_t bytes = 0;
    for (unsigned i = 0; i < packing.n; i++) bytes += packing.bytes[i];
    CHECK(bytes <= INT32_MAX);
    char *to = arena_take_bytes(arena, bytes);
    for (unsigned i = 0; i < packing.n; i++) {
        const struct wr_column *const column = &sink->columns[is_delete ? sink->key[i] : i];
        values[i] = to;
        lengths[i] = (int)packing.bytes[i];
        packing.to[i] = put_head(to, packing.has_null[i], row_type(column->type)->sent_oid, n);
        to += packing.bytes[i];
    }
    for (size_t i = 0; i < n; i++) move_row(&packing, &rows[i]);
}

void pack_texts(const struct wr_text *texts, size_t n, struct arena *arena, const char **value,
                int *length)
{
    size_t bytes = HEAD_BYTES;
    for (size_t i = 0; i < n; i++) bytes += 4 + texts[i].len;
    CHECK(bytes <= INT32_MAX);
    char *const begin_at = arena_take_bytes(arena, bytes);
    char *to = put_head(begin_at, false, OID_TEXT, n);
    for (size_t i = 0; i < n; i++)
        to = move_value(to, (struct row_value){ texts[i].at, (int32_t)texts[i].len });
    *value = begin_at;
    *length = (int)bytes;
}

void pack_days(const int32_t *unix_days, size_t n, struct arena *arena, const char **value,
               int *length)
{
    const size_t bytes = HEAD_BYTES + 8 * n;
    char *const begin_at = arena_take_bytes(arena, bytes);
    char *to = put_head(begin_at, false, OID_DATE, n);
    for (size_t i = 0; i < n; i++) {
        to = wire_put_u32(to, 4);
        to = wire_put_u32(to, (uint32_t)(unix_days[i] - EPOCH_DAYS));
    }
    *value = begin_at;
    *length = (int)bytes;
}
