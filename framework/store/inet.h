/* SPDX-License-Identifier: Apache-2.0
 *
 * PostgreSQL's inet: an IPv4 or IPv6 address, with the bits of its network where that is given. Pure. */
#ifndef STORE_INET_H
#define STORE_INET_H

#include "base/arena.h"
#include "base/status.h"
#include "store/row.h"

#define INET_BYTES 20

/* "10.1.2.3", "10.1.2.3/8", "2001:db8::1/64"; host bits may be set. */
MUST_USE bool inet_encode(struct wr_text text, char out[INET_BYTES], size_t *bytes,
                          const char **fault);
struct wr_text inet_show(struct arena *arena, struct row_value value);

#endif
