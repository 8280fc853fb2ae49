/* SPDX-License-Identifier: Apache-2.0
 *
 * The outbox: what leaves the host as messages, for all consumers of it, over the publishing
 * connection. Copies to retry and dead queues and what handlers publish wait here, in the order they
 * came, until the broker has confirmed and not returned them; what it would not take is sent again
 * after a while. A delivery's original stays unacked as long as its messages are here, so nothing is
 * lost by losing the outbox, and its size is bounded by the prefetches. Belongs to the loop. */
#ifndef FLOW_OUTBOX_H
#define FLOW_OUTBOX_H

#include "amqp/connection.h"
#include "flow/delivery.h"
#include "flow/reason.h"
#include "metrics/metrics.h"
#include "net/loop.h"

struct outbox;

struct outbox *outbox_new(struct loop *loop, const char *host_name, struct metrics *metrics);
void outbox_free(struct outbox *outbox); /* what is in it is forgotten */
void outbox_connect(struct outbox *outbox, struct amqp_connection *connection);
/* Who will send, before the first of it: its series are there from now on. `consumer` is its name,
 * from which and the source message the ids of what its handler publishes are made; outlives it. */
void outbox_join(struct outbox *outbox, const void *owner, const char *consumer);

struct outbox_letter {
    enum dead_reason reason;
    struct wr_text detail; /* at most 1 KiB of it is sent */
    struct wr_text code;   /* the handler's own, or an SQLSTATE */
    const char *queue;     /* Q: its copy goes to Q.dead */
    const char *handler;   /* "name/version" */
};

struct outbox_retry {
    const char *queue; /* Q: its copy goes to Q.retry.DELAY */
    uint32_t delay_ms;
    uint32_t next_attempt;
    struct wr_text detail, code;
    const char *handler;
};

enum outbox_result {
    OUTBOX_SENT,       /* confirmed, all of it: the original may be acked */
    OUTBOX_UNROUTABLE, /* a message of the handler's own that no queue takes, after several tries;
                          delivery->unroutable says which */
};

/* Each takes the delivery until its on_sent, which never comes from inside. Where its subscription
 * ends meanwhile, outbox_forget gives it back at once. */
typedef void outbox_on_sent(void *owner, struct delivery *delivery, enum outbox_result result);

void outbox_bury(struct outbox *outbox, struct delivery *delivery,
                 const struct outbox_letter *letter, outbox_on_sent *on_sent, void *owner);
void outbox_retry_later(struct outbox *outbox, struct delivery *delivery,
                        const struct outbox_retry *retry, outbox_on_sent *on_sent, void *owner);
/* What its handler published, in delivery->outcome.effects; ids are made from the source's. */
void outbox_publish(struct outbox *outbox, struct delivery *delivery, outbox_on_sent *on_sent,
                    void *owner);

/* Takes back, into `into`, what this owner gave and is not answered. */
void outbox_forget(struct outbox *outbox, const void *owner, struct list *into);

size_t outbox_count(const struct outbox *outbox);    /* deliveries it has */
bool outbox_is_blocked(const struct outbox *outbox); /* the broker takes nothing: alarm or away */
/* Why what is in it does not flow, in words, until the next turn of the loop; "" while it flows. */
const char *outbox_fault(struct outbox *outbox);

#endif
