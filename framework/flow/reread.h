/* SPDX-License-Identifier: Apache-2.0
 *
 * Entries of sinks read again from their tables, one query a sink: what was read in a commit must not be
 * written once Redis may have forgotten what came after it. Belongs to the loop. */
#ifndef FLOW_REREAD_H
#define FLOW_REREAD_H

#include "cache/versioned.h"
#include "store/recall.h"

/* Where an entry comes from; sink NULL: from the handler itself, and it stays as it is. */
struct origin {
    const struct sink *sink;
    struct wr_text row; /* as in struct recalled */
};

/* What is known of a row now, as an entry; `before`: the entry of what was known earlier, whose key and
 * ttl stay. A row that has gone, or was made anew under an older version, is a drop above `before`.
 * Pure. */
struct cache_entry reread_entry(const struct cache_entry *before, const struct recalled_again *now);

struct reread;
/* Changes the entries in place, new values in the arena; all is borrowed until its one on_end, which
 * never comes from inside and waits as long as the database is away. False: not all of it is read, in
 * words. */
struct reread *reread_start(struct store *store, struct cache_entry *entries,
                            const struct origin *origins, size_t n, struct arena *arena,
                            void (*on_end)(void *owner, bool is_done, const char *why),
                            void *owner);
void reread_cancel(struct reread *reread);

#endif
