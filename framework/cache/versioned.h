/* SPDX-License-Identifier: Apache-2.0
 *
 * Versioned entries, and how the script that writes them is spoken to. An entry is a hash: `ver`, 20
 * digits that compare as text, and `value`; without value it is a tombstone. Of two writes the newer
 * version stays, whatever order they arrive in; at the same version a value stays over a drop. Pure. */
#ifndef CACHE_VERSIONED_H
#define CACHE_VERSIONED_H

#include <stdint.h>

#include "base/status.h"
#include "cache/resp.h"

#define VERSIONED_DIGITS 20

enum cache_op {
    CACHE_SET,
    CACHE_DROP,   /* a tombstone, kept twice the ttl, and twice what the entry it drops had left */
    CACHE_FILL,   /* a set of what a read missed; gives its lock back */
    CACHE_ABSENT, /* there is nothing to fill: remembered under version 0, where no entry is */
};

struct cache_entry {
    struct wr_text key, value; /* value: SET and FILL */
    uint64_t version;          /* ABSENT: 0 */
    uint32_t ttl_s;            /* not 0 */
    enum cache_op op;
};

/* Of a drop whose values' ttl is not known: old messages may be handled hours later. */
#define CACHE_DROP_TTL_S 3600

enum cache_outcome {
    CACHE_STORED,
    CACHE_STALE,  /* what is there is newer, or the same */
    CACHE_FAILED, /* not stored, or nobody knows */
    CACHE_OUTCOMES
};

/* Between 85 and 100 % of the ttl, so that what was written together does not expire together; a
 * tombstone's is twice as long, and exact. */
uint64_t versioned_ttl_ms(const struct cache_entry *entry, uint64_t random);

void versioned_show(uint64_t version, char out[VERSIONED_DIGITS + 1]);
MUST_USE bool versioned_read(struct wr_text digits, uint64_t *version);

/* The words after the script's name. */
size_t versioned_count_words(size_t n);
void versioned_add_words(struct resp_command *command, const struct cache_entry *entries, size_t n,
                         struct wr_text token, int64_t deadline_ms);

/* The script's answer, into outcomes[0..n). `*error`: the first of a key that FAILED, else "". False: it
 * is no such answer, and nothing was read. */
MUST_USE bool versioned_take(const struct resp_value *answer, size_t n, unsigned char *outcomes,
                             struct wr_text *error);

#endif
