/* SPDX-License-Identifier: Apache-2.0
 *
 * TLS for wires, and the only door to OpenSSL. TLS 1.2 or newer; the peer's chain and host name (or
 * IP address) are checked unless that is switched off in the configuration. Contexts are made anew
 * for each connection, so that mounted certificates rotate. OpenSSL writes with write(2): the process
 * must ignore SIGPIPE. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/status.h"

struct tls_settings {
    const char *ca_file;   /* NULL: the system's */
    const char *cert_file; /* NULL: no client certificate */
    const char *key_file;  /* NULL: in cert_file */
    bool verify;
};

struct tls;

/* A client session for a connected, non-blocking socket. Names the file at fault. */
MUST_USE struct tls *tls_open(const struct tls_settings *settings, int fd, const char *host,
                              struct status *status);
void tls_close(struct tls *tls); /* says goodbye if it can without waiting; NULL is fine */

enum tls_result { TLS_OK, TLS_WANTS_READ, TLS_WANTS_WRITE, TLS_CLOSED, TLS_FAILED };

/* One step of the handshake; says in words what the peer or its certificate did wrong. */
enum tls_result tls_shake(struct tls *tls, struct status *status);
enum tls_result tls_read(struct tls *tls, void *into, size_t bytes, size_t *got,
                         struct status *status);
enum tls_result tls_write(struct tls *tls, const void *from, size_t bytes, size_t *put,
                          struct status *status);
/* Bytes are in hand for which no readable event comes. After TLS_WANTS_READ they are less than a
 * record and there is nothing to read all the same. */
bool tls_has_pending(const struct tls *tls);

const char *tls_library_version(void);

#endif
