/* SPDX-License-Identifier: Apache-2.0
 *
 * Entries read together, and what is missing filled once. Of all who miss a key at one time within a
 * host one is told to load it, the others get what it loads; between hosts a short lock does the same.
 * What is loaded is written as any version is, so a slow load never brings old data back. Without a
 * cache, or while it is away, everything is missing, and still loaded by one at a time. Belongs to the
 * loop. */
#ifndef CACHE_READER_H
#define CACHE_READER_H

#include "cache/cache.h"

struct cache_reader;

/* `cache` NULL: there is none. It outlives the reader. */
struct cache_reader *cache_reader_new(struct loop *loop, struct cache *cache);
void cache_reader_free(struct cache_reader *reader); /* reads are cancelled before */

enum cache_found {
    CACHE_UNSETTLED, /* not known yet */
    CACHE_HIT,
    CACHE_KNOWN_ABSENT, /* remembered: nothing to load */
    CACHE_LOADED,       /* was missing, and has been loaded by somebody */
    CACHE_LOADED_ABSENT,
};

struct cache_got {
    enum cache_found found;
    struct wr_text value; /* HIT, LOADED; lives as long as the read */
    uint64_t version;
};

struct cache_read;

struct cache_read_events {
    /* These keys are for the owner to load, each to be ended by cache_read_fill. May come several times,
     * and from inside cache_read_fill of another read. */
    void (*on_missing)(void *owner, struct cache_read *read, const size_t *keys, size_t n);
    /* Once, when every key is settled; got[i] is of the i-th key. Free it now or later. */
    void (*on_settled)(void *owner, struct cache_read *read, const struct cache_got *got);
};

/* Keys are copied and differ from each other. Nothing is told from inside. */
struct cache_read *cache_read(struct cache_reader *reader, const struct wr_text *keys, size_t n,
                              const struct cache_read_events *events, void *owner);

/* What loading a key gave: its row, or that there is none. Texts are copied. A ttl of 0 is not
 * remembered. */
struct cache_loaded {
    bool is_absent;
    uint64_t version;
    struct wr_text value;
    uint32_t ttl_s;
};
void cache_read_fill(struct cache_read *read, size_t key, const struct cache_loaded *loaded);

/* Any time but from inside on_missing. Keys that were its to load become the next one's who waits. */
void cache_read_free(struct cache_read *read);

#endif
