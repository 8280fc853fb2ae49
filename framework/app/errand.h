/* SPDX-License-Identifier: Apache-2.0
 *
 * What a command does at the broker and then ends: a loop of its own with one connection, a publisher, a
 * tick and signals. Without a connection for too long, or at a refusal, it is over, and its status says
 * why. What is first said to be the end is. */
#ifndef APP_ERRAND_H
#define APP_ERRAND_H

#include "amqp/publisher.h"
#include "app/brokers.h"
#include "net/loop.h"

struct errand_plan {
    const char *role; /* the connection is called NAME/ROLE */
    uint32_t tick_ms;
    const struct publisher_events *publisher_events;
    void (*on_tick)(void *owner);
    void (*on_signal)(void *owner, int number); /* SIGINT, SIGTERM */
    void *owner;                                /* of the publisher's events, too */
};

struct errand {
    struct errand_plan plan;
    struct status *status;
    struct loop *loop;
    struct brokers brokers;
    struct amqp_connection *connection;
    struct publisher *publisher;
    struct timer tick;
    struct signal_watch on_int, on_term;
    uint64_t away_ms; /* there is no connection, since then; 0: there is */
    bool is_over, is_well;
};

void errand_begin(struct errand *errand, const struct config *config,
                  const struct errand_plan *plan, struct status *status);
void errand_run(struct errand *errand); /* until it is over */
void errand_finish(struct errand *errand, bool is_well);
void errand_fail(struct errand *errand, enum exit_status exit, const char *why);
/* No ticks and no signals any more. */
void errand_rest(struct errand *errand);
/* After errand_rest: the broker has what was written before it sees us go. */
void errand_say_goodbye(struct errand *errand);
void errand_end(struct errand *errand); /* after errand_rest */

uint64_t errand_now_ms(const struct errand *errand);

#endif
