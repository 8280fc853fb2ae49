/* SPDX-License-Identifier: Apache-2.0
 *
 * Where to connect, as told: a postgresql:// URL or "key=value ..." text, read by libpq's own parser,
 * so that everything libpq knows may stand in it. Hosts are taken apart here, since libpq is given one
 * address at a time. It holds passwords: words made of it do not. Pure. */
#ifndef STORE_CONNINFO_H
#define STORE_CONNINFO_H

#include <stddef.h>

#include "base/status.h"

#define CONNINFO_HOSTS_MOST 16
#define CONNINFO_PARAMS_MOST 96

struct conninfo_host {
    const char *name;    /* a name, an address, a socket's directory; "": libpq's own default */
    const char *address; /* as told by `hostaddr`; "": to be found */
    const char *port;    /* "": libpq's own default */
};

struct conninfo;

/* What cannot be read is told without quoting it. */
MUST_USE bool conninfo_parse(const char *text, struct conninfo **out, struct status *status);
void conninfo_free(struct conninfo *info); /* wipes it; NULL is fine */

size_t conninfo_hosts(const struct conninfo *info, const struct conninfo_host **hosts);
bool conninfo_is_local(const struct conninfo_host *host); /* a socket in the file system */

/* "postgresql://user@host:5432/database": every host, or only one. Returns out. */
const char *conninfo_show(const struct conninfo *info, const struct conninfo_host *only, char *out,
                          size_t out_bytes);

/* Words of libpq in one line, with the secrets of `info` as ***. Returns out. */
const char *conninfo_redact(const struct conninfo *info, const char *words, char *out,
                            size_t out_bytes);

/* For PQconnectStartParams: everything told, to one host, and what we ask for ourselves. The texts are
 * borrowed from `info`, `host` and `out`. */
struct conninfo_params {
    const char *keywords[CONNINFO_PARAMS_MOST], *values[CONNINFO_PARAMS_MOST];
    char user_timeout_ms[16];
    size_t n;
};
void conninfo_params(const struct conninfo *info, const struct conninfo_host *host,
                     const char *application_name, unsigned user_timeout_ms,
                     struct conninfo_params *out);

#endif
