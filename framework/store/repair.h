/* SPDX-License-Identifier: Apache-2.0
 *
 * The statements of warrener.cache_repair: keys that the cache did not take. A key is there once, with
 * the newest of what was recorded; its seq rises with every recording, and it is deleted only at the seq
 * it was read at. Pure: steps are made, and rows read. */
#ifndef STORE_REPAIR_H
#define STORE_REPAIR_H

#include "base/arena.h"
#include "store/query.h"

struct repair_row {
    struct wr_text key, value; /* any bytes; a drop's value is "" */
    struct wr_text source;     /* a sink's; "": what a handler wrote itself */
    struct wr_text row;        /* the sink's key as the literal of a text[]: there is no value */
    bool is_drop;
    uint64_t version;
    uint32_t ttl_s;
    int64_t seq; /* as read */
    bool is_old; /* as read: it waits since some minutes */
};

/* Each lives as long as the arena. n is not 0. */
struct parcel_step repair_record(const struct repair_row *rows, size_t n, struct arena *arena);
struct parcel_step repair_delete(const struct repair_row *rows, size_t n, struct arena *arena);
/* The first `limit` rows above that seq, in the order of seq. */
struct parcel_step repair_read(int64_t above_seq, uint32_t limit, struct arena *arena);
struct parcel_step repair_count(void); /* one row: how many */

/* A row of repair_read's answer, texts in the arena. False: it is none. */
MUST_USE bool repair_take_row(const struct query_rows *rows, size_t nth, struct arena *arena,
                              struct repair_row *out);

#endif
