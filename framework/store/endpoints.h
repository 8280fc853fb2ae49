/* SPDX-License-Identifier: Apache-2.0
 *
 * From the hosts of a conninfo to addresses that libpq can use without asking anybody: each name is
 * looked up off the loop, all at once; what does not answer in time is passed over. */
#ifndef STORE_ENDPOINTS_H
#define STORE_ENDPOINTS_H

#include <stdint.h>

#include "net/address.h"
#include "net/loop.h"
#include "store/conninfo.h"

#define ENDPOINTS_MOST 32

struct endpoint {
    struct conninfo_host host; /* name and port are the conninfo's; address points to `address` */
    char address[64];          /* "" for a socket in the file system */
};

/* In the order told; every address of a name in the resolver's order. */
struct endpoints {
    struct endpoint at[ENDPOINTS_MOST];
    unsigned n;
    struct status fault; /* why a name has none */
};

/* One answer, on the loop, never from inside, after which the lookup has gone; `found` is borrowed. The
 * conninfo outlives the use of what was found. */
struct lookup;
struct lookup *lookup_start(struct loop *loop, const struct conninfo *info, uint32_t patience_ms,
                            void (*on_answer)(void *owner, const struct endpoints *found),
                            void *owner);
void lookup_cancel(struct lookup *lookup); /* before the answer */

/* A copy keeps its addresses to itself. */
void endpoint_copy(struct endpoint *to, const struct endpoint *from);

#endif
