/* SPDX-License-Identifier: Apache-2.0
 *
 * Which broker to try next: the configured ones in an order drawn anew each round, with their secrets
 * read when they are needed. One for each connection. */
#ifndef APP_BROKERS_H
#define APP_BROKERS_H

#include "amqp/connection.h"
#include "config/config.h"

struct brokers {
    const struct config *config;
    size_t *order, n, next;
    struct config_server server; /* of the last try; wiped by brokers_forget */
    char shown[640];             /* its URL without secrets */
    bool is_said_away;
};

void brokers_init(struct brokers *brokers, const struct config *config);
void brokers_fini(struct brokers *brokers);

/* For amqp_connection_events.on_server. The texts stand in `brokers` until brokers_forget. */
MUST_USE bool brokers_next(struct brokers *brokers, struct amqp_server *out, struct status *status);
void brokers_forget(struct brokers *brokers); /* the secrets, when the connection stands */
/* For commands, whose people wait: on stderr, once until brokers_forget. */
void brokers_say_away(struct brokers *brokers, const char *why, unsigned patience_s);

/* What a connection of this host is, by the configuration: "NAME/ROLE". */
#define BROKERS_NAME_BYTES 256
void brokers_settings(const struct config *config, const char *role, char name[BROKERS_NAME_BYTES],
                      struct amqp_connection_settings *settings);

#endif
