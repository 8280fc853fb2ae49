/* SPDX-License-Identifier: Apache-2.0
 *
 * A loader as the host uses it: the declaration checked, its SQL ready to be asked for many keys at
 * once, and its key in the cache. Pure: the database is asked elsewhere. */
#ifndef STORE_LOADER_H
#define STORE_LOADER_H

#include "store/parcel.h"

struct loader {
    unsigned nth;          /* in the handler's list */
    const char *name;      /* the declaration's */
    char *sql;             /* without what ends it */
    char *look_sql;        /* gives its columns, and no rows */
    const char *cache_key; /* the declaration's; NULL: not cached */
    uint32_t ttl_s, absent_ttl_s;
    const struct sink *guards; /* NULL: it guards nothing */
    char *check_sql;           /* likewise; see guard.h */
};

/* Names a fault as "loader 1 (product): …". `sinks` are the handler's, whole, and outlive it. */
MUST_USE struct loader *loader_new(const struct wr_loader *declared, unsigned nth,
                                   const struct wr_sink *declared_sinks, struct sink *const *sinks,
                                   unsigned n_sinks, struct status *status);
void loader_free(struct loader *loader); /* NULL is fine */

/* What a guard decides on is what is committed, so it is read from the table alone. */
static inline bool loader_is_cached(const struct loader *loader)
{
    return loader->cache_key && !loader->guards;
}

/* The bytes of a key's name in the cache, and the name, written to `out`. */
size_t loader_cache_key_bytes(const struct loader *loader, struct wr_text key);
void loader_write_cache_key(const struct loader *loader, struct wr_text key, char *out);

/* Asks for these keys. It lives as long as the arena. */
struct parcel_step loader_step(const struct loader *loader, const struct wr_text *keys, size_t n,
                               struct arena *arena);
/* Asks for no rows, to see what they would be like. */
struct parcel_step loader_look_step(const struct loader *loader);
/* Says in words what is wrong with n columns of these types; "" where nothing is. */
void loader_judge_columns(int n, const uint32_t *of, char *out, size_t out_bytes);

#endif
