/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys in the one order in which every host locks rows: by the bytes of their first part, then by all
 * their bytes as encoded. It is nobody's collation, only the same everywhere. Pure. */
#ifndef STORE_KEYS_H
#define STORE_KEYS_H

#include "store/sink.h"

struct key {
    uint64_t prefix; /* of the first part: most comparisons end here */
    const char *at;  /* NULL: a part of it is NULL, so that it is equal to none */
    uint32_t len;
    uint32_t nth; /* whose it is, in arrival order */
};

/* The key of a sink's row or delete. Normalised where equal values have several encodings. */
struct key key_of_row(const struct sink *sink, const struct row *row, uint32_t nth,
                      struct arena *arena);
struct key key_of_text(struct wr_text text, uint32_t nth);

/* By key, those that are equal in arrival order. `spare` has room for n. */
void keys_sort(struct key *keys, struct key *spare, size_t n);

static inline bool keys_equal(const struct key *a, const struct key *b)
{
    return a->prefix == b->prefix && a->at && b->at && a->len == b->len &&
           memcmp(a->at, b->at, a->len) == 0;
}

/* Whether two sorted lists have a key in common. */
bool keys_meet(const struct key *a, size_t n_a, const struct key *b, size_t n_b);

#endif
