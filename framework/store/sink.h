/* SPDX-License-Identifier: Apache-2.0
 *
 * A sink as the host uses it: the declaration checked and its options filled in, its key as column
 * numbers, and the statements made from it, once. Pure: the catalogue is asked elsewhere. */
#ifndef STORE_SINK_H
#define STORE_SINK_H

#include "store/row.h"

#define SINK_COLUMNS_MOST 64
#define SINK_VALUES_MOST (SINK_COLUMNS_MOST + 3) /* `once`: message ids, their days, the consumer */
#define SINK_NAME_BYTES 24

enum sink_fold {
    SINK_FOLDS,  /* rows of one key become one before they are sent */
    SINK_GROUPS, /* the statement groups them itself: `once`, and sums that only the server makes */
    SINK_WAVES,  /* one row of a key after another, each in a statement of its own: newest_by where
                       what is merged depends on what the table holds */
    SINK_KEEPS_ALL, /* plain insert, or SQL of the handler's own: every row is sent as it came */
};

/* A statement made for a sink. Its name tells its text: the same for the same text, so that sinks of
 * several consumers may share a connection. */
struct sink_statement {
    char *sql; /* NULL: there is none */
    char name[SINK_NAME_BYTES];
    unsigned n_values;
    uint32_t types[SINK_VALUES_MOST]; /* OIDs */
};

struct sink {
    unsigned nth;                                /* in the handler's list */
    char *table;                                 /* quoted, options filled in */
    unsigned n;                                  /* columns declared */
    struct wr_column columns[SINK_COLUMNS_MOST]; /* names are the declaration's */
    bool is_key[SINK_COLUMNS_MOST];              /* by column */
    unsigned n_key, key[SINK_COLUMNS_MOST];      /* columns of the key, in its order */
    enum wr_conflict on_conflict;
    bool is_once;
    bool has_own_sql;
    bool has_version; /* it has a cache_key: the host keeps the table's column `ver` */
    bool is_cached_around;
    uint32_t cache_ttl_s;
    char *cache_key; /* has_version; else NULL */
    char *source;    /* has_version: what its repairs are known by, on every host; else NULL */
    int newest_by;   /* a column; -1: none */
    enum sink_fold fold;
    /* For rows: one array a column. For wr_delete: one array a column of the key; none without a key.
     * For `once` both take, after those, the messages' ids and days, and the consumer's name. */
    struct sink_statement upsert, erase;
    /* For entries of the cache; none without a cache_key. `recall` takes what `erase` takes, never ids;
     * `reread` literals of the key. */
    struct sink_statement recall, reread;
    struct sink_statement hold; /* where a loader guards it */
};

/* Names a fault as "sink 1 (login_event): key names \"x\", which is no column of it". */
MUST_USE struct sink *sink_new(const struct wr_sink *declared, unsigned nth,
                               const char *(*option)(void *owner, const char *name), void *owner,
                               struct status *status);
void sink_free(struct sink *sink); /* NULL is fine */
/* There is no cache: nothing is read back for it. The column `ver` is kept all the same. */
void sink_leave_cache(struct sink *sink);

/* A column's type in the table: `as`, or what its wr_type is to PostgreSQL. */
const char *sink_column_type(const struct sink *sink, unsigned column);

/* The SQL that would mend a catalogue that does not fit, for errors and `check --connect`. */
char *sink_mending_sql(const struct sink *sink); /* heap: create table if not exists ...; */

#endif
