/* SPDX-License-Identifier: Apache-2.0
 *
 * What an error of Redis means, as one table: to the call that got it, to the connection, and in words
 * for people with the way out. */
#ifndef CACHE_FAULT_H
#define CACHE_FAULT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

enum cache_fault {
    CACHE_FAULT_AWAY,       /* mends itself: loading, busy, failing over */
    CACHE_FAULT_FULL,       /* it takes no writes: memory or disk */
    CACHE_FAULT_ENTRY,      /* this key's alone: it holds something else */
    CACHE_FAULT_SCRIPT,     /* it has forgotten our script: load it and call again */
    CACHE_FAULT_DEPLOYMENT, /* credentials, a cluster, a replica: people mend it */
};

struct cache_fault_about {
    const char *prefix; /* of the error, as Redis says it */
    enum cache_fault fault;
    bool ends_connection; /* another one may lead to a server that will do */
    const char *words;    /* what to do; "": Redis says enough itself */
};

/* Never NULL. Redis wraps what went wrong inside a script in words of its own; those are passed over. */
const struct cache_fault_about *cache_fault_of(struct wr_text error);

/* The error in one line, with what to do. */
const char *cache_fault_show(struct wr_text error, char *out, size_t out_bytes);

#endif
