/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection to a broker that keeps itself: it connects, shakes hands, beats its heart, says why
 * it was lost, and comes back with backoff, for ever, until it is closed. What lives on it (channels)
 * is told when it is ready and when it is gone, and sets itself up again. */
#ifndef AMQP_CONNECTION_H
#define AMQP_CONNECTION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "net/loop.h"
#include "net/tls.h"

struct amqp_connection;

/* Where and as whom to connect; filled by the owner before each try, so that secrets rotate. Texts
 * are copied by the connection before the call returns to the loop. */
struct amqp_server {
    const char *host;
    uint16_t port;
    const char *vhost;
    const char *user, *password; /* PLAIN */
    bool external;               /* SASL EXTERNAL instead: the client certificate says who we are */
    bool use_tls;
    struct tls_settings tls;
    const char *shown; /* the URL without its secrets, for logs */
};

struct amqp_connection_settings {
    const char *name;     /* "login-workers/consume": seen in the admin UI; copied */
    uint32_t heartbeat_s; /* asked for; the broker may lower it; 0: none */
    uint32_t connect_ms;  /* resolve, connect, TLS and the AMQP handshake, each try */
    uint32_t backoff_first_ms, backoff_most_ms;
    uint32_t rest_us; /* paced reading, see net/wire.h; 0: none */
};

struct amqp_connection_events {
    /* The next try begins: `out` is filled, or why it cannot be (then it is tried again later). */
    bool (*on_server)(void *owner, struct amqp_server *out, struct status *status);
    void (*on_ready)(void *owner); /* handshake done; channels open next, by themselves */
    /* Was ready and is no more, or a try failed. In words, with server. `is_refusal`: the broker said
     * no (credentials, vhost): waiting will not mend it, though it is tried again. */
    void (*on_lost)(void *owner, const char *why, bool is_refusal);
    void (*on_blocked)(void *owner, bool blocked, const char *reason); /* connection.blocked */
    void (*on_closed)(void *owner); /* amqp_connection_end is done; free it now or later */
};

/* Begins connecting when the loop runs. */
struct amqp_connection *amqp_connection_new(struct loop *loop,
                                            const struct amqp_connection_settings *settings,
                                            const struct amqp_connection_events *events,
                                            void *owner);
/* Says connection.close and waits for the answer, 2 s at most; then on_closed, never from inside.
 * (amqp_connection_close would be a symbol of rabbitmq-c.) */
void amqp_connection_end(struct amqp_connection *connection);
/* At once, no farewell. Its consumers and publishers are freed first. */
void amqp_connection_free(struct amqp_connection *connection);

bool amqp_connection_is_ready(const struct amqp_connection *connection);
bool amqp_connection_is_blocked(const struct amqp_connection *connection);
const char *amqp_connection_server(const struct amqp_connection *connection); /* shown URL of now */
const char *
amqp_connection_broker(const struct amqp_connection *connection); /* "RabbitMQ 3.10.8" */
/* Whom the broker takes us for, by PLAIN; "" where only the broker knows. */
const char *amqp_connection_user(const struct amqp_connection *connection);
uint64_t amqp_connection_reconnects(const struct amqp_connection *connection);

#endif
