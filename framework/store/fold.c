/* SPDX-License-Identifier: Apache-2.0
 *
 * Folding; see fold.h. Integers are summed in 64 bits, so that only the end has to fit the column. The
 * key stays as the first row has it: equal numerics may be written differently. */
#include "store/fold.h"

#include "base/check.h"

bool fold_can_compare(const struct wr_column *column)
{
    if (column->as) return false;
    switch (column->type) {
    case WR_NUMERIC:
    case WR_TEXT:
    case WR_INET:
    case WR_JSONB:
    case WR_TEXT_ARRAY:
    case WR_INT8_ARRAY: return false;
    default: return true;
    }
}

static int compare_bytes(struct row_value a, struct row_value b)
{
    const int32_t least = a.len < b.len ? a.len : b.len;
    const int order = memcmp(a.at, b.at, (size_t)least);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

/* NaN is above all, as PostgreSQL has it. */
static int compare_floats(double a, double b)
{
    if (__builtin_isnan(a) || __builtin_isnan(b)) return __builtin_isnan(a) - __builtin_isnan(b);
    return (a > b) - (a < b);
}

static int compare(enum wr_type type, struct row_value a, struct row_value b)
{
    if (type == WR_UUID || type == WR_BYTEA) return compare_bytes(a, b);
    if (type == WR_FLOAT8) return compare_floats(wire_float(a.at), wire_float(b.at));
    const int64_t x = wire_int(a.at, a.len), y = wire_int(b.at, b.len);
    return (x > y) - (x < y);
}

static void add(struct folding *folding, unsigned column, struct row_value value)
{
    union fold_sum *const sum = &folding->sums[column];
    if (value.len < 0) return; /* NULL sums as 0 */
    if (folding->sink->columns[column].type == WR_FLOAT8)
        sum->real += wire_float(value.at);
    else if (__builtin_add_overflow(sum->integer, wire_int(value.at, value.len), &sum->integer))
        folding->has_overflowed = true;
}

static void merge(struct folding *folding, unsigned column, struct row_value value)
{
    const struct wr_column *const declared = &folding->sink->columns[column];
    struct row_value *const kept = &folding->values[column];
    const bool is_null = value.len < 0, was_null = kept->len < 0;
    switch (declared->merge) {
    case WR_FIRST: return;
    case WR_SUM: add(folding, column, value); return;
    case WR_MIN:
        if (!is_null && (was_null || compare(declared->type, value, *kept) < 0)) *kept = value;
        return;
    case WR_MAX:
        if (!is_null && (was_null || compare(declared->type, value, *kept) > 0)) *kept = value;
        return;
    case WR_FILL:
        if (!is_null) *kept = value;
        return;
    default: *kept = value;
    }
}

void fold_begin(struct folding *folding, const struct sink *sink, const struct row *first)
{
    uint32_t at = 0;
    *folding = (struct folding){ .sink = sink };
    for (unsigned i = 0; i < sink->n; i++) {
        folding->values[i] = row_next_value(first, &at);
        if (sink->columns[i].merge == WR_SUM) add(folding, i, folding->values[i]);
    }
}

/* newest_by: only what is newer than all before it is merged. */
static bool is_stale(const struct folding *folding, const struct row *row)
{
    const int by = folding->sink->newest_by;
    if (by < 0 || folding->values[by].len < 0) return false;
    uint32_t at = 0;
    for (int i = 0; i < by; i++) (void)row_next_value(row, &at);
    const struct row_value value = row_next_value(row, &at);
    return value.len < 0 ||
           compare(folding->sink->columns[by].type, value, folding->values[by]) <= 0;
}

void fold_add(struct folding *folding, const struct row *next)
{
    uint32_t at = 0;
    if (is_stale(folding, next)) return;
    for (unsigned i = 0; i < folding->sink->n; i++) {
        const struct row_value value = row_next_value(next, &at);
        if (!folding->sink->is_key[i]) merge(folding, i, value);
    }
}

/* A sum as a value of its column; false where it does not fit. */
static bool end_sum(const struct folding *folding, unsigned column, struct arena *arena,
                    struct row_value *value)
{
    const enum wr_type type = folding->sink->columns[column].type;
    const union fold_sum sum = folding->sums[column];
    char *const at = arena_take_bytes(arena, 8);
    *value = (struct row_value){ at, type == WR_INT2 ? 2 : type == WR_INT4 ? 4 : 8 };
    if (type == WR_FLOAT8) {
        (void)wire_put_float(at, sum.real);
        return true;
    }
    (void)wire_put_int(at, sum.integer, value->len);
    return wire_int(at, value->len) == sum.integer;
}

const struct row_value *fold_end(struct folding *folding, struct arena *arena)
{
    const struct sink *const sink = folding->sink;
    bool fits = !folding->has_overflowed;
    for (unsigned i = 0; i < sink->n && fits; i++)
        if (sink->columns[i].merge == WR_SUM)
            fits = end_sum(folding, i, arena, &folding->values[i]);
    if (!fits) return NULL;
    struct row_value *const values = arena_take(arena, sink->n * sizeof *values);
    memcpy(values, folding->values, sink->n * sizeof *values);
    return values;
}
