/* SPDX-License-Identifier: Apache-2.0
 *
 * Publishes on a channel in confirm mode and tells each message's outcome once. What waits for its
 * confirm is kept in pending.c. When the channel goes, all of it is of unknown fate: its owner knows
 * what to do, this file sends nothing twice. */
#include "amqp/publisher.h"

#include <stdio.h>
#include <stdlib.h>

#include "amqp/channel.h"
#include "amqp/pending.h"
#include "amqp/properties.h"
#include "base/check.h"
#include "base/random.h"
#include "net/backoff.h"

#define BACKOFF_FIRST_MS 250
#define BACKOFF_MOST_MS 10000
#define HEADER_BYTES 12 /* of a header frame, before the properties */

struct publisher {
    struct amqp_connection *connection;
    struct publisher_events events;
    void *owner;
    bool is_freed, is_confirming;
    bool told_room; /* on_room was called and there was room ever since */
    struct channel *channel;
    struct pending pending;
    struct timer retry;
    struct backoff backoff;
    char *room; /* for encoded properties, as long as a frame may be */

    /* The message being returned. */
    uint16_t code;
    struct wr_text exchange, routing_key; /* in the channel's content: valid until its end */
    uint64_t body_bytes;
    char message_id[255], look[PENDING_LOOK_BYTES];
    size_t message_id_bytes, look_bytes;
};

static const struct reply {
    uint16_t code;
    const char *why;
} REPLIES[] = {
    { 312, "NO_ROUTE: no queue is bound for its routing key" },
    { 313, "NO_CONSUMERS" },
};

bool publisher_has_room(const struct publisher *publisher)
{
    return publisher->is_confirming && channel_is_open(publisher->channel) &&
           !amqp_connection_is_blocked(publisher->connection) &&
           !connection_is_choked(publisher->connection) && pending_has_room(&publisher->pending);
}

size_t publisher_most_bytes(const struct publisher *publisher)
{
    return connection_frame_max(publisher->connection) - CODEC_FRAME_EXTRA - HEADER_BYTES;
}

size_t publisher_pending(const struct publisher *publisher)
{
    return publisher->pending.n_open;
}

static void tell_room(struct publisher *publisher)
{
    if (publisher->is_freed) return;
    bool has_room = publisher_has_room(publisher);
    if (has_room && !publisher->told_room) {
        publisher->told_room = true;
        publisher->events.on_room(publisher->owner);
    } else if (!has_room) {
        publisher->told_room = false;
    }
}

/* ---- confirms and returns -------------------------------------------------------------------- */

static void tell_confirmed(struct publisher *publisher, const struct pending_entry *entry)
{
    if (entry->returned == 0) {
        publisher->events.on_outcome(publisher->owner, entry->token, PUBLISH_CONFIRMED, "");
        return;
    }
    char why[96];
    const char *words = "returned by the broker";
    for (size_t i = 0; i < sizeof REPLIES / sizeof *REPLIES; i++)
        if (REPLIES[i].code == entry->returned) words = REPLIES[i].why;
    (void)snprintf(why, sizeof why, "%u %s", entry->returned, words);
    publisher->events.on_outcome(publisher->owner, entry->token, PUBLISH_RETURNED, why);
}

static void settle(struct publisher *publisher, uint64_t number, bool multiple, bool is_nack)
{
    struct pending_entry entry;
    while (!publisher->is_freed && publisher->is_confirming &&
           pending_settle(&publisher->pending, number, multiple, &entry)) {
        if (is_nack) {
            publisher->events.on_outcome(publisher->owner, entry.token, PUBLISH_NACKED,
                                         "the broker could not keep it (basic.nack)");
        } else {
            tell_confirmed(publisher, &entry);
        }
    }
}

static void on_method(void *owner, amqp_method_number_t method, void *decoded)
{
    struct publisher *publisher = owner;
    if (method == AMQP_BASIC_ACK_METHOD) {
        const amqp_basic_ack_t *ack = decoded;
        settle(publisher, ack->delivery_tag ? ack->delivery_tag : publisher->pending.next - 1,
               ack->multiple != 0, false);
    } else if (method == AMQP_BASIC_NACK_METHOD) {
        const amqp_basic_nack_t *nack = decoded;
        settle(publisher, nack->delivery_tag ? nack->delivery_tag : publisher->pending.next - 1,
               nack->multiple != 0, true);
    } else {
        connection_blame(publisher->connection, "the broker sent %s to a publisher",
                         amqp_method_name(method));
    }
}

static void on_content(void *owner, const struct channel_content *content)
{
    struct publisher *publisher = owner;
    struct amqp_properties properties;
    if (content->method != AMQP_BASIC_RETURN_METHOD ||
        !properties_read(content->properties, &properties)) {
        connection_blame(publisher->connection,
                         "the broker sent a damaged return or %s to a publisher",
                         amqp_method_name(content->method));
        return;
    }
    publisher->code = content->reply_code;
    publisher->exchange = content->exchange;
    publisher->routing_key = content->routing_key;
    publisher->body_bytes = content->body_bytes;
    publisher->look_bytes = 0;
    publisher->message_id_bytes = properties.message_id.len;
    memcpy(publisher->message_id, properties.message_id.at, properties.message_id.len);
}

static void on_body(void *owner, struct wr_text piece)
{
    struct publisher *publisher = owner;
    size_t bytes = sizeof publisher->look - publisher->look_bytes;
    if (bytes > piece.len) bytes = piece.len;
    memcpy(publisher->look + publisher->look_bytes, piece.at, bytes);
    publisher->look_bytes += bytes;
}

static void on_content_end(void *owner)
{
    struct publisher *publisher = owner;
    struct wr_text message_id = { publisher->message_id, publisher->message_id_bytes };
    struct wr_text look = { publisher->look, publisher->look_bytes };
    uint64_t looks = pending_looks(publisher->exchange, publisher->routing_key, message_id,
                                   publisher->body_bytes, look);
    if (!pending_return(&publisher->pending, looks, publisher->code))
        connection_blame(publisher->connection, "the broker returned a message that was not sent");
}

/* ---- the channel ----------------------------------------------------------------------------- */

static void on_select_ok(void *owner, void *decoded UNUSED)
{
    struct publisher *publisher = owner;
    pending_restart(&publisher->pending);
    publisher->is_confirming = true;
    backoff_reset(&publisher->backoff);
    tell_room(publisher);
}

static void on_open(void *owner)
{
    struct publisher *publisher = owner;
    amqp_confirm_select_t select = { 0 };
    bool sent = channel_call(publisher->channel, AMQP_CONFIRM_SELECT_METHOD, &select,
                             AMQP_CONFIRM_SELECT_OK_METHOD, on_select_ok);
    CHECK(sent);
}

static void open_channel(struct publisher *publisher)
{
    timer_disarm(&publisher->retry);
    channel_open(publisher->channel);
}

static void on_connected(void *owner)
{
    open_channel(owner);
}

static void on_retry(void *owner)
{
    struct publisher *publisher = owner;
    struct amqp_connection *connection = publisher->connection;
    connection_enter(connection);
    if (amqp_connection_is_ready(connection)) open_channel(publisher);
    connection_leave(connection);
}

static void on_lost(void *owner, const struct channel_loss *loss)
{
    struct publisher *publisher = owner;
    char why[1200];
    if (loss->code == 0) {
        (void)snprintf(why, sizeof why, "%s", loss->why);
    } else {
        (void)snprintf(why, sizeof why, "the broker closed the channel: %u %s", loss->code,
                       loss->why);
    }
    const enum publish_outcome outcome =
        loss->code != 0 && loss->method == AMQP_BASIC_PUBLISH_METHOD ? PUBLISH_REFUSED
                                                                     : PUBLISH_UNKNOWN;
    publisher->is_confirming = publisher->told_room = false;
    if (amqp_connection_is_ready(publisher->connection))
        timer_arm_ms(&publisher->retry, backoff_next_ms(&publisher->backoff, random_u64()));
    struct pending_entry entry;
    while (!publisher->is_freed && pending_take_any(&publisher->pending, &entry))
        publisher->events.on_outcome(publisher->owner, entry.token, outcome, why);
    if (!publisher->is_freed && publisher->events.on_lost)
        publisher->events.on_lost(publisher->owner, why);
}

static void on_change(void *owner)
{
    tell_room(owner);
}

/* ---- for owners ------------------------------------------------------------------------------ */

struct publisher *publisher_new(struct amqp_connection *connection, size_t window,
                                const struct publisher_events *events, void *owner)
{
    static const struct channel_events channel_events = {
        .on_connected = on_connected,
        .on_open = on_open,
        .on_lost = on_lost,
        .on_method = on_method,
        .on_content = on_content,
        .on_body = on_body,
        .on_content_end = on_content_end,
        .on_batch_end = on_change,
        .on_relief = on_change,
    };
    struct publisher *publisher = NEW(struct publisher);
    publisher->connection = connection;
    publisher->events = *events;
    publisher->owner = owner;
    publisher->backoff = BACKOFF_INIT(BACKOFF_FIRST_MS, BACKOFF_MOST_MS);
    publisher->room = memory_new(1, CODEC_FRAME_MOST);
    pending_init(&publisher->pending, window);
    timer_init(&publisher->retry, connection_loop(connection), on_retry, publisher);
    publisher->channel = channel_new(connection, &channel_events, publisher);
    timer_arm_ms(&publisher->retry, 0);
    return publisher;
}

void publisher_free(struct publisher *publisher)
{
    if (!publisher) return;
    publisher->is_freed = true;
    timer_fini(&publisher->retry);
    channel_free(publisher->channel);
    pending_fini(&publisher->pending);
    free(publisher->room);
    connection_bury(publisher->connection, publisher);
}

void publisher_reopen(struct publisher *publisher)
{
    CHECK(publisher_has_room(publisher) && publisher->pending.n_open == 0);
    connection_enter(publisher->connection);
    publisher->is_confirming = publisher->told_room = false;
    channel_close(publisher->channel);
    channel_open(publisher->channel);
    connection_leave(publisher->connection);
}

bool publisher_send(struct publisher *publisher, const struct amqp_outgoing *message, void *token,
                    struct status *status)
{
    CHECK(publisher_has_room(publisher));
    const size_t room = publisher_most_bytes(publisher);
    struct wr_text properties = message->encoded;
    CHECK(properties.len <= room);
    if (!properties.len) {
        properties.at = publisher->room;
        if (!properties_write(message, publisher->room, room, &properties.len, status))
            return false;
    }
    amqp_basic_publish_t publish = { .exchange = codec_bytes(message->exchange),
                                     .routing_key = codec_bytes(message->routing_key),
                                     .mandatory = message->mandatory };
    if (!channel_publish(publisher->channel, &publish, properties, message->body))
        return status_fail(status, EXIT_INTERNAL, "it cannot be encoded");
    uint64_t looks = 0;
    if (message->mandatory)
        looks = pending_looks(message->exchange, message->routing_key, message->message_id,
                              message->body.len, message->body);
    pending_add(&publisher->pending, looks, token);
    if (!publisher_has_room(publisher)) publisher->told_room = false;
    return true;
}
