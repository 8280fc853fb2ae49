/* SPDX-License-Identifier: Apache-2.0
 *
 * One try to connect to one address, by libpq's own handshake (TLS, passwords, read-write), within a
 * time of our own: libpq's asynchronous connect knows none. */
#ifndef STORE_HANDSHAKE_H
#define STORE_HANDSHAKE_H

#include <libpq-fe.h>
#include <stdint.h>

#include "net/loop.h"
#include "store/conninfo.h"

struct handshake;

/* What libpq says of a failed try: its SQLSTATE taken out ("" where there is none), source positions
 * dropped, secrets hidden. Pure. */
struct handshake_fault {
    char sqlstate[6];
    char text[600];
};
void handshake_read_fault(const struct conninfo *info, const char *words,
                          struct handshake_fault *out);

/* One answer, never from inside, after which the handshake has gone: a connection, now the owner's,
 * or NULL and the fault. */
struct handshake *handshake_start(struct loop *loop, const struct conninfo *info,
                                  const struct conninfo_params *params, uint32_t patience_ms,
                                  void (*on_answer)(void *owner, PGconn *conn,
                                                    const struct handshake_fault *fault),
                                  void *owner);
void handshake_cancel(struct handshake *handshake); /* before the answer */

#endif
