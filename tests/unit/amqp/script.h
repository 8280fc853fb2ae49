/* SPDX-License-Identifier: Apache-2.0
 *
 * A scripted broker in the test's own loop: it answers what a broker answers and, at a test's word,
 * says what no broker should. With it a connection and a consumer that write down what they hear. */
#ifndef UNIT_AMQP_SCRIPT_H
#define UNIT_AMQP_SCRIPT_H

#include <criterion/criterion.h>
#include <event2/buffer.h>

#include "amqp/channel.h"
#include "amqp/consumer.h"
#include "amqp/publisher.h"
#include "base/clock.h"

#define PATIENCE_MS 20000

struct script {
    struct loop *loop;
    struct timer tick;
    struct evconnlistener *listener;
    struct bufferevent *peer; /* the latest client; NULL: none */
    uint16_t port;
    bool is_greeted;
    unsigned turns; /* of the loop; each is 20 ms at most, but where the machine stands still */

    /* How it behaves. */
    const char *greeting; /* said instead of Start; ended by `greeting_bytes` */
    size_t greeting_bytes;
    const char *mechanisms;
    amqp_connection_tune_t tune;
    bool asks_secure, keeps_mum, keeps_close, refuses_login;
    /* NULL, or asked first: true where it has answered this one itself. */
    bool (*hears)(struct script *script, uint16_t channel, amqp_method_number_t id);

    /* What it heard. */
    int clients, heartbeats, acks, rejects, publishes, flow_oks, closes;
    uint16_t close_code, consumer_channel, publisher_channel;
    uint64_t last_ack;
    amqp_connection_tune_ok_t tuned;

    /* The client. */
    struct amqp_connection *connection;
    uint32_t heartbeat_s, connect_ms;
    int readies, losses, closed, blocked, unblocked;
    bool is_refusal;
    char why[1200];
    struct consumer *consumer;
    struct topology topology;
    int subscribed, unsubscribed, begun, whole, torn, oversize;
    char consumer_why[1200], body[100000];
    struct publisher *publisher;
    int rooms, outcomes[4];
    char outcome_why[200];
};

void script_open(struct script *script);
void script_connect(struct script *script);
void script_consume(struct script *script, uint64_t most_bytes); /* connected and subscribed */
void script_publish(struct script *script);                      /* likewise */
void script_close(struct script *script);
void script_turn(struct script *script);

void script_say(struct script *script, const void *bytes, size_t len);
void script_say_method(struct script *script, uint16_t channel, amqp_method_number_t id,
                       void *method);
void script_deliver(struct script *script, uint64_t tag);
void script_header(struct script *script, uint64_t body_bytes);
void script_hang_up(struct script *script);

#define WAIT_ON(script, condition)                                                                 \
    do {                                                                                           \
        const uint64_t until_ms = clock_now_ms() + PATIENCE_MS;                                    \
        while (!(condition)) {                                                                     \
            cr_assert(clock_now_ms() < until_ms, "%s:%d: never became so: %s (%s)", __FILE__,      \
                      __LINE__, #condition, (script)->why);                                        \
            script_turn(script);                                                                   \
        }                                                                                          \
    } while (0)
#define WAIT(condition) WAIT_ON(&script, condition)

#endif
