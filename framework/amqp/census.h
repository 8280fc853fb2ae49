/* SPDX-License-Identifier: Apache-2.0
 *
 * How many messages wait in some queues: asked one queue after another by passive declares, round
 * after round, on a channel of its own, since a queue that is missing closes it. Such a queue is asked
 * for in ever fewer rounds: each time the broker logs an error. */
#ifndef AMQP_CENSUS_H
#define AMQP_CENSUS_H

#include "amqp/connection.h"

struct census;

struct census_queue {
    const char *name;
    void *token; /* its owner's */
};

struct census_settings {
    const struct census_queue *queues;
    size_t n;
    uint32_t every_ms; /* between two rounds */
    unsigned patience; /* at most so many rounds a queue that was missing is not asked for */
};

struct census_events {
    void (*on_count)(void *owner, void *token, uint32_t ready); /* no 0 that may be none */
    /* It does not exist, or we may not look at it; in the broker's words. */
    void (*on_refused)(void *owner, void *token, const char *why);
};

/* Begins when the connection is ready, and again whenever it is. The list and its names outlive it. */
struct census *census_new(struct amqp_connection *connection,
                          const struct census_settings *settings,
                          const struct census_events *events, void *owner);
void census_free(struct census *census); /* before the connection; NULL is fine */

#endif
