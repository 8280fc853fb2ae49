/* SPDX-License-Identifier: Apache-2.0
 *
 * How many messages wait in the queues of each consumer: its own, its dead queue and its retry queues,
 * as the broker counted them last. Without a management plugin: see amqp/census.h. What the broker does
 * not tell (it is away, or the queue is missing) stays at the last number that it told. */
#ifndef APP_DEPTHS_H
#define APP_DEPTHS_H

#include <stdbool.h>
#include <stdint.h>

#include "amqp/census.h"
#include "metrics/metrics.h"

struct post;

struct depth {
    struct gauge *gauge;
    char *queue; /* its name on the broker */
    uint32_t ready;
    int64_t at_unix_us; /* when it was counted; 0: never */
    bool is_refused;    /* since it was counted last */
};

/* Of one consumer: its own queue, the dead queue, then the retry queues. */
struct post_depths {
    struct depth *at;
    unsigned n;
};
enum { DEPTH_OWN, DEPTH_DEAD, DEPTH_RETRY };

struct depths {
    struct post_depths *posts;
    unsigned n_posts;
    struct census_queue *queues;
    struct census *census; /* NULL before depths_start */
};

/* Makes the series, at zero. */
void depths_init(struct depths *depths, struct metrics *metrics, const struct post *posts,
                 size_t n_posts);
void depths_start(struct depths *depths, struct amqp_connection *connection);
void depths_stop(struct depths *depths); /* before the connection; harmless twice */
void depths_fini(struct depths *depths);

/* The sum over its retry queues. */
uint32_t depths_retry_ready(const struct post_depths *post);

#endif
