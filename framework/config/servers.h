/* SPDX-License-Identifier: Apache-2.0
 *
 * From templates to servers: secrets filled in, URLs taken apart, each part within its bounds. What
 * is read holds secrets, words about it do not. */
#ifndef CONFIG_SERVERS_H
#define CONFIG_SERVERS_H

#include "config/config.h"

/* As config_resolve_amqp, but the words are bare; `*field` is the member they are about. */
bool servers_read_amqp(const struct config *config, size_t nth, struct config_server *out,
                       const void **field, struct status *status) MUST_USE;

/* As config_resolve_redis, but the words are bare. */
bool servers_read_redis(const struct config *config, struct config_redis *out,
                        struct status *status) MUST_USE;

/* Checks alone. */
bool servers_check_postgres(const struct config *config, const char *url,
                            struct status *status) MUST_USE;

#endif
