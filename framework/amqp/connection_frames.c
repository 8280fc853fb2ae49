/* SPDX-License-Identifier: Apache-2.0
 *
 * What a broker says on a connection: who of us it is for, and what of it concerns the connection
 * itself. Whoever breaks the protocol is blamed, told so, and left, once the frame has been dealt
 * with. */
#include <stdio.h>

#include "amqp/channel.h"
#include "amqp/connection_parts.h"
#include "base/check.h"

#define REPLY_FRAME_ERROR 501

static void be_closed(struct amqp_connection *connection, const amqp_connection_close_t *close)
{
    char words[320], why[400];
    text_show(codec_text(close->reply_text), words, sizeof words);
    (void)snprintf(why, sizeof why, "the broker closed the connection: %u %s", close->reply_code,
                   words);
    amqp_connection_close_ok_t ok = { 0 };
    connection_say(connection, AMQP_CONNECTION_CLOSE_OK_METHOD, &ok);
    wire_flush(connection->wire);
    connection_lose_in_words(connection, why, false);
}

static void take_own(struct amqp_connection *connection, const struct codec_frame *frame)
{
    if (frame->method == AMQP_CONNECTION_CLOSE_METHOD) {
        be_closed(connection, frame->decoded);
    } else if (frame->method == AMQP_CONNECTION_BLOCKED_METHOD) {
        const amqp_connection_blocked_t *blocked = frame->decoded;
        char reason[160];
        connection_tell_blocked(connection, true,
                                text_show(codec_text(blocked->reason), reason, sizeof reason));
        connection_tell_room(connection);
    } else if (frame->method == AMQP_CONNECTION_UNBLOCKED_METHOD) {
        connection_tell_blocked(connection, false, "");
        connection_tell_room(connection);
    } else {
        connection_blame(connection, "the broker sent %s, unasked",
                         amqp_method_name(frame->method));
    }
}

/* Its owner has left it; only the answer to our channel.close matters, or one that crossed it. */
static void take_late(struct amqp_connection *connection, const struct codec_frame *frame)
{
    if (frame->kind != CODEC_METHOD) return;
    if (frame->method == AMQP_CHANNEL_CLOSE_OK_METHOD) {
        roster_give_number(&connection->roster, frame->channel, false);
    } else if (frame->method == AMQP_CHANNEL_CLOSE_METHOD) {
        amqp_channel_close_ok_t ok = { 0 };
        bool encoded = codec_put_method(wire_out(connection->wire), frame->channel,
                                        AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
        CHECK(encoded);
        wire_touch(connection->wire);
    }
}

static void take_handshake(struct amqp_connection *connection, const struct codec_frame *frame)
{
    if (frame->channel != 0 || frame->kind != CODEC_METHOD) {
        if (frame->kind != CODEC_HEARTBEAT)
            connection_blame(connection, "the broker spoke on channel %u before it was open",
                             frame->channel);
        return;
    }
    struct status status = { 0 };
    enum handshake_result result = handshake_take(
        &connection->handshake, frame->method, frame->decoded, wire_out(connection->wire), &status);
    wire_flush(connection->wire);
    if (result == HANDSHAKE_DONE) {
        connection_become_ready(connection);
    } else if (result != HANDSHAKE_GOES_ON) {
        connection_lose_in_words(connection, status.text, result == HANDSHAKE_REFUSED);
    }
}

static void take_frame(struct amqp_connection *connection, const struct codec_frame *frame)
{
    const struct slot *slot = roster_at(&connection->roster, frame->channel);
    if (LIKELY(slot->channel != NULL)) {
        channel_take_frame(slot->channel, frame);
    } else if (connection->state == STATE_CONNECTING) {
        take_handshake(connection, frame);
    } else if (connection->state == STATE_CLOSING) {
        if (frame->kind == CODEC_METHOD && (frame->method == AMQP_CONNECTION_CLOSE_OK_METHOD ||
                                            frame->method == AMQP_CONNECTION_CLOSE_METHOD))
            connection_lose(connection, "", false);
    } else if (frame->channel == 0) {
        if (frame->kind == CODEC_METHOD) take_own(connection, frame);
    } else if (slot->is_closing) {
        take_late(connection, frame);
    } else if (!slot->rests_until_ms) {
        connection_blame(connection, "the broker spoke on channel %u, which is not open",
                         frame->channel);
    }
}

static void end_blamed(struct amqp_connection *connection)
{
    const struct status blame = connection->blame;
    if (connection->state == STATE_READY) {
        amqp_connection_close_t close = { .reply_code = REPLY_FRAME_ERROR,
                                          .reply_text = codec_cstr("FRAME_ERROR") };
        connection_say(connection, AMQP_CONNECTION_CLOSE_METHOD, &close);
        wire_flush(connection->wire);
    }
    connection_lose_in_words(connection, blame.text, false);
}

void connection_take_data(void *owner, struct evbuffer *in)
{
    struct amqp_connection *connection = owner;
    connection_enter(connection);
    enum codec_result result = CODEC_FRAME;
    while (connection->wire && !connection->blame.text[0] && !connection->is_freed) {
        struct codec_frame frame;
        result = codec_next(&connection->codec, in, &frame);
        if (result != CODEC_FRAME) break;
        take_frame(connection, &frame);
    }
    if (connection->wire && result == CODEC_BROKEN)
        connection_blame(connection, "%s", connection->codec.fault.text);
    for (struct channel *channel; (channel = roster_take_news(&connection->roster));)
        channel_end_batch(channel);
    if (connection->wire && connection->blame.text[0] && !connection->is_freed)
        end_blamed(connection);
    connection_leave(connection);
}
