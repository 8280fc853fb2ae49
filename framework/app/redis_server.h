/* SPDX-License-Identifier: Apache-2.0
 *
 * Where Redis is, as configured, with its secrets read anew. */
#ifndef APP_REDIS_SERVER_H
#define APP_REDIS_SERVER_H

#include "cache/connection.h"
#include "config/config.h"
#include "config/servers.h"

#define REDIS_SHOWN_BYTES 320

/* Texts of `out` are in `server` and `shown`, which hold secrets: the former is to be wiped. */
MUST_USE bool redis_server_find(const struct config *config, struct config_redis *server,
                                char shown[REDIS_SHOWN_BYTES], struct cache_server *out,
                                struct status *status);

#endif
