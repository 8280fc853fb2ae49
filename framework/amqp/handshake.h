/* SPDX-License-Identifier: Apache-2.0
 *
 * The first words of a connection: Start, Tune, Open, and what the broker may refuse in them, told
 * in words that name user and vhost and never the password. Internal to the room. */
#ifndef AMQP_HANDSHAKE_H
#define AMQP_HANDSHAKE_H

#include "amqp/codec.h"
#include "amqp/connection.h"

enum handshake_result {
    HANDSHAKE_GOES_ON,
    HANDSHAKE_DONE,
    HANDSHAKE_FAILED,  /* status says why */
    HANDSHAKE_REFUSED, /* likewise, and the broker meant it: waiting does not mend it */
};

enum handshake_step { STEP_START, STEP_TUNE, STEP_OPEN };

struct handshake {
    enum handshake_step step;
    char *vhost, *user, *password; /* copies; the password is wiped once it was sent */
    bool external, is_encrypted;
    const char *name;     /* connection_name; its owner keeps it */
    uint32_t heartbeat_s; /* asked for, then agreed on */
    uint32_t frame_max;   /* agreed on */
    uint16_t channel_max; /* agreed on */
    char broker[128];     /* "RabbitMQ 3.10.8" */
};

void handshake_init(struct handshake *handshake, const struct amqp_server *server, const char *name,
                    uint32_t heartbeat_s);
void handshake_fini(struct handshake *handshake); /* harmless on a zeroed one */

/* One method on channel 0; the answer goes to `out`. */
enum handshake_result handshake_take(struct handshake *handshake, amqp_method_number_t method,
                                     void *decoded, struct evbuffer *out, struct status *status);

/* Why the connection went in the middle of it: `why` is what the wire says. Brokers that know nothing
 * better hang up on wrong passwords. */
void handshake_explain(const struct handshake *handshake, const char *why, struct status *status);

#endif
