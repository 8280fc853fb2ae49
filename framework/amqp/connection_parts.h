/* SPDX-License-Identifier: Apache-2.0
 *
 * A connection from the inside, for the two files that are it: connection.c lives its life,
 * connection_frames.c understands what the broker says. */
#ifndef AMQP_CONNECTION_PARTS_H
#define AMQP_CONNECTION_PARTS_H

#include "amqp/codec.h"
#include "amqp/connection.h"
#include "amqp/handshake.h"
#include "amqp/heartbeat.h"
#include "amqp/inside.h"
#include "amqp/roster.h"
#include "net/backoff.h"
#include "net/wire.h"

#define CONNECTION_MAGIC 0x616d7170u

enum connection_state { STATE_RESTING, STATE_CONNECTING, STATE_READY, STATE_CLOSING, STATE_CLOSED };

struct amqp_connection {
    uint32_t magic;
    struct loop *loop;
    struct amqp_connection_settings settings; /* its name is ours */
    struct amqp_connection_events events;
    void *owner;
    enum connection_state state;
    char *shown; /* the server of this try */
    char *user;  /* of this try; "" where only the broker knows it */

    struct wire *wire; /* NULL: none */
    bool is_wired;     /* the wire is open */
    struct codec codec;
    struct handshake handshake;
    struct heartbeat heartbeat;
    struct backoff backoff;
    struct timer next_try, deadline, beat;
    uint64_t try_since_ms, times_ready;
    bool is_blocked;
    char broker[128];
    struct status blame; /* a broken protocol, noted while a frame is dealt with */

    struct roster roster;
    int n_consumers, n_plenty;
    unsigned frames; /* of connection_enter */
    bool is_freed;
    void **graves;
    size_t n_graves;
};

/* connection.c */
void connection_become_ready(struct amqp_connection *connection);
/* It is resting after this: wire and codec are gone. `why` names the server. */
void connection_lose(struct amqp_connection *connection, const char *why, bool is_refusal);
void connection_lose_in_words(struct amqp_connection *connection, const char *why, bool is_refusal);
void connection_tell_blocked(struct amqp_connection *connection, bool blocked, const char *reason);
void connection_tell_room(struct amqp_connection *connection); /* to its channels */
/* A method on channel 0, put and written by the next round of the loop. */
void connection_say(struct amqp_connection *connection, amqp_method_number_t id, void *method);

/* connection_frames.c: for the wire's on_data */
void connection_take_data(void *owner, struct evbuffer *in);

#endif
