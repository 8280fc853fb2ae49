/* SPDX-License-Identifier: Apache-2.0
 *
 * A second pair of eyes on the broker: a plain blocking connection of the test's own, to make, look
 * at and delete queues. A refusal ends the channel alone; the next call opens another. */
#ifndef SUPPORT_RABBIT_H
#define SUPPORT_RABBIT_H

#include <stdbool.h>
#include <stdint.h>

struct rabbit;

struct letter { /* a message as basic.get gives it */
    char id[80], body[256];
    uint64_t body_bytes;
    char reason[32];  /* ours, or of the broker's x-death where it came by its hop; "" */
    char from[96];    /* of x-death */
    char detail[256]; /* ours */
};

struct rabbit *rabbit_open(const char *url); /* NULL: not reached */
void rabbit_close(struct rabbit *rabbit);

/* What a passive declaration says, at this moment: messages ready, and consumers (NULL: unasked). */
bool rabbit_look(struct rabbit *rabbit, const char *queue, uint32_t *ready, uint32_t *consumers);
uint32_t rabbit_ready(struct rabbit *rabbit, const char *queue); /* 0 too where it is not there */
bool rabbit_exists(struct rabbit *rabbit, const char *queue);

/* "quorum" or "classic"; a limit of 0 leaves it out; `dead`: dead-lettered to QUEUE.dead as the host
 * does it. False where it is refused. */
bool rabbit_declare(struct rabbit *rabbit, const char *queue, const char *type, int limit,
                    bool dead);
/* Such a quorum queue, of which one consumer at a time is given messages. */
bool rabbit_declare_single_active(struct rabbit *rabbit, const char *queue);
void rabbit_delete(struct rabbit *rabbit, const char *queue);
void rabbit_delete_exchange(struct rabbit *rabbit, const char *exchange);
bool rabbit_get(struct rabbit *rabbit, const char *queue, struct letter *letter); /* and acks it */
/* Takes the first message and leaves it, as a host that dies does. False: there was none. */
bool rabbit_leave(struct rabbit *rabbit, const char *queue);

#endif
