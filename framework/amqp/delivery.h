/* SPDX-License-Identifier: Apache-2.0
 *
 * A message as the broker hands it over, before its body: its properties, and where it comes from. All
 * its texts lie in what was received and are borrowed. */
#ifndef AMQP_DELIVERY_H
#define AMQP_DELIVERY_H

#include "amqp/connection.h"
#include "base/text.h"

/* Message properties as texts that lie inside `encoded`. */
struct amqp_properties {
    struct wr_text encoded; /* all of them as they came, so that a copy of it is a copy of all */
    struct wr_text headers; /* an encoded table inside it; see amqp/table.h; empty: none */
    struct wr_text content_type, content_encoding, correlation_id, reply_to, expiration, message_id,
        type, user_id, app_id;
    int64_t timestamp_ms; /* 0: none */
    uint8_t priority, delivery_mode;
};

/* A message is coming: borrowed for the call. */
struct amqp_delivery {
    uint64_t tag;
    uint64_t epoch;
    uint64_t body_bytes;
    struct wr_text exchange, routing_key;
    struct amqp_properties properties;
    bool redelivered;
    bool is_by_us; /* its user id, which the broker has checked, is that of this connection */
};

struct channel_content;

/* Reads what a channel took in for the consumer of `queue`. False where that is no delivery, or its
 * properties are damaged: the connection is blamed. */
MUST_USE bool delivery_read(struct amqp_connection *connection,
                            const struct channel_content *content, uint64_t epoch,
                            const char *queue, struct amqp_delivery *out);

#endif
