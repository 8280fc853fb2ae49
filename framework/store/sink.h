/* SPDX-License-Identifier: Apache-2.0
 *
 * A sink as the host uses it: the declaration checked and its options filled in, its key as column
 * numbers, and the statements made from it, once. Pure: the catalogue is asked elsewhere. */
#ifndef STORE_SINK_H
#define STORE_SINK_H

#include "store/row.h"

#define SINK_COLUMNS_MOST 64

enum sink_fold {
    SINK_FOLDS,     /* rows of one key become one before they are sent */
    SINK_GROUPS,    /* they are grouped by the statement itself: once, or sums of numeric */
    SINK_KEEPS_ALL, /* plain insert, or SQL of the handler's own: every row is sent */
};

struct sink {
    unsigned nth; /* in the handler's list: its statements are named after it */
    char *table;  /* quoted as needed, options filled in */
    unsigned n;
    struct wr_column columns[SINK_COLUMNS_MOST]; /* names are the declaration's */
    unsigned n_key, key[SINK_COLUMNS_MOST];      /* columns of the key, in its order */
    enum wr_conflict on_conflict;
    bool is_once;
    int newest_by; /* a column; -1: none */
    enum sink_fold fold;
    char *upsert; /* the statement for rows; parameters: one array a column, and for `once` also the
                     message ids, arrival numbers and the consumer's name after them */
    char *erase;  /* the statement for wr_delete; NULL: no key */
};

/* Names a fault as "sink 1 (login_event): key names \"x\", which is no column of it". */
MUST_USE struct sink *sink_new(const struct wr_sink *declared, unsigned nth,
                               const char *(*option)(void *owner, const char *name), void *owner,
                               struct status *status);
void sink_free(struct sink *sink);

/* The SQL that would mend a catalogue that does not fit, for errors and `check --connect`. */
char *sink_mending_sql(const struct sink *sink); /* heap: create table if not exists ...; */

#endif
