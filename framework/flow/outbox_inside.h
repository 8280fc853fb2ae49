/* SPDX-License-Identifier: Apache-2.0
 *
 * What the outbox's two files share and nobody else sees: outbox.c (what owners ask of it) and
 * outbox_turn.c (sending, and the broker's answers). */
#ifndef FLOW_OUTBOX_INSIDE_H
#define FLOW_OUTBOX_INSIDE_H

#include "base/log_pace.h"
#include "flow/letter.h"
#include "flow/side.h"

#define OUTBOX_WINDOW 1024 /* messages out at once */

enum published { PUBLISHED_CONFIRMED, PUBLISHED_RETURNED, PUBLISHED_NACKED, PUBLISHED_COUNT };

struct outbox_member {
    struct list link;
    const void *owner;
    const char *consumer;
    struct counter *published[PUBLISHED_COUNT];
};

struct outbox {
    struct loop *loop;
    const char *host;
    struct metrics *metrics;
    struct amqp_connection *connection;
    struct publisher *publisher; /* NULL before outbox_connect */
    struct mail mail;
    struct list members, sides;
    struct timer timer;
    bool is_turn_near; /* the timer is armed for now */
    bool is_reopening; /* nothing is sent until nothing is out; then the channel is opened anew */
    uint64_t reopened_ms;
    struct letter_room room;
    struct log_pace pace;
    char fault[900];
};

extern const struct publisher_events outbox_publisher_events;

void outbox_turn_soon(struct outbox *outbox);
void outbox_turn(void *own); /* the timer's */

#endif
