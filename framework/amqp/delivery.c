/* SPDX-License-Identifier: Apache-2.0
 *
 * See delivery.h. */
#include "amqp/delivery.h"

#include "amqp/channel.h"
#include "amqp/properties.h"

bool delivery_read(struct amqp_connection *connection, const struct channel_content *content,
                   uint64_t epoch, const char *queue, struct amqp_delivery *out)
{
    *out = (struct amqp_delivery){ .tag = content->tag,
                                   .epoch = epoch,
                                   .body_bytes = content->body_bytes,
                                   .exchange = content->exchange,
                                   .routing_key = content->routing_key,
                                   .redelivered = content->redelivered };
    if (content->method != AMQP_BASIC_DELIVER_METHOD) {
        connection_blame(connection, "the broker sent %s to a consumer of queue '%s'",
                         amqp_method_name(content->method), queue);
        return false;
    }
    if (!properties_read(content->properties, &out->properties)) {
        connection_blame(
            connection, "the broker sent a message with damaged properties from queue '%s'", queue);
        return false;
    }
    out->is_by_us = connection_is_user(connection, out->properties.user_id);
    return true;
}
