/* SPDX-License-Identifier: Apache-2.0
 *
 * The queues beside a queue, Q.dead and Q.retry.D, as the outbox knows them: how they take what is sent
 * there, and what waits while one is missing and is declared anew. Belongs to the loop. */
#ifndef FLOW_SIDE_H
#define FLOW_SIDE_H

#include "amqp/topology.h"
#include "flow/mail.h"
#include "net/loop.h"

struct outbox_side {
    struct list link;
    char *queue;       /* Q */
    uint32_t delay_ms; /* 0: Q.dead */
    char name[300];    /* "Q.dead" */
    char fault[448];   /* why it does not take what is sent; "" */
    struct list stuck; /* items that found it missing */
    struct amqp_connection *connection;
    struct topology topology;
    struct topology_work *work; /* while it is being declared */
    struct timer timer;         /* until it is, again */
    uint64_t begun_ms;          /* the last declaration; 0: none yet */
    void (*on_mended)(void *owner, struct outbox_side *side); /* its stuck items may go */
    void *owner;
};

struct outbox_side *side_new(struct loop *loop, const char *queue, uint32_t delay_ms,
                             void (*on_mended)(void *owner, struct outbox_side *side), void *owner);
void side_free(struct outbox_side *side);

/* It is missing: declares it, and once a second again until that works. */
void side_mend(struct outbox_side *side, struct amqp_connection *connection);
void side_complain(struct outbox_side *side, const char *why);

#endif
