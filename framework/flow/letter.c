/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages of the outbox; see letter.h. */
#include "flow/letter.h"

#include <stdio.h>

#include "amqp/copy.h"

static const struct wr_text none = { "", 0 };

#define NOTHING                                                                                    \
    (struct amqp_outgoing)                                                                         \
    {                                                                                              \
        none, none, none, none, none, none, none, none, none, none, none, none, 0, NULL, 0, 0,     \
            false, none                                                                            \
    }

static bool write_copy(const struct mail_item *item, const struct letter_terms *terms,
                       struct letter_room *room, struct amqp_outgoing *out, struct status *status)
{
    const struct mail_bundle *bundle = item->bundle;
    const struct delivery *delivery = bundle->delivery;
    const struct wr_message *message = &delivery->job.message;
    const struct copy_notes notes = {
        .attempt = bundle->attempt,
        .reason = bundle->reason,
        .detail = bundle->detail,
        .code = bundle->code,
        .handler = bundle->handler,
        .host = text_of(terms->host),
        .exchange = message->exchange,
        .routing_key = message->routing_key,
        .at_ms = bundle->reason.len ? terms->unix_ms : 0,
        .mark = none,
    };
    size_t bytes;
    if (!copy_write(delivery->properties, delivery->is_copy, &notes, room->properties, room->bytes,
                    &bytes))
        return status_fail(status, EXIT_INTERNAL,
                           "its properties do not fit a frame of %zu bytes: raise the broker's "
                           "frame_max",
                           room->bytes);
    out->encoded = text_from(room->properties, bytes);
    out->routing_key = text_of(terms->target);
    out->body = text_from(delivery->body, delivery->body_bytes); /* an event's data is less */
    out->message_id = delivery->job.is_id_of_event ? none : message->id;
    out->mandatory = true;
    return true;
}

/* Of the consumer's name, not the handler's: two consumers of one handler are two senders. The colon is
 * in no handler's name, so that no wr_uuid_of is ever the same. */
static struct wr_text derive_id(const struct mail_item *item, const struct letter_terms *terms,
                                struct letter_room *room)
{
    (void)snprintf(room->source, sizeof room->source, "publish:%s", terms->consumer);
    derive_uuid(room->source, &item->bundle->delivery->job.message, item->nth, room->id);
    return text_from(room->id, sizeof room->id);
}

static void write_own(const struct mail_item *item, const struct letter_terms *terms,
                      struct letter_room *room, struct amqp_outgoing *out)
{
    const struct wr_outgoing *message = &item->publish->message;
    out->exchange = message->exchange;
    out->routing_key = message->routing_key;
    out->body = message->body;
    out->type = message->type;
    out->content_type = message->content_type;
    out->correlation_id = message->correlation_id;
    out->reply_to = message->reply_to;
    out->message_id = message->message_id;
    if (!out->message_id.len) out->message_id = derive_id(item, terms, room);
    out->headers = message->headers;
    out->n_headers = message->n_headers;
    out->priority = message->priority;
    out->timestamp_ms = terms->unix_ms;
    out->mandatory = item->kind == MAIL_OWN;
}

bool letter_write(const struct mail_item *item, const struct letter_terms *terms,
                  struct letter_room *room, struct amqp_outgoing *out, struct status *status)
{
    *out = NOTHING;
    if (item->kind == MAIL_COPY) return write_copy(item, terms, room, out, status);
    write_own(item, terms, room, out);
    return true;
}
