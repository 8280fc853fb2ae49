/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of one key made into one, as the statement would have merged them one after another. Pure. */
#ifndef STORE_FOLD_H
#define STORE_FOLD_H

#include "store/sink.h"

/* The server's order of the column's values is known here as well: what is in the way is mostly
 * collations, and casts to types of which nothing is known. */
bool fold_can_compare(const struct wr_column *column);

union fold_sum {
    int64_t integer;
    double real;
};

/* What the rows so far have become; on the stack of who folds. The sink SINK_FOLDS and is WR_MERGE, and
 * all rows, in arrival order, are of one key. */
struct folding {
    const struct sink *sink;
    struct row_value values[SINK_COLUMNS_MOST]; /* borrowed of the rows */
    union fold_sum sums[SINK_COLUMNS_MOST];     /* in place of the values of WR_SUM */
    bool has_overflowed;
};

void fold_begin(struct folding *folding, const struct sink *sink, const struct row *first);
void fold_add(struct folding *folding, const struct row *next);
/* The values that stand for all of them, by column, in the arena. NULL where a sum left its column's
 * range: then the server is to say so. */
const struct row_value *fold_end(struct folding *folding, struct arena *arena);

#endif
