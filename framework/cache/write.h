/* SPDX-License-Identifier: Apache-2.0
 *
 * Versioned entries written together: one call of the script for a batch, more only where it is very
 * large. Every entry gets its own outcome. */
#ifndef CACHE_WRITE_H
#define CACHE_WRITE_H

#include "cache/cache.h"
#include "cache/versioned.h"

struct cache_write;

/* outcomes[i] is enum cache_outcome; `why` the first reason of one that FAILED, else "". Both are borrowed
 * for the call, after which the write has gone. */
typedef void cache_on_written(void *owner, const unsigned char *outcomes, size_t n,
                              const char *why);

/* Borrows the entries and their texts until its one on_written, which never comes from inside. n is
 * not 0. */
struct cache_write *cache_write(struct cache *cache, const struct cache_entry *entries, size_t n,
                                cache_on_written *on_written, void *owner);
/* Before its on_written, which never comes then; what was sent may take effect. */
void cache_write_cancel(struct cache_write *write);

#endif
