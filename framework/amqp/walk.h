/* SPDX-License-Identifier: Apache-2.0
 *
 * One walk through a queue, from what is there at its beginning to the end of it: every letter comes
 * once, is acked or kept, and what was kept goes back to its place when the walk is freed. A letter
 * that is kept stays with the broker, unacked; nothing of it stays in memory here. The queue itself
 * is neither made nor changed. Going back counts as a delivery: see walk_facts.limit. */
#ifndef AMQP_WALK_H
#define AMQP_WALK_H

#include "amqp/delivery.h"

#define WALK_LIMIT_UNKNOWN (-2) /* the broker did not say, or does not let us ask */
#define WALK_LIMIT_NONE (-1)

struct walk_settings {
    const char *queue, *name; /* "NAME.QUEUE" is what its consumers are called; outlive the walk */
    uint64_t most;            /* letters; 0: all that are there */
    uint64_t least;      /* so many are there, whatever the broker says: they are coming back */
    uint64_t hand_bytes; /* may be in hand at a time, by the mean of those so far */
};

/* The queue as the walk begins. */
struct walk_facts {
    uint64_t ready;
    uint32_t consumers; /* others: what they hold is not seen */
    int64_t limit;      /* deliveries after which the queue drops a letter, but for policies */
};

enum walk_end {
    WALK_DONE,
    WALK_MISSING, /* there is no such queue */
    WALK_REFUSED, /* the broker will not have it read */
    WALK_STALLED, /* it has letters and gives none */
    WALK_LOST,    /* connection or channel: what was kept is back, what was not acked too */
};

struct walk_events {
    void (*on_begun)(void *owner, const struct walk_facts *facts);
    bool (*has_room)(void *owner); /* asked before each window; walk_nudge when it has it again */
    /* A letter; its `tag` is for ack and keep. Where its body shall be written; NULL: nobody wants it. */
    char *(*on_begin)(void *owner, const struct amqp_delivery *delivery, void **token);
    void (*on_letter)(void *owner, void *token); /* whole, or passed over */
    void (*on_torn)(void *owner, void *token);   /* the rest of its body never came */
    void (*on_end)(void *owner, enum walk_end end,
                   const char *why); /* once; no more letters come */
    void (*on_back)(void *owner);    /* after walk_give_back: what was kept is in its place again */
};

struct walk;

/* Begins when the connection is ready. */
struct walk *walk_new(struct amqp_connection *connection, const struct walk_settings *settings,
                      const struct walk_events *events, void *owner);
void walk_free(struct walk *walk); /* NULL is fine; from any callback of its own */

void walk_ack(struct walk *walk, uint64_t tag); /* after the end, too */
void walk_keep(struct walk *walk, uint64_t tag);
void walk_nudge(struct walk *walk);
void walk_stop(struct walk *walk); /* no more letters, and no on_end but LOST */
/* After the end, when nothing is in hand: what was kept goes back, and on_back comes when it is there
 * (once, and not from inside): whoever looks at the queue next finds it. */
void walk_give_back(struct walk *walk);

#endif
