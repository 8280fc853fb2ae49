/* SPDX-License-Identifier: Apache-2.0
 *
 * See script.h. */
#include "unit/amqp/script.h"

#include <arpa/inet.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/listener.h>
#include <stdio.h>

#define HEAD_BYTES 7

static void say(struct script *script, uint16_t channel, amqp_method_number_t id, void *method)
{
    cr_assert(codec_put_method(bufferevent_get_output(script->peer), channel, id, method));
}

void script_say_method(struct script *script, uint16_t channel, amqp_method_number_t id,
                       void *method)
{
    say(script, channel, id, method);
}

void script_say(struct script *script, const void *bytes, size_t len)
{
    cr_assert(bufferevent_write(script->peer, bytes, len) == 0);
}

static void say_start(struct script *script)
{
    amqp_connection_start_t start = { .version_minor = 9,
                                      .mechanisms = codec_cstr(script->mechanisms),
                                      .locales = codec_cstr("en_US") };
    if (script->keeps_mum) return;
    if (script->greeting) {
        script_say(script, script->greeting, script->greeting_bytes);
    } else {
        say(script, 0, AMQP_CONNECTION_START_METHOD, &start);
    }
}

/* Numbers where methods that a client sends have them: no decoding of ours is used on them. */
static uint64_t number_at(const unsigned char *at, int bytes)
{
    uint64_t number = 0;
    while (bytes-- > 0) number = number << 8 | *at++;
    return number;
}

static void answer_start(struct script *script)
{
    if (script->asks_secure) {
        amqp_connection_secure_t secure = { .challenge = codec_cstr("?") };
        say(script, 0, AMQP_CONNECTION_SECURE_METHOD, &secure);
    } else if (script->refuses_login) {
        script_hang_up(script);
    } else {
        say(script, 0, AMQP_CONNECTION_TUNE_METHOD, &script->tune);
    }
}

static void note_ack(struct script *script, const unsigned char *arguments)
{
    script->acks++;
    script->last_ack = number_at(arguments, 8);
}

static void note_tune(struct script *script, const unsigned char *arguments)
{
    script->tuned.channel_max = (uint16_t)number_at(arguments, 2);
    script->tuned.frame_max = (uint32_t)number_at(arguments + 2, 4);
    script->tuned.heartbeat = (uint16_t)number_at(arguments + 6, 2);
}

static void answer(struct script *script, uint16_t channel, amqp_method_number_t id,
                   const unsigned char *arguments)
{
    static const struct {
        amqp_method_number_t id, reply;
    } replies[] = {
        { AMQP_CONNECTION_OPEN_METHOD, AMQP_CONNECTION_OPEN_OK_METHOD },
        { AMQP_CHANNEL_OPEN_METHOD, AMQP_CHANNEL_OPEN_OK_METHOD },
        { AMQP_CHANNEL_CLOSE_METHOD, AMQP_CHANNEL_CLOSE_OK_METHOD },
        { AMQP_CONNECTION_CLOSE_METHOD, AMQP_CONNECTION_CLOSE_OK_METHOD },
        { AMQP_QUEUE_DECLARE_METHOD, AMQP_QUEUE_DECLARE_OK_METHOD },
        { AMQP_BASIC_QOS_METHOD, AMQP_BASIC_QOS_OK_METHOD },
        { AMQP_BASIC_CONSUME_METHOD, AMQP_BASIC_CONSUME_OK_METHOD },
        { AMQP_BASIC_CANCEL_METHOD, AMQP_BASIC_CANCEL_OK_METHOD },
        { AMQP_CONFIRM_SELECT_METHOD, AMQP_CONFIRM_SELECT_OK_METHOD },
    };
    if (script->hears && script->hears(script, channel, id)) return;
    switch (id) {
    case AMQP_CONNECTION_START_OK_METHOD: answer_start(script); return;
    case AMQP_CONNECTION_TUNE_OK_METHOD: note_tune(script, arguments); return;
    case AMQP_BASIC_ACK_METHOD: note_ack(script, arguments); return;
    case AMQP_BASIC_REJECT_METHOD: script->rejects++; return;
    case AMQP_BASIC_PUBLISH_METHOD: script->publishes++; return;
    case AMQP_CHANNEL_FLOW_OK_METHOD: script->flow_oks++; return;
    case AMQP_BASIC_CONSUME_METHOD: script->consumer_channel = channel; break;
    case AMQP_CONFIRM_SELECT_METHOD: script->publisher_channel = channel; break;
    case AMQP_CONNECTION_CLOSE_METHOD:
        script->closes++;
        script->close_code = (uint16_t)number_at(arguments, 2);
        if (script->keeps_close) return;
        break;
    default: break;
    }
    char none[256] = { 0 }; /* every reply's fields may be empty */
    for (size_t i = 0; i < sizeof replies / sizeof *replies; i++)
        if (replies[i].id == id) say(script, channel, replies[i].reply, none);
}

static void on_read(struct bufferevent *peer, void *arg)
{
    struct script *script = arg;
    struct evbuffer *in = bufferevent_get_input(peer);
    if (!script->is_greeted && evbuffer_get_length(in) >= 8) {
        (void)evbuffer_drain(in, 8);
        script->is_greeted = true;
        say_start(script);
    }
    while (script->is_greeted && script->peer == peer && evbuffer_get_length(in) >= HEAD_BYTES) {
        unsigned char head[HEAD_BYTES];
        (void)evbuffer_copyout(in, head, sizeof head);
        size_t bytes = HEAD_BYTES + (size_t)number_at(head + 3, 4) + 1;
        if (evbuffer_get_length(in) < bytes) return;
        const unsigned char *frame = evbuffer_pullup(in, (ev_ssize_t)bytes);
        cr_assert(frame[bytes - 1] == 0xce);
        if (head[0] == AMQP_FRAME_HEARTBEAT) script->heartbeats++;
        if (head[0] == AMQP_FRAME_METHOD)
            answer(script, (uint16_t)number_at(head + 1, 2),
                   (amqp_method_number_t)number_at(frame + HEAD_BYTES, 4), frame + HEAD_BYTES + 4);
        if (script->peer == peer) (void)evbuffer_drain(in, bytes);
    }
}

void script_hang_up(struct script *script)
{
    if (script->peer) bufferevent_free(script->peer);
    script->peer = NULL;
}

static void on_event(struct bufferevent *peer, short what, void *arg)
{
    struct script *script = arg;
    if (peer == script->peer && what & (BEV_EVENT_EOF | BEV_EVENT_ERROR)) script_hang_up(script);
}

static void on_client(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *from,
                      int bytes, void *arg)
{
    struct script *script = arg;
    (void)listener;
    (void)from;
    (void)bytes;
    script_hang_up(script);
    script->clients++;
    script->is_greeted = false;
    script->peer = bufferevent_socket_new(loop_base(script->loop), fd, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(script->peer, on_read, NULL, on_event, script);
    cr_assert(bufferevent_enable(script->peer, EV_READ | EV_WRITE) == 0);
}

static void on_tick(void *owner)
{
    (void)owner;
}

void script_turn(struct script *script)
{
    script->turns++;
    timer_arm_ms(&script->tick, 20);
    event_base_loop(loop_base(script->loop), EVLOOP_ONCE);
}

void script_open(struct script *script)
{
    *script = (struct script){ .mechanisms = "AMQPLAIN PLAIN",
                               .tune = { .channel_max = 100, .frame_max = 131072, .heartbeat = 60 },
                               .heartbeat_s = 20,
                               .connect_ms = 5000,
                               .topology = { .queue = "q" } };
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t bytes = sizeof at;
    script->loop = loop_new();
    timer_init(&script->tick, script->loop, on_tick, script);
    script->listener =
        evconnlistener_new_bind(loop_base(script->loop), on_client, script, LEV_OPT_CLOSE_ON_FREE,
                                8, (struct sockaddr *)&at, sizeof at);
    cr_assert(script->listener != NULL);
    cr_assert(
        getsockname(evconnlistener_get_fd(script->listener), (struct sockaddr *)&at, &bytes) == 0);
    script->port = ntohs(at.sin_port);
}

/* ---- the client ------------------------------------------------------------------------------ */

static bool on_server(void *owner, struct amqp_server *out, struct status *status)
{
    struct script *script = owner;
    (void)status;
    *out = (struct amqp_server){ .host = "127.0.0.1",
                                 .port = script->port,
                                 .vhost = "/",
                                 .user = "u",
                                 .password = "p",
                                 .shown = "amqp://script" };
    return true;
}

static void on_ready(void *owner)
{
    ((struct script *)owner)->readies++;
}

static void on_lost(void *owner, const char *why, bool is_refusal)
{
    struct script *script = owner;
    script->losses++;
    script->is_refusal = is_refusal;
    snprintf(script->why, sizeof script->why, "%s", why);
}

static void on_blocked(void *owner, bool blocked, const char *reason)
{
    struct script *script = owner;
    if (blocked) {
        script->blocked++;
        cr_assert(strcmp(reason, "low on memory") == 0);
    } else {
        script->unblocked++;
    }
}

static void on_closed(void *owner)
{
    ((struct script *)owner)->closed++;
}

void script_connect(struct script *script)
{
    static const struct amqp_connection_events events = { on_server, on_ready, on_lost, on_blocked,
                                                          on_closed };
    struct amqp_connection_settings settings = { .name = "a test",
                                                 .heartbeat_s = script->heartbeat_s,
                                                 .connect_ms = script->connect_ms,
                                                 .backoff_first_ms = 20,
                                                 .backoff_most_ms = 100 };
    script->connection = amqp_connection_new(script->loop, &settings, &events, script);
}

static void on_subscribed(void *owner, uint64_t epoch)
{
    (void)epoch;
    ((struct script *)owner)->subscribed++;
}

static void on_unsubscribed(void *owner, const char *why)
{
    struct script *script = owner;
    script->unsubscribed++;
    snprintf(script->consumer_why, sizeof script->consumer_why, "%s", why);
}

static char *on_begin(void *owner, const struct amqp_delivery *delivery, void **token)
{
    struct script *script = owner;
    cr_assert(delivery->body_bytes <= sizeof script->body);
    script->begun++;
    *token = script;
    return script->body;
}

static void on_message(void *owner, void *token)
{
    cr_assert(owner == token);
    ((struct script *)owner)->whole++;
}

static void on_torn(void *owner, void *token)
{
    cr_assert(owner == token);
    ((struct script *)owner)->torn++;
}

static void on_oversize(void *owner, const struct amqp_delivery *delivery)
{
    (void)delivery;
    ((struct script *)owner)->oversize++;
}

void script_consume(struct script *script, uint64_t most_bytes)
{
    static const struct consumer_events events = { .on_subscribed = on_subscribed,
                                                   .on_unsubscribed = on_unsubscribed,
                                                   .on_begin = on_begin,
                                                   .on_message = on_message,
                                                   .on_torn = on_torn,
                                                   .on_oversize = on_oversize };
    struct consumer_settings settings = {
        .topology = script->topology, .tag = "t", .prefetch = 10, .most_body_bytes = most_bytes
    };
    script_connect(script);
    script->consumer = consumer_new(script->connection, &settings, &events, script);
    WAIT_ON(script, script->subscribed == 1);
}

static void on_outcome(void *owner, void *token, enum publish_outcome outcome, const char *why)
{
    struct script *script = owner;
    (void)token;
    script->outcomes[outcome]++;
    snprintf(script->outcome_why, sizeof script->outcome_why, "%s", why);
}

static void on_room(void *owner)
{
    ((struct script *)owner)->rooms++;
}

void script_publish(struct script *script)
{
    static const struct publisher_events events = { .on_outcome = on_outcome, .on_room = on_room };
    script_connect(script);
    script->publisher = publisher_new(script->connection, 10, &events, script);
    WAIT_ON(script, script->rooms == 1);
}

void script_close(struct script *script)
{
    consumer_free(script->consumer);
    publisher_free(script->publisher);
    amqp_connection_free(script->connection);
    script_hang_up(script);
    evconnlistener_free(script->listener);
    timer_fini(&script->tick);
    loop_free(script->loop);
}

void script_deliver(struct script *script, uint64_t tag)
{
    amqp_basic_deliver_t deliver = { .consumer_tag = codec_cstr("t"),
                                     .delivery_tag = tag,
                                     .exchange = codec_cstr("e"),
                                     .routing_key = codec_cstr("k") };
    say(script, script->consumer_channel, AMQP_BASIC_DELIVER_METHOD, &deliver);
}

void script_header(struct script *script, uint64_t body_bytes)
{
    unsigned char header[] = { 2,   0, (unsigned char)script->consumer_channel,
                               0,   0, 0,
                               14,  0, 60,
                               0,   0, 0,
                               0,   0, 0,
                               0,   0, 0,
                               0,   0, 0,
                               0xce };
    for (int i = 0; i < 8; i++) header[11 + i] = (unsigned char)(body_bytes >> (56 - 8 * i));
    script_say(script, header, sizeof header);
}
