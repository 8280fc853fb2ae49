/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates made for one test, in a directory of its own, and a TLS server that shows them. */
#ifndef UNIT_NET_SUPPORT_CERTS_H
#define UNIT_NET_SUPPORT_CERTS_H

#include <stdbool.h>

#include "support/scratch.h"
#include "unit/net/support.h"

/* Each name is a file NAME.pem with certificate and key; `other` is an authority that signed none. */
struct certs {
    char dir[SCRATCH_BYTES];
};

void certs_make(struct certs *certs);
void certs_remove(struct certs *certs);
/* "DIR/NAME.pem", valid until the fourth call after. */
const char *certs_file(const struct certs *certs, const char *name);

/* What the TLS server does; given to server_start as data with serve_tls. */
struct tls_server {
    const char *file; /* its certificate and key */
    const char
        *client_ca;      /* asks for a client certificate of this authority; NULL: asks for none */
    bool says_nothing;   /* takes the connection and does not shake hands */
    bool speaks_first;   /* sends "hello" in one flight with its handshake's end */
    bool hangs_up;       /* after that */
    int newest_version;  /* TLS1_1_VERSION, say; 0: any */
    bool had_goodbye;    /* the client sent close_notify */
    char name_asked[64]; /* the client's server name indication; "": none */
};

void serve_tls(struct server *server, int fd); /* an echo */

#endif
