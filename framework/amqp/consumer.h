/* SPDX-License-Identifier: Apache-2.0
 *
 * One subscription to one queue: its channel, its topology, qos, consume, deliveries with bodies in
 * many frames, acks, and the way back after every kind of loss. Each channel of it has an epoch, never
 * reused; an ack or reject from an older epoch is dropped here, never sent, for on a new channel its
 * number means another message (406). */
#ifndef AMQP_CONSUMER_H
#define AMQP_CONSUMER_H

#include "amqp/delivery.h"
#include "amqp/topology.h"

struct consumer_settings {
    struct topology topology; /* its texts outlive the consumer */
    const char *tag;          /* "NAME.Q"; copied */
    uint16_t prefetch;
    uint64_t most_body_bytes; /* larger bodies are passed over as they stream in, never held */
};

struct consumer_events {
    void (*on_subscribed)(void *owner, uint64_t epoch);
    /* The subscription ended: all that is unacked of its epoch will be delivered again, to somebody.
     * It comes back by itself (after consumer_pause: when resumed). In words; "" after a pause. */
    void (*on_unsubscribed)(void *owner, const char *why);
    /* A message begins. Answers where its body shall be written (body_bytes of room; any non-NULL
     * address for an empty one); its token comes back below. NULL: not wanted, and the consumer
     * rejects it without requeue. */
    char *(*on_begin)(void *owner, const struct amqp_delivery *delivery, void **token);
    void (*on_message)(void *owner, void *token); /* the body is whole */
    void (*on_torn)(void *owner, void *token);    /* the rest never came: forget it */
    void (*on_oversize)(void *owner,
                        const struct amqp_delivery *delivery); /* rejected: told only */
    void (*on_batch_end)(void *owner); /* what had arrived has been handed over: a time to act */
    /* The topology's warnings, and why there is no subscription yet. */
    void (*on_warning)(void *owner, const char *text);
};

struct consumer;

/* Subscribes when its connection is ready, and again after each loss. */
struct consumer *consumer_new(struct amqp_connection *connection,
                              const struct consumer_settings *settings,
                              const struct consumer_events *events, void *owner);
/* From anywhere, any callback of its own too. A message half come is told of by on_torn first. */
void consumer_free(struct consumer *consumer);

/* To be written with the loop's next round; false where the epoch is over: nothing is sent. */
bool consumer_ack(struct consumer *consumer, uint64_t epoch, uint64_t tag, bool multiple);
bool consumer_reject(struct consumer *consumer, uint64_t epoch, uint64_t tag, bool requeue);

/* basic.cancel; deliveries already on their way still come until on_unsubscribed(""), after which what
 * is unacked stays ours to ack on the open channel (the epoch goes on). Should that channel be lost
 * later, on_unsubscribed comes once more and says why. A consumer that is not subscribed is paused. */
void consumer_cancel(struct consumer *consumer);
/* Closes the channel: what is unacked goes back to the queue at once. Where it was subscribed (or
 * cancelled), on_unsubscribed("") comes from inside. Resuming after a cancel consumes again on the
 * same channel, with the same epoch; after a pause all begins anew. */
void consumer_pause(struct consumer *consumer);
void consumer_resume(struct consumer *consumer);

/* From its next subscription on. */
void consumer_set_prefetch(struct consumer *consumer, uint16_t prefetch);

/* It has so much in hand that more need not be read yet; false when it is hungry again. */
void consumer_set_plenty(struct consumer *consumer, bool has_plenty);

bool consumer_is_subscribed(const struct consumer *consumer);
/* How long the broker waits for an ack, as it said when that was over; 0: it never was. */
uint64_t consumer_ack_most_ms(const struct consumer *consumer);
const char *consumer_fault(const struct consumer *consumer); /* why not subscribed; "" when it is */

#endif
