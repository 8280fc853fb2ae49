/* SPDX-License-Identifier: Apache-2.0
 *
 * The URLs of servers, taken apart: scheme://user:password@host:port/path?query. Words about a bad
 * one never quote it, for it may hold a password; url_redact() makes one fit to be seen. */
#ifndef CONFIG_URL_H
#define CONFIG_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/text.h"

struct url {
    const char *scheme;          /* lower case */
    const char *user, *password; /* decoded; NULL where not given */
    const char *host;            /* without the brackets of IPv6; may be "" */
    const char *path;            /* as it stands, with its first slash; "" where not given */
    const char *query;           /* as it stands, without the `?`; NULL where not given */
    uint16_t port;               /* 0: not given */
    char *storage;               /* what the above point into */
    size_t storage_bytes;
};

bool url_parse(struct wr_text text, struct url *url, struct status *status) MUST_USE;
void url_fini(struct url *url); /* wipes it */

/* %XX to bytes, in place; false where a % is not followed by two hex digits or gives a NUL. */
bool url_decode(char *text) MUST_USE;

/* The virtual host of an AMQP URL's path, decoded into `out`. No path and a lone slash both mean
 * "/": the letter of the AMQP URI rules says "" for the latter, but nobody means that. */
bool url_vhost(const struct url *url, char *out, size_t out_bytes, struct status *status) MUST_USE;

/* The text with the password and the query replaced by ***; fit for malformed ones too. */
const char *url_redact(struct wr_text text, char *out, size_t out_bytes);

#endif
