/* SPDX-License-Identifier: Apache-2.0
 *
 * A parcel: the rows of the messages that commit together, made ready to be sent. Rows are folded per
 * key in arrival order, sorted by key (two hosts that touch the same keys in different orders
 * deadlock), and packed as binary arrays. A sink is one step, or more where rows and deletes of one key
 * must follow one another. Pure; it borrows the rows until it is freed. */
#ifndef STORE_PARCEL_H
#define STORE_PARCEL_H

#include "store/sink.h"

struct parcel_message {
    struct wr_text id;                 /* "" where it has none */
    int64_t timestamp_ms;              /* the publisher's own; 0: none */
    const struct row *rows;            /* NULL: it writes nothing */
    const struct parcel_guard *guards; /* see guard.h */
    size_t n_guards;
};

struct parcel;

/* `messages` in arrival order; texts and rows outlive the parcel, `sinks` (by their number) too. Messages
 * that write to a sink that is `once` have an id, of UTF-8 without NUL. */
struct parcel *parcel_new(struct sink *const *sinks, unsigned n_sinks, const char *consumer,
                          const struct parcel_message *messages, size_t n);
void parcel_free(struct parcel *parcel);

/* What is to be executed, in order. Statements live as long as their sinks, values with the parcel. */
struct parcel_step {
    const char *name; /* of the prepared statement: stable for its sink's life */
    const char *sql;
    int n_values;
    const uint32_t *types; /* OIDs */
    const char *const *values;
    const int *lengths; /* all values are binary */
    unsigned rows;      /* sent, after folding */
    bool is_check;      /* fails where what was read has moved */
    bool is_inbox;      /* its affected rows are messages seen for the first time */
    bool is_keep;       /* its rows that are not affected were known by their key already */
    unsigned n_ids;     /* is_inbox: ids sent, repeats within the parcel not counted */
    unsigned repeats;   /* is_inbox, is_keep: what the parcel itself held twice, and is not sent */
    const struct sink
        *recalls; /* its rows are entries of the cache, see recall.h; NULL: they are not */
};
size_t parcel_steps(const struct parcel *parcel, const struct parcel_step **steps);

/* Whether two parcels touch a common key (or message id): then they never fly at once. So where that
 * cannot be told: one table by two keys, or SQL of a handler's own without a key. */
bool parcel_meets(const struct parcel *a, const struct parcel *b);

#endif
