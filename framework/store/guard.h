/* SPDX-License-Identifier: Apache-2.0
 *
 * What a decision was made on must still be so when it is committed. A transaction with guards begins
 * with three kinds of steps: it claims the keys that were read (an advisory lock each, which holds where
 * there is no row yet), locks the guarded rows it is going to write, and runs the loader again: where a
 * version is another than was read, that statement fails, and says whose. Pure. */
#ifndef STORE_GUARD_H
#define STORE_GUARD_H

#include "store/loader.h"

/* A key that a message decided on. */
struct parcel_guard {
    const struct loader *loader; /* one that guards */
    struct wr_text key;
    uint64_t version; /* as it was read; 0: it was absent */
};

/* In a parcel. */
struct guard_item {
    const struct parcel_guard *guard;
    uint32_t message;
};

/* Each lives as long as the arena; n is not 0. */
struct parcel_step guard_claim_step(const struct guard_item *items, size_t n, struct arena *arena);
/* Of those items that are of this loader. */
struct parcel_step guard_check_step(const struct loader *loader, const struct guard_item *items,
                                    size_t n, struct arena *arena);

/* The messages of which an error of a check says that what they read has moved: not always all of
 * them. How many; 0: it is no such error. */
size_t guard_read_moved(const char *text, uint32_t *messages, size_t room);

/* The check's SQL, from that of a loader; on the heap. */
char *guard_make_check(const char *loader_sql);

#endif
