/* SPDX-License-Identifier: Apache-2.0
 *
 * PostgreSQL's binary arrays, one a column, made from rows. Pure. */
#ifndef STORE_PACK_H
#define STORE_PACK_H

#include "store/sink.h"

/* A row to be sent: as it was put, or what folding made of several. */
struct pack_row {
    const struct row *row;
    const struct row_value *folded; /* by column; NULL: the row's own values */
};

/* The arrays' values and lengths, into values[0..columns). A delete's columns are those of the key. */
void pack_rows(const struct sink *sink, bool is_delete, const struct pack_row *rows, size_t n,
               struct arena *arena, const char **values, int *lengths);

/* Of message ids, and of days of Unix time. */
void pack_texts(const struct wr_text *texts, size_t n, struct arena *arena, const char **value,
                int *length);
void pack_days(const int32_t *unix_days, size_t n, struct arena *arena, const char **value,
               int *length);

#endif
