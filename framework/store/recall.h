/* SPDX-License-Identifier: Apache-2.0
 *
 * What a transaction leaves, read back for the cache: the rows of the statements that sinks with a
 * cache_key end with. One statement, so one snapshot: a version and its value belong together. A row
 * that is not there is a drop, whose version comes from the clock. Pure. */
#ifndef STORE_RECALL_H
#define STORE_RECALL_H

#include <libpq-fe.h>

#include "store/query.h"
#include "store/sink.h"

/* An entry of the cache, as it is to be. */
struct recalled {
    const struct sink *sink;
    struct wr_text key, value; /* value: "" of a drop */
    struct wr_text row; /* the table's key, as the literal of a text[]: what to read it again by */
    uint64_t version;
    bool is_drop;
};

/* Rows of `recall`, or of what an erase returns, texts in the arena. False: it is no entry, for what
 * its key is made of is NULL. */
MUST_USE bool recall_take(const PGresult *result, int nth, const struct sink *sink,
                          struct arena *arena, struct recalled *out);

/* Rows of that sink again, outside any transaction: lives as long as the arena. */
struct parcel_step recall_again(const struct sink *sink, const struct wr_text *rows, size_t n,
                                struct arena *arena);
struct recalled_again {
    size_t nth; /* of the rows asked for */
    bool is_there;
    uint64_t version;
    struct wr_text value; /* borrowed; `has_value` */
    bool has_value;
};
MUST_USE bool recall_take_again(const struct query_rows *rows, size_t nth,
                                struct recalled_again *out);

#endif
