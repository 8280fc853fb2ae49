/* SPDX-License-Identifier: Apache-2.0
 *
 * Publishing with confirms: a message counts when the broker has confirmed it and not returned it (an
 * unroutable one gets a return *and* an ack). Its memory is bounded by its window: when that is full,
 * or the broker blocks the connection, publisher_has_room says no and on_room tells when again. */
#ifndef AMQP_PUBLISHER_H
#define AMQP_PUBLISHER_H

#include "amqp/connection.h"
#include "base/text.h"

enum publish_outcome {
    PUBLISH_CONFIRMED,
    PUBLISH_RETURNED, /* no queue took it; `why` has the broker's words */
    PUBLISH_NACKED,   /* the broker could not keep it */
    PUBLISH_UNKNOWN,  /* the channel went before the answer: it may have arrived or not */
    PUBLISH_REFUSED,  /* the broker closed the channel over this one or another that was pending: no
                         such exchange, say. Otherwise like UNKNOWN */
};

/* A message to send; texts are borrowed for the call. Persistent always. */
struct amqp_outgoing {
    struct wr_text exchange, routing_key, body;
    struct wr_text content_type, content_encoding, correlation_id, reply_to, expiration, message_id,
        type, user_id, app_id; /* empty: absent */
    int64_t timestamp_ms;      /* 0: absent */
    const struct wr_pair *headers;
    size_t n_headers;
    uint8_t priority;
    bool mandatory;
    struct wr_text encoded; /* all properties, as they go out, in place of the above; empty: none.
                               `message_id` still says which is in there */
};

struct publisher_events {
    void (*on_outcome)(void *owner, void *token, enum publish_outcome outcome, const char *why);
    void (*on_room)(void *owner); /* there is room (again): also when first ready */
    void (*on_lost)(void *owner, const char *why); /* after the outcomes of all that was pending */
};

struct publisher;

struct publisher *publisher_new(struct amqp_connection *connection, size_t window,
                                const struct publisher_events *events, void *owner);
void publisher_free(struct publisher *publisher);
bool publisher_has_room(
    const struct publisher *publisher); /* ready, not blocked, window not full */
size_t publisher_pending(const struct publisher *publisher);
/* On a channel of its own anew; only while it has room and nothing is pending. on_lost does not come;
 * on_room does. */
void publisher_reopen(struct publisher *publisher);
size_t publisher_most_bytes(const struct publisher *publisher); /* of encoded properties */
/* Only while it has room. Exactly one on_outcome per token follows, never from inside. False where the
 * message cannot be encoded (a text over 255 bytes, say): says which, and nothing was sent. */
MUST_USE bool publisher_send(struct publisher *publisher, const struct amqp_outgoing *message,
                             void *token, struct status *status);

#endif
