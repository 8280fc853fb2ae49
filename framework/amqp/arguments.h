/* SPDX-License-Identifier: Apache-2.0
 *
 * The arguments a queue is declared with, as docs and operators know them, and what a broker says
 * where a queue has others. Pure. Internal to the room. */
#ifndef AMQP_ARGUMENTS_H
#define AMQP_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "amqp/codec.h"

#define DELIVERY_LIMIT_NONE (-1) /* the queue is declared without one */
#define DELIVERY_LIMIT_DEAD 1000000

enum queue_role {
    QUEUE_QUORUM,  /* Q */
    QUEUE_CLASSIC, /* Q */
    QUEUE_DEAD,    /* Q.dead */
    QUEUE_RETRY,   /* Q.retry.D */
};

struct arguments {
    amqp_table_t table; /* points to: */
    amqp_table_entry_t entries[8];
};

/* `next` is the queue that messages go to when they are dead (or, of Q.retry.D, due); borrowed.
 * `number` is the delivery limit (DELIVERY_LIMIT_NONE leaves it out), of Q.retry.D the delay in ms. */
void arguments_make(struct arguments *arguments, enum queue_role role, const char *next,
                    int64_t number);

/* "PRECONDITION_FAILED - inequivalent arg 'x-delivery-limit' for queue 'Q' in vhost '/': received
 * '100' but current is '20'": which argument, and both values without their quotes and types. */
struct difference {
    char argument[64], wanted[128], current[128]; /* "none" where it is absent */
};

MUST_USE bool difference_read(struct wr_text words, struct difference *out);

#endif
