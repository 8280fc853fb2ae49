/* SPDX-License-Identifier: Apache-2.0
 *
 * One channel; see channel.h. The order of method, header and body is enforced here, and a broker
 * that breaks it loses the connection: what is announced is believed only as it arrives. */
#include "amqp/channel.h"

#include <event2/buffer.h>
#include <stdio.h>
#include <stdlib.h>

#include "amqp/roster.h"
#include "base/check.h"

#define ANSWER_MS 30000 /* a call without an answer for so long closes the channel */
#define SHORT_TEXT 255
#define REPLY_SUCCESS 200

enum state { STATE_CLOSED, STATE_OPENING, STATE_OPEN };
enum expect { EXPECT_METHOD, EXPECT_HEADER, EXPECT_BODY };

struct call {
    struct list link;
    amqp_method_number_t method, reply;
    void (*on_reply)(void *owner, void *decoded);
    struct evbuffer *encoded; /* NULL once it is on its way */
};

struct channel {
    struct list link; /* in the connection's list */
    struct list news; /* in its list of those that got frames in this batch */
    struct amqp_connection *connection;
    struct channel_events events;
    void *owner;
    enum state state;
    bool is_freed;
    uint16_t number;
    uint64_t round;    /* the connection's walk that was here last */
    struct list calls; /* the first one is waiting for its answer */
    struct timer answer;

    enum expect expect;
    uint64_t body_left;
    struct channel_content content; /* its texts lie in: */
    char exchange[SHORT_TEXT], routing_key[SHORT_TEXT], reply_text[SHORT_TEXT];
};

static void on_late(void *owner);

struct channel *channel_with_news(struct list *news)
{
    return LIST_ENTRY(news, struct channel, news);
}

struct channel *channel_unvisited(struct list *channels, uint64_t round)
{
    LIST_EACH (link, channels) {
        struct channel *channel = LIST_ENTRY(link, struct channel, link);
        if (channel->round == round) continue;
        channel->round = round;
        return channel;
    }
    return NULL;
}

struct channel *channel_new(struct amqp_connection *connection, const struct channel_events *events,
                            void *owner)
{
    struct channel *channel = NEW(struct channel);
    channel->connection = connection;
    channel->events = *events;
    channel->owner = owner;
    list_init(&channel->calls);
    list_init(&channel->news);
    timer_init(&channel->answer, connection_loop(connection), on_late, channel);
    struct roster *roster = connection_roster(connection);
    channel->round = roster->round; /* a visit under way does not concern it */
    list_append(&roster->channels, &channel->link);
    return channel;
}

static void drop_call(struct call *call)
{
    if (call->encoded) evbuffer_free(call->encoded);
    free(call);
}

static void forget(struct channel *channel)
{
    for (struct list *link; (link = list_take_first(&channel->calls));)
        drop_call(LIST_ENTRY(link, struct call, link));
    timer_disarm(&channel->answer);
    channel->state = STATE_CLOSED;
    channel->expect = EXPECT_METHOD;
}

void channel_close(struct channel *channel)
{
    if (channel->state == STATE_CLOSED) return;
    amqp_channel_close_t close = { .reply_code = REPLY_SUCCESS, .reply_text = amqp_empty_bytes };
    channel_send(channel, AMQP_CHANNEL_CLOSE_METHOD, &close);
    roster_give_number(connection_roster(channel->connection), channel->number, true);
    forget(channel);
}

void channel_free(struct channel *channel)
{
    if (!channel) return;
    CHECK(!channel->is_freed);
    channel_close(channel);
    list_remove(&channel->link);
    list_remove(&channel->news);
    timer_fini(&channel->answer);
    channel->is_freed = true;
    connection_bury(channel->connection, channel);
}

bool channel_is_open(const struct channel *channel)
{
    return channel->state == STATE_OPEN && amqp_connection_is_ready(channel->connection);
}

/* ---- output --------------------------------------------------------------------------------- */

/* A connection that is lost or closing tells its channels one after another: until then, what those
 * that do not know yet send is dropped here. */
void channel_send(struct channel *channel, amqp_method_number_t id, void *method)
{
    if (!amqp_connection_is_ready(channel->connection)) return;
    bool encoded =
        codec_put_method(connection_out(channel->connection), channel->number, id, method);
    CHECK(encoded);
    connection_touch(channel->connection);
}

bool channel_publish(struct channel *channel, amqp_basic_publish_t *publish,
                     struct wr_text properties, struct wr_text body)
{
    if (!amqp_connection_is_ready(channel->connection)) return true;
    struct evbuffer *out = connection_out(channel->connection);
    if (!codec_put_method(out, channel->number, AMQP_BASIC_PUBLISH_METHOD, publish)) return false;
    codec_put_content(out, channel->number, connection_frame_max(channel->connection), properties,
                      body);
    connection_touch(channel->connection);
    return true;
}

static void send_next_call(struct channel *channel)
{
    if (list_is_empty(&channel->calls)) {
        timer_disarm(&channel->answer);
        return;
    }
    struct call *call = LIST_ENTRY(channel->calls.next, struct call, link);
    if (!call->encoded || !amqp_connection_is_ready(channel->connection)) return;
    (void)evbuffer_add_buffer(connection_out(channel->connection), call->encoded);
    evbuffer_free(call->encoded);
    call->encoded = NULL;
    connection_touch(channel->connection);
    timer_arm_ms(&channel->answer, ANSWER_MS);
}

bool channel_call(struct channel *channel, amqp_method_number_t id, void *method,
                  amqp_method_number_t reply, void (*on_reply)(void *, void *))
{
    struct call *call = NEW(struct call);
    call->method = id;
    call->reply = reply;
    call->on_reply = on_reply;
    call->encoded = evbuffer_new();
    CHECK(call->encoded != NULL);
    if (!codec_put_method(call->encoded, channel->number, id, method)) {
        drop_call(call);
        return false;
    }
    list_append(&channel->calls, &call->link);
    send_next_call(channel);
    return true;
}

/* ---- opening and losing --------------------------------------------------------------------- */

static void lose(struct channel *channel, const struct channel_loss *loss)
{
    forget(channel);
    channel->events.on_lost(channel->owner, loss);
}

static void on_late(void *owner)
{
    struct channel *channel = owner;
    struct amqp_connection *connection = channel->connection;
    struct call *call = LIST_ENTRY(channel->calls.next, struct call, link);
    char why[128];
    (void)snprintf(why, sizeof why, "the broker did not answer %s within %d s",
                   amqp_method_name(call->method), ANSWER_MS / 1000);
    struct channel_loss loss = { .method = call->method, .why = why };
    connection_enter(connection);
    channel_close(channel);
    lose(channel, &loss);
    connection_leave(connection);
}

static void on_open_ok(void *owner, void *decoded UNUSED)
{
    struct channel *channel = owner;
    channel->state = STATE_OPEN;
    channel->events.on_open(channel->owner);
}

void channel_open(struct channel *channel)
{
    CHECK(channel->state == STATE_CLOSED && amqp_connection_is_ready(channel->connection));
    channel->number = roster_take_number(connection_roster(channel->connection), channel,
                                         connection_channel_max(channel->connection),
                                         loop_now_ms(connection_loop(channel->connection)));
    if (channel->number == 0) {
        struct channel_loss loss = { .why = "the broker allows no more channels" };
        lose(channel, &loss);
        return;
    }
    channel->state = STATE_OPENING;
    amqp_channel_open_t open = { .out_of_band = amqp_empty_bytes };
    bool sent = channel_call(channel, AMQP_CHANNEL_OPEN_METHOD, &open, AMQP_CHANNEL_OPEN_OK_METHOD,
                             on_open_ok);
    CHECK(sent);
}

void channel_connected(struct channel *channel)
{
    channel->events.on_connected(channel->owner);
}

void channel_disconnected(struct channel *channel, const char *why)
{
    if (channel->state == STATE_CLOSED) return;
    struct channel_loss loss = { .why = why };
    lose(channel, &loss);
}

static void be_closed(struct channel *channel, const amqp_channel_close_t *close)
{
    char why[SHORT_TEXT * 4 + 8];
    struct channel_loss loss = { .code = close->reply_code,
                                 .method = (amqp_method_number_t)(close->class_id << 16 |
                                                                  close->method_id) };
    loss.why = text_show(codec_text(close->reply_text), why, sizeof why);
    amqp_channel_close_ok_t ok = { 0 };
    channel_send(channel, AMQP_CHANNEL_CLOSE_OK_METHOD, &ok);
    roster_rest_number(connection_roster(channel->connection), channel->number,
                       loop_now_ms(connection_loop(channel->connection)));
    lose(channel, &loss);
}

/* ---- input ---------------------------------------------------------------------------------- */

static struct wr_text keep(char *room, amqp_bytes_t bytes)
{
    size_t len = bytes.len < SHORT_TEXT ? bytes.len : SHORT_TEXT;
    if (len > 0) memcpy(room, bytes.bytes, len);
    return text_from(room, len);
}

/* What the method said is kept until the header comes, which may be in another read. */
static void begin_deliver(struct channel *channel, const amqp_basic_deliver_t *deliver)
{
    struct channel_content *content = &channel->content;
    content->method = AMQP_BASIC_DELIVER_METHOD;
    content->tag = deliver->delivery_tag;
    content->redelivered = deliver->redelivered != 0;
    content->exchange = keep(channel->exchange, deliver->exchange);
    content->routing_key = keep(channel->routing_key, deliver->routing_key);
    channel->expect = EXPECT_HEADER;
}

static void begin_return(struct channel *channel, const amqp_basic_return_t *returned)
{
    struct channel_content *content = &channel->content;
    content->method = AMQP_BASIC_RETURN_METHOD;
    content->reply_code = returned->reply_code;
    content->reply_text = keep(channel->reply_text, returned->reply_text);
    content->exchange = keep(channel->exchange, returned->exchange);
    content->routing_key = keep(channel->routing_key, returned->routing_key);
    channel->expect = EXPECT_HEADER;
}

static bool is_answer(struct channel *channel, const struct codec_frame *frame)
{
    if (list_is_empty(&channel->calls)) return false;
    struct call *call = LIST_ENTRY(channel->calls.next, struct call, link);
    if (call->reply != frame->method || call->encoded) return false;
    void (*on_reply)(void *, void *) = call->on_reply;
    void *owner = on_reply == on_open_ok ? channel : channel->owner;
    list_remove(&call->link);
    drop_call(call);
    send_next_call(channel);
    if (on_reply) on_reply(owner, frame->decoded);
    return true;
}

static void take_method(struct channel *channel, const struct codec_frame *frame)
{
    switch (frame->method) {
    case AMQP_BASIC_DELIVER_METHOD: begin_deliver(channel, frame->decoded); return;
    case AMQP_BASIC_RETURN_METHOD: begin_return(channel, frame->decoded); return;
    case AMQP_CHANNEL_CLOSE_METHOD: be_closed(channel, frame->decoded); return;
    case AMQP_CHANNEL_FLOW_METHOD: {
        const amqp_channel_flow_t *flow = frame->decoded;
        amqp_channel_flow_ok_t ok = { .active = flow->active };
        channel_send(channel, AMQP_CHANNEL_FLOW_OK_METHOD, &ok);
        return;
    }
    case AMQP_BASIC_ACK_METHOD:
    case AMQP_BASIC_NACK_METHOD:
    case AMQP_BASIC_CANCEL_METHOD:
        if (!channel->events.on_method) break;
        channel->events.on_method(channel->owner, frame->method, frame->decoded);
        return;
    default:
        if (is_answer(channel, frame)) return;
    }
    connection_blame(channel->connection, "the broker sent %s on channel %u, unasked",
                     amqp_method_name(frame->method), channel->number);
}

static void end_content(struct channel *channel)
{
    channel->expect = EXPECT_METHOD;
    channel->events.on_content_end(channel->owner);
}

static void take_header(struct channel *channel, const struct codec_frame *frame)
{
    channel->content.body_bytes = channel->body_left = frame->body_bytes;
    channel->content.properties = frame->bytes;
    channel->expect = EXPECT_BODY;
    channel->events.on_content(channel->owner, &channel->content);
    if (frame->body_bytes == 0 && channel->expect == EXPECT_BODY && !channel->is_freed)
        end_content(channel);
}

static void take_body(struct channel *channel, const struct codec_frame *frame)
{
    if (frame->bytes.len > channel->body_left) {
        connection_blame(
            channel->connection,
            "the broker sent a longer body on channel %u than the %llu bytes it announced",
            channel->number, (unsigned long long)channel->content.body_bytes);
        return;
    }
    channel->body_left -= frame->bytes.len;
    channel->events.on_body(channel->owner, frame->bytes);
    if (channel->body_left == 0 && channel->expect == EXPECT_BODY && !channel->is_freed)
        end_content(channel);
}

void channel_take_frame(struct channel *channel, const struct codec_frame *frame)
{
    static const char *const names[] = { "method", "header", "body" };
    static const enum expect wanted[] = { EXPECT_METHOD, EXPECT_HEADER, EXPECT_BODY };
    if (list_is_empty(&channel->news))
        list_append(&connection_roster(channel->connection)->news, &channel->news);
    if (UNLIKELY(wanted[frame->kind] != channel->expect)) {
        connection_blame(channel->connection,
                         "the broker sent a %s frame on channel %u instead of a %s",
                         names[frame->kind], channel->number, names[channel->expect]);
    } else if (frame->kind == CODEC_METHOD) {
        take_method(channel, frame);
    } else if (!channel->events.on_content) {
        connection_blame(channel->connection, "the broker sent a message on channel %u, unasked",
                         channel->number);
    } else if (frame->kind == CODEC_HEADER) {
        take_header(channel, frame);
    } else {
        take_body(channel, frame);
    }
}

void channel_end_batch(struct channel *channel)
{
    if (channel->events.on_batch_end) channel->events.on_batch_end(channel->owner);
}

void channel_relieve(struct channel *channel)
{
    if (channel->events.on_relief) channel->events.on_relief(channel->owner);
}
