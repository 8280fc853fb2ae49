/* SPDX-License-Identifier: Apache-2.0
 *
 * See recall.h. */
#include "store/recall.h"

#include "store/pack.h"

/* Of `recall`, and of what an erase returns. */
enum { COLUMN_KEY, COLUMN_VERSION, COLUMN_VALUE, COLUMN_ROW };

static struct wr_text text_at(const PGresult *result, int nth, int column)
{
    return text_from(PQgetvalue(result, nth, column), (size_t)PQgetlength(result, nth, column));
}

/* What was there before `ver` was kept may have any; below 0 there is nothing. */
static uint64_t version_of(struct wr_text digits)
{
    int64_t version;
    return text_to_int(digits, &version) && version > 0 ? (uint64_t)version : 0;
}

bool recall_take(const PGresult *result, int nth, const struct sink *sink, struct arena *arena,
                 struct recalled *out)
{
    if (PQgetisnull(result, nth, COLUMN_KEY)) return false;
    *out = (struct recalled){
        .sink = sink,
        .key = arena_copy(arena, text_at(result, nth, COLUMN_KEY)),
        .value = arena_copy(arena, text_at(result, nth, COLUMN_VALUE)),
        .row = arena_copy(arena, text_at(result, nth, COLUMN_ROW)),
        .version = version_of(text_at(result, nth, COLUMN_VERSION)),
        .is_drop = PQgetisnull(result, nth, COLUMN_VALUE) != 0,
    };
    return true;
}

struct parcel_step recall_again(const struct sink *sink, const struct wr_text *rows, size_t n,
                                struct arena *arena)
{
    const char **const values = arena_take(arena, sizeof *values);
    int *const lengths = arena_take(arena, sizeof *lengths);
    pack_texts(rows, n, arena, values, lengths);
    return (struct parcel_step){ .sql = sink->reread.sql,
                                 .n_values = 1,
                                 .types = sink->reread.types,
                                 .values = values,
                                 .lengths = lengths };
}

bool recall_take_again(const struct query_rows *rows, size_t nth, struct recalled_again *out)
{
    int64_t place;
    if (!text_to_int(query_text(rows, nth, 0), &place) || place < 1) return false;
    *out = (struct recalled_again){ .nth = (size_t)place - 1,
                                    .is_there = !query_is_null(rows, nth, 1),
                                    .version = version_of(query_text(rows, nth, 1)),
                                    .value = query_text(rows, nth, 2),
                                    .has_value = !query_is_null(rows, nth, 2) };
    return true;
}
