/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows of one key made into one, as the statement would have merged them one after another. Pure. */
#ifndef STORE_FOLD_H
#define STORE_FOLD_H

#include "store/sink.h"

/* The server's order of the column's values is known here as well: what is in the way is mostly
 * collations, and casts to types of which nothing is known. */
bool fold_can_compare(const struct wr_column *column);

/* The values that stand for rows[0..n), in arrival order and all of one key, by column. NULL where a sum
 * left its column's range: then the server is to say so. The sink SINK_FOLDS and is WR_MERGE. */
const struct row_value *fold_rows(const struct sink *sink, const struct row *const *rows, size_t n,
                                  struct arena *arena);

#endif
