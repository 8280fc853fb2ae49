/* SPDX-License-Identifier: Apache-2.0
 *
 * One statement outside any parcel, on whichever connection is free next: for what may be done twice,
 * since one that failed may have been done. It waits as long as the store is away. */
#ifndef STORE_QUERY_H
#define STORE_QUERY_H

#include "base/list.h"
#include "store/store.h"

struct query_rows; /* of an answer; borrowed for the call */
size_t query_count(const struct query_rows *rows);
int query_columns(const struct query_rows *rows);
/* As text; "" where it is NULL. */
struct wr_text query_text(const struct query_rows *rows, size_t row, int column);
bool query_is_null(const struct query_rows *rows, size_t row, int column);

enum query_state { QUERY_IDLE, QUERY_WAITING, QUERY_OUT };

/* Embedded in its owner, zeroed before its first use; the step and its values stay until on_end. */
struct query {
    struct parcel_step step;
    void (*on_rows)(void *owner, const struct query_rows *rows); /* NULL: it gives none */
    /* Exactly one, never from inside store_ask. False: it failed, in words. It may be asked again or
     * freed from here. */
    void (*on_end)(void *owner, bool is_done, const char *why);
    void *owner;
    uint32_t timeout_ms; /* 0: the store's own */
    /* The store's: */
    struct list link;
    enum query_state state;
    struct slot *slot; /* OUT */
    char sqlstate[6];  /* of a failure; "" where the server did not tell */
    char why[300];
};

void store_ask(struct store *store, struct query *query);
/* No callback any more; it may be done all the same. Harmless on one that is idle. */
void store_unask(struct query *query);

/* ---- for the pool ------------------------------------------------------------------------------ */

/* Starts it on the slot's connection, which is ready. */
void query_start(struct query *query, struct slot *slot, uint32_t timeout_ms,
                 void (*on_slot_free)(struct slot *slot));

#endif
