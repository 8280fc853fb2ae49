/* SPDX-License-Identifier: Apache-2.0
 *
 * Brokers that break the protocol, fall silent, or hang up in the middle: each ends in words and a
 * new try, none in a crash. */
#include "unit/amqp/script.h"

#include <stdlib.h>

#define SAY(literal) script_say(&script, literal, sizeof(literal) - 1)

/* Lost for that reason, with the broker told in its own terms; and back again. */
#define LOST(words)                                                                                \
    do {                                                                                           \
        WAIT(script.losses == 1);                                                                  \
        cr_assert(strstr(script.why, words), "%s", script.why);                                    \
        cr_assert(strstr(script.why, "amqp://script: ") == script.why, "%s", script.why);          \
        cr_assert(script.unsubscribed == 1 && strcmp(script.consumer_why, script.why) == 0);       \
        WAIT(script.subscribed == 2);                                                              \
        cr_assert(script.close_code == 501, "%u", script.close_code);                              \
        script_close(&script);                                                                     \
    } while (0)

#define CONSUME(most_bytes)                                                                        \
    static struct script script;                                                                   \
    script_open(&script);                                                                          \
    script_consume(&script, most_bytes)

Test(hostile, a_bad_end_byte)
{
    CONSUME(1000);
    SAY("\x08\0\0\0\0\0\0\xcd");
    LOST("0xcd instead of 0xce");
}

Test(hostile, a_frame_above_the_limit)
{
    CONSUME(1000);
    SAY("\x03\0\x02\0\x02\0\0");
    LOST("above the limit of 131072");
}

Test(hostile, an_undersized_frame)
{
    CONSUME(1000);
    SAY("\x01\0\x02\0\0\0\x02\0\x3c\xce");
    LOST("too short");
}

Test(hostile, a_channel_that_is_not_open)
{
    CONSUME(1000);
    script.consumer_channel = 77;
    script_deliver(&script, 1);
    LOST("channel 77, which is not open");
}

/* As RabbitMQ does when its clock for acks strikes twice. The connection, which others use, stays. */
Test(hostile, a_channel_that_is_closed_twice)
{
    CONSUME(1000);
    amqp_channel_close_t close = {
        .reply_code = 406,
        .reply_text =
            codec_cstr("PRECONDITION_FAILED - delivery acknowledgement on channel 2 timed "
                       "out. Timeout value used: 3000 ms. This timeout value can be "
                       "configured, see consumers doc guide to learn more"),
    };
    const uint16_t channel = script.consumer_channel;
    script_say_method(&script, channel, AMQP_CHANNEL_CLOSE_METHOD, &close);
    script_say_method(&script, channel, AMQP_CHANNEL_CLOSE_METHOD, &close);
    WAIT(script.subscribed == 2);
    cr_assert(script.losses == 0 && script.unsubscribed == 1, "%s", script.why);
    cr_assert(script.consumer_channel != channel, "its number rests");
    cr_assert(strstr(script.consumer_why, "within the 3000 ms that the broker gives"), "%s",
              script.consumer_why);
    cr_assert(consumer_ack_most_ms(script.consumer) == 3000);
    script_close(&script);
}

Test(hostile, a_method_on_channel_0_that_was_not_asked_for)
{
    CONSUME(1000);
    amqp_connection_open_ok_t ok = { 0 };
    script_say_method(&script, 0, AMQP_CONNECTION_OPEN_OK_METHOD, &ok);
    LOST("AMQP_CONNECTION_OPEN_OK_METHOD, unasked");
}

Test(hostile, an_answer_that_was_not_asked_for)
{
    CONSUME(1000);
    amqp_basic_qos_ok_t ok = { 0 };
    script_say_method(&script, script.consumer_channel, AMQP_BASIC_QOS_OK_METHOD, &ok);
    LOST("AMQP_BASIC_QOS_OK_METHOD on channel");
}

Test(hostile, a_confirm_to_a_consumer)
{
    CONSUME(1000);
    amqp_basic_ack_t ack = { .delivery_tag = 1 };
    script_say_method(&script, script.consumer_channel, AMQP_BASIC_ACK_METHOD, &ack);
    LOST("AMQP_BASIC_ACK_METHOD to a consumer");
}

Test(hostile, a_body_longer_than_announced)
{
    CONSUME(1000);
    script_deliver(&script, 1);
    script_header(&script, 3);
    SAY("\x03\0\x02\0\0\0\x04"
        "abcd\xce");
    WAIT(script.losses == 1);
    cr_assert(script.begun == 1 && script.torn == 1 && script.whole == 0);
    LOST("longer body on channel 2 than the 3 bytes");
}

Test(hostile, a_header_without_its_method)
{
    CONSUME(1000);
    script_header(&script, 3);
    LOST("a header frame on channel 2 instead of a method");
}

Test(hostile, a_body_without_its_header)
{
    CONSUME(1000);
    script_deliver(&script, 1);
    SAY("\x03\0\x02\0\0\0\x01"
        "a\xce");
    LOST("a body frame on channel 2 instead of a header");
}

Test(hostile, a_method_in_the_middle_of_a_body)
{
    CONSUME(1000);
    script_deliver(&script, 1);
    script_header(&script, 3);
    script_deliver(&script, 2);
    WAIT(script.losses == 1);
    cr_assert(script.torn == 1);
    LOST("a method frame on channel 2 instead of a body");
}

Test(hostile, damaged_properties)
{
    CONSUME(1000);
    script_deliver(&script, 1);
    SAY("\x02\0\x02\0\0\0\x0f\0\x3c\0\0\0\0\0\0\0\0\0\0\x80\0\xff\xce");
    LOST("damaged properties from queue 'q'");
}

Test(hostile, a_message_to_where_none_was_asked_for)
{
    CONSUME(1000);
    script_deliver(&script, 1);
    amqp_basic_return_t returned = { .reply_code = 312 };
    script_header(&script, 0);
    script_say_method(&script, script.consumer_channel, AMQP_BASIC_RETURN_METHOD, &returned);
    script_header(&script, 0);
    LOST("AMQP_BASIC_RETURN_METHOD to a consumer");
}

Test(hostile, an_absurd_body_is_never_held)
{
    CONSUME(1000);
    script_deliver(&script, 1);
    script_header(&script, UINT64_MAX);
    SAY("\x03\0\x02\0\0\0\x01"
        "a\xce");
    WAIT(script.oversize == 1);
    cr_assert(script.begun == 0 && script.losses == 0);
    script_hang_up(&script);
    WAIT(script.subscribed == 2);
    cr_assert(script.torn == 0 && script.rejects == 0);
    script_close(&script);
}

Test(hostile, hanging_up_in_the_middle_of_a_body_tears_it)
{
    CONSUME(1000);
    script_deliver(&script, 1);
    script_header(&script, 3);
    SAY("\x03\0\x02\0\0\0\x03"
        "ab");
    WAIT(script.begun == 1);
    script_hang_up(&script);
    WAIT(script.losses == 1);
    cr_assert(script.torn == 1 && script.whole == 0 && script.unsubscribed == 1);
    WAIT(script.subscribed == 2);
    script_close(&script);
}

Test(hostile, one_byte_at_a_time_is_as_good_as_all_at_once)
{
    CONSUME(10000);
    struct evbuffer *all = evbuffer_new();
    amqp_basic_deliver_t deliver = { .consumer_tag = codec_cstr("t"), .delivery_tag = 5 };
    char body[5000];
    memset(body, 'b', sizeof body);
    cr_assert(codec_put_method(all, script.consumer_channel, AMQP_BASIC_DELIVER_METHOD, &deliver));
    codec_put_content(all, script.consumer_channel, 4096, text_from("\0\0", 2),
                      text_from(body, sizeof body));
    size_t len = evbuffer_get_length(all);
    const unsigned char *bytes = evbuffer_pullup(all, -1);
    for (size_t i = 0; i < len; i++) {
        script_say(&script, bytes + i, 1);
        if (i < 300 || i + 50 > len) script_turn(&script);
    }
    WAIT(script.whole == 1);
    cr_assert(memcmp(script.body, body, sizeof body) == 0 && script.losses == 0);
    evbuffer_free(all);
    script_close(&script);
}

/* ---- the handshake --------------------------------------------------------------------------- */

#define REFUSED(words, refusal)                                                                    \
    do {                                                                                           \
        script_connect(&script);                                                                   \
        WAIT(script.losses == 2); /* and tried again */                                            \
        cr_assert(strstr(script.why, words), "%s", script.why);                                    \
        cr_assert(script.is_refusal == (refusal) && script.readies == 0);                          \
        script_close(&script);                                                                     \
    } while (0)

Test(handshake, another_version)
{
    static struct script script;
    script_open(&script);
    script.greeting = "AMQP\0\1\0\0";
    script.greeting_bytes = 8;
    REFUSED("speaks AMQP 1-0-0", false);
}

Test(handshake, another_server)
{
    static struct script script;
    script_open(&script);
    script.greeting = "HTTP/1.1 400 Bad Request\r\n\r\n";
    script.greeting_bytes = 28;
    REFUSED("does not speak AMQP", false);
}

Test(handshake, no_mechanism_of_ours)
{
    static struct script script;
    script_open(&script);
    script.mechanisms = "AMQPLAIN PLAINER EXTERNAL";
    REFUSED("offers the mechanisms AMQPLAIN PLAINER EXTERNAL, not PLAIN", true);
}

Test(handshake, a_challenge)
{
    static struct script script;
    script_open(&script);
    script.asks_secure = true;
    REFUSED("further secret", true);
}

Test(handshake, a_limit_below_what_amqp_allows)
{
    static struct script script;
    script_open(&script);
    script.tune.frame_max = 4095;
    REFUSED("at most 4095 bytes", false);
}

Test(handshake, a_silent_server)
{
    static struct script script;
    script_open(&script);
    script.keeps_mum = true;
    script.connect_ms = 200;
    REFUSED("no answer within 200 ms", false);
}

Test(handshake, hanging_up_on_the_password)
{
    static struct script script;
    script_open(&script);
    script.refuses_login = true;
    REFUSED("may have refused user and password", false);
}

Test(handshake, no_limits_there_are_our_limits_here)
{
    static struct script script;
    script_open(&script);
    script.tune = (amqp_connection_tune_t){ 0 };
    script_connect(&script);
    WAIT(script.readies == 1);
    cr_assert(script.tuned.frame_max == 131072 && script.tuned.channel_max == 2047);
    cr_assert(script.tuned.heartbeat == 20);
    script_close(&script);
}

Test(handshake, the_lower_of_two_limits_holds)
{
    static struct script script;
    script_open(&script);
    script.tune = (amqp_connection_tune_t){ .channel_max = 5, .frame_max = 4096, .heartbeat = 7 };
    script_consume(&script, 1000);
    cr_assert(script.tuned.frame_max == 4096 && script.tuned.channel_max == 5);
    cr_assert(script.tuned.heartbeat == 7);
    SAY("\x03\0\x02\0\0\x0f\xf9"); /* 4089 and 8: one above */
    LOST("4097 bytes, above the limit of 4096");
}

/* ---- heartbeats, blocking, leaving ------------------------------------------------------------- */

Test(life, a_silent_broker_is_lost_after_two_heartbeats_and_gets_ours)
{
    static struct script script;
    script_open(&script);
    script.heartbeat_s = 1;
    uint64_t since_ms = clock_now_ms();
    script_connect(&script);
    WAIT(script.readies == 1);
    WAIT(script.losses == 1);
    uint64_t took_ms = clock_now_ms() - since_ms;
    cr_assert(strstr(script.why, "silent for 2 s"), "%s", script.why);
    cr_assert(took_ms >= 1900 && took_ms < 15000, "%llu ms", (unsigned long long)took_ms);
    const bool was_awake = script.turns >= 75; /* of 20 ms at most: not kept waiting for a second */
    cr_assert(script.heartbeats >= 2 || !was_awake, "%d", script.heartbeats);
    WAIT(script.readies == 2);
    cr_assert(amqp_connection_reconnects(script.connection) == 1);
    script_close(&script);
}

Test(life, a_broker_that_beats_is_kept)
{
    static struct script script;
    script_open(&script);
    script.heartbeat_s = 1;
    script_connect(&script);
    WAIT(script.readies == 1);
    for (uint64_t until_ms = clock_now_ms() + 3500; clock_now_ms() < until_ms;) {
        SAY("\x08\0\0\0\0\0\0\xce");
        script_turn(&script);
    }
    cr_assert(script.losses == 0, "%s", script.why);
    script_close(&script);
}

Test(life, a_blocked_connection_has_no_room_until_it_is_unblocked)
{
    static struct script script;
    script_open(&script);
    script_publish(&script);
    amqp_connection_blocked_t blocked = { .reason = codec_cstr("low on memory") };
    script_say_method(&script, 0, AMQP_CONNECTION_BLOCKED_METHOD, &blocked);
    WAIT(script.blocked == 1);
    cr_assert(!publisher_has_room(script.publisher) &&
              amqp_connection_is_blocked(script.connection));
    amqp_connection_unblocked_t unblocked = { 0 };
    script_say_method(&script, 0, AMQP_CONNECTION_UNBLOCKED_METHOD, &unblocked);
    WAIT(script.rooms == 2);
    cr_assert(script.unblocked == 1 && publisher_has_room(script.publisher));
    script_close(&script);
}

static void publish(struct script *script)
{
    struct amqp_outgoing message = { .routing_key = WR_TEXT_OF("k"), .mandatory = true };
    struct status status = { 0 };
    cr_assert(publisher_send(script->publisher, &message, NULL, &status));
}

Test(life, confirms_of_any_shape_settle_what_they_name)
{
    static struct script script;
    script_open(&script);
    script_publish(&script);
    for (int i = 0; i < 10; i++) publish(&script);
    cr_assert(!publisher_has_room(script.publisher));
    WAIT(script.publishes == 10);
    amqp_basic_nack_t nack = { .delivery_tag = 2, .multiple = 1 };
    script_say_method(&script, script.publisher_channel, AMQP_BASIC_NACK_METHOD, &nack);
    amqp_basic_ack_t ack = { .delivery_tag = 9 };
    script_say_method(&script, script.publisher_channel, AMQP_BASIC_ACK_METHOD, &ack);
    script_say_method(&script, script.publisher_channel, AMQP_BASIC_ACK_METHOD, &ack);
    WAIT(script.outcomes[PUBLISH_NACKED] == 2 && script.outcomes[PUBLISH_CONFIRMED] == 1);
    ack = (amqp_basic_ack_t){ .delivery_tag = 0, .multiple = 1 };
    script_say_method(&script, script.publisher_channel, AMQP_BASIC_ACK_METHOD, &ack);
    WAIT(script.outcomes[PUBLISH_CONFIRMED] == 8);
    cr_assert(publisher_pending(script.publisher) == 0 && script.losses == 0);
    publish(&script);
    script_hang_up(&script);
    WAIT(script.outcomes[PUBLISH_UNKNOWN] == 1);
    WAIT(script.rooms == 3);
    script_close(&script);
}

Test(life, a_return_of_what_was_not_sent_is_the_brokers_fault)
{
    static struct script script;
    script_open(&script);
    script_publish(&script);
    publish(&script);
    amqp_basic_return_t returned = { .reply_code = 312, .routing_key = codec_cstr("another") };
    script.consumer_channel = script.publisher_channel;
    script_say_method(&script, script.publisher_channel, AMQP_BASIC_RETURN_METHOD, &returned);
    script_header(&script, 0);
    WAIT(script.losses == 1);
    cr_assert(strstr(script.why, "returned a message that was not sent"), "%s", script.why);
    cr_assert(script.outcomes[PUBLISH_UNKNOWN] == 1);
    script_close(&script);
}

Test(life, flow_is_answered)
{
    CONSUME(1000);
    amqp_channel_flow_t flow = { .active = 0 };
    script_say_method(&script, script.consumer_channel, AMQP_CHANNEL_FLOW_METHOD, &flow);
    WAIT(script.flow_oks == 1);
    script_close(&script);
}

Test(life, a_broker_that_closes_is_answered_and_quoted)
{
    CONSUME(1000);
    amqp_connection_close_t close = { .reply_code = 320,
                                      .reply_text = codec_cstr("CONNECTION_FORCED - bye") };
    script_say_method(&script, 0, AMQP_CONNECTION_CLOSE_METHOD, &close);
    WAIT(script.losses == 1);
    cr_assert(strstr(script.why, "closed the connection: 320 CONNECTION_FORCED - bye"), "%s",
              script.why);
    WAIT(script.subscribed == 2);
    script_close(&script);
}

Test(life, leaving_waits_for_the_answer_but_not_for_ever)
{
    static struct script script;
    script_open(&script);
    script_connect(&script);
    WAIT(script.readies == 1);
    script.keeps_close = true;
    uint64_t since_ms = clock_now_ms();
    amqp_connection_end(script.connection);
    cr_assert(script.closed == 0, "never from inside");
    WAIT(script.closed == 1);
    uint64_t took_ms = clock_now_ms() - since_ms;
    cr_assert(took_ms >= 1900 && took_ms < 15000, "%llu ms", (unsigned long long)took_ms);
    cr_assert(script.closes == 1 && script.close_code == 200);
    cr_assert(script.losses == 0, "%s", script.why);
    script_close(&script);
}

Test(life, leaving_while_away_is_done_at_once)
{
    static struct script script;
    script_open(&script);
    script.keeps_mum = true;
    script_connect(&script);
    WAIT(script.clients == 1);
    const unsigned turns = script.turns;
    amqp_connection_end(script.connection);
    WAIT(script.closed == 1);
    cr_assert(script.turns - turns < 50, "%u turns", script.turns - turns);
    script_close(&script);
}

Test(life, a_broker_that_cancels_is_subscribed_to_again)
{
    CONSUME(1000);
    amqp_basic_cancel_t cancel = { .consumer_tag = codec_cstr("t"), .nowait = 1 };
    script_say_method(&script, script.consumer_channel, AMQP_BASIC_CANCEL_METHOD, &cancel);
    WAIT(script.unsubscribed == 1);
    cr_assert(strstr(script.consumer_why, "cancelled the consumer of queue 'q'"), "%s",
              script.consumer_why);
    WAIT(script.subscribed == 2);
    cr_assert(script.losses == 0);
    script_close(&script);
}
