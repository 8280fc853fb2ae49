/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys of order; see order.h. */
#include "flow/order.h"

#include "amqp/table.h"

static struct wr_text header_key(const struct order_by *order, const struct job_message *message,
                                 struct wr_pair *pair)
{
    if (!table_find(message->headers, order->field, pair)) return text_of("");
    if (pair->kind == WR_H_TEXT) return pair->text;
    return text_from((const char *)&pair->number, sizeof pair->number);
}

/* The source bytes: 7 and "7" are two keys, as they are two values. */
static struct wr_text json_key(const struct order_by *order, const struct job_message *message,
                               struct json *json)
{
    struct wr_text source;
    if (json_open(json, message->message.body) != JSON_OK) return text_of("");
    if (json_raw(json, order->field, &source) != JSON_OK) return text_of("");
    return source;
}

uint64_t order_key_of(const struct order_by *order, const struct job_message *message,
                      struct json *json)
{
    struct wr_pair pair;
    switch (order->kind) {
    case ORDER_ROUTING_KEY: return text_hash(message->message.routing_key);
    case ORDER_HEADER: return text_hash(header_key(order, message, &pair));
    case ORDER_JSON: return text_hash(json_key(order, message, json));
    case ORDER_NONE: break;
    }
    return 0;
}
