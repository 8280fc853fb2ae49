/* SPDX-License-Identifier: Apache-2.0
 *
 * Intake; see intake.h. The properties are copied in one piece as they came, and the texts that lie in
 * them are moved along. */
#include "flow/intake.h"

#include "amqp/copy.h"
#include "plugin/event.h"

/* Where a text that lies in `from` lies in its copy. */
static struct wr_text moved(struct wr_text text, struct wr_text from, const char *copy)
{
    if (!text.len) return (struct wr_text){ "", 0 };
    return (struct wr_text){ copy + (text.at - from.at), text.len };
}

/* A copy of ours is handled as its original would be: the next try of it. */
static void restore_original(struct delivery *delivery, const struct amqp_delivery *arrived,
                             struct wr_text queue)
{
    struct wr_message *message = &delivery->job.message;
    struct copy_origin origin;
    delivery->is_copy =
        copy_read(delivery->job.headers, arrived->exchange, arrived->routing_key, queue, &origin) ||
        (arrived->is_by_us && copy_read_direct(delivery->job.headers, arrived->exchange,
                                               arrived->routing_key, queue, &origin));
    if (!delivery->is_copy) return;
    message->exchange = origin.exchange;
    message->routing_key = origin.routing_key;
    message->user_id = origin.user_id;
    message->attempt = delivery->attempt = origin.attempt;
}

/* Field by field, and not from a copy made elsewhere: this is where a message's memory is first written,
 * and nothing here must wait until it has come. */
static void fill_message(struct delivery *delivery, const struct amqp_delivery *arrived,
                         struct wr_text queue)
{
    const struct amqp_properties *from = &arrived->properties;
    const struct wr_text encoded = from->encoded;
    const char *copy = delivery->properties.at;
    struct wr_message *message = &delivery->job.message;
    message->body = text_from(delivery->body, arrived->body_bytes);
    message->id = moved(from->message_id, encoded, copy);
    message->type = moved(from->type, encoded, copy);
    message->queue = queue;
    message->exchange = arena_copy(&delivery->arena, arrived->exchange);
    message->routing_key = arena_copy(&delivery->arena, arrived->routing_key);
    message->content_type = moved(from->content_type, encoded, copy);
    message->content_encoding = moved(from->content_encoding, encoded, copy);
    message->correlation_id = moved(from->correlation_id, encoded, copy);
    message->reply_to = moved(from->reply_to, encoded, copy);
    message->app_id = moved(from->app_id, encoded, copy);
    message->user_id = moved(from->user_id, encoded, copy);
    message->timestamp_ms = from->timestamp_ms;
    message->attempt = 1;
    message->priority = from->priority;
    message->redelivered = arrived->redelivered;
}

void intake_fill(struct delivery *delivery, const struct amqp_delivery *arrived,
                 struct wr_text queue, uint64_t now_ns)
{
    const struct amqp_properties *from = &arrived->properties;
    delivery->properties = arena_copy(&delivery->arena, from->encoded);
    delivery->epoch = arrived->epoch;
    delivery->tag = arrived->tag;
    delivery->received_ns = now_ns;
    delivery->body_bytes = (uint32_t)arrived->body_bytes;
    delivery->body = arena_take_bytes(&delivery->arena, arrived->body_bytes);
    delivery->job.headers = moved(from->headers, from->encoded, delivery->properties.at);
    fill_message(delivery, arrived, queue);
    delivery->job.fault = text_of("");
    delivery->job.trace = (struct trace_context){ .is_there = false };
    delivery->job.is_id_of_event = false;
    restore_original(delivery, arrived, queue);
    delivery->arrived = arena_mark(&delivery->arena);
}

void intake_finish(struct delivery *delivery, struct json *json)
{
    event_read(&delivery->job, json, &delivery->arena);
    delivery->arrived = arena_mark(&delivery->arena);
}
