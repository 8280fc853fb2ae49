/* SPDX-License-Identifier: Apache-2.0
 *
 * A channel: its number, opening and closing from both sides, one call at a time with the next ones
 * queued, and contents put together (method, header, body in pieces). It outlives losses: its owner
 * opens it again. Internal to the room. Its one rule: a callback may call anything here, channel_free
 * too. */
#ifndef AMQP_CHANNEL_H
#define AMQP_CHANNEL_H

#include "amqp/codec.h"
#include "amqp/inside.h"

struct channel;

/* basic.deliver or basic.return together with its header; borrowed for the call. */
struct channel_content {
    amqp_method_number_t method;
    uint64_t tag; /* deliver */
    bool redelivered;
    uint16_t reply_code; /* return */
    struct wr_text reply_text;
    struct wr_text exchange, routing_key;
    uint64_t body_bytes;
    struct wr_text properties; /* encoded */
};

/* Why a channel is not open any more. */
struct channel_loss {
    uint16_t code;               /* the broker's, 404 say; 0: it did not close it */
    amqp_method_number_t method; /* that it did not like; 0: none */
    const char *why;             /* the broker's words, or why the connection went */
};

struct channel_events {
    void (*on_connected)(void *owner); /* the connection is ready: channel_open may be called */
    void (*on_open)(void *owner);
    void (*on_lost)(void *owner, const struct channel_loss *loss); /* also while opening */
    void (*on_method)(void *owner, amqp_method_number_t method, void *decoded);
    void (*on_content)(void *owner, const struct channel_content *content);
    void (*on_body)(void *owner, struct wr_text piece);
    void (*on_content_end)(void *owner);
    void (*on_batch_end)(void *owner); /* all that had arrived was handed over; some was for us */
    void (*on_relief)(void *owner);    /* the connection is choked or blocked, or not any more */
}; /* any but the first three may be NULL */

struct channel *channel_new(struct amqp_connection *connection, const struct channel_events *events,
                            void *owner);
void channel_free(struct channel *channel); /* closes it; calls nobody; NULL is fine */

/* Only while it is not open and the connection is ready. */
void channel_open(struct channel *channel);
void channel_close(struct channel *channel); /* from our side: calls nobody, forgets all calls */
bool channel_is_open(const struct channel *channel);

/* A method with an answer: calls go out one after another, `on_reply` gets each one's. The method is
 * encoded at once; false where it cannot be. */
MUST_USE bool channel_call(struct channel *channel, amqp_method_number_t id, void *method,
                           amqp_method_number_t reply,
                           void (*on_reply)(void *owner, void *decoded));
/* A method without an answer; texts in it are short by construction. */
void channel_send(struct channel *channel, amqp_method_number_t id, void *method);
/* basic.publish and its content; false where it cannot be encoded. */
MUST_USE bool channel_publish(struct channel *channel, amqp_basic_publish_t *publish,
                              struct wr_text properties, struct wr_text body);

/* For the connection. */
struct channel *channel_with_news(struct list *news);
/* One that was not met in this round yet, now marked; NULL: all were. */
struct channel *channel_unvisited(struct list *channels, uint64_t round);
void channel_take_frame(struct channel *channel, const struct codec_frame *frame);
void channel_connected(struct channel *channel);
void channel_disconnected(struct channel *channel, const char *why);
void channel_end_batch(struct channel *channel);
void channel_relieve(struct channel *channel);

#endif
