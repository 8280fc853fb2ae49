/* SPDX-License-Identifier: Apache-2.0
 *
 * A delivery: one message on its way through the host, with the memory it needs. It is made by intake,
 * changes state through delivery_move alone, and is given back by settle. It belongs to the loop,
 * except while it is HANDLING: then to its lane. */
#ifndef FLOW_DELIVERY_H
#define FLOW_DELIVERY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/list.h"
#include "base/near.h"
#include "flow/reason.h"
#include "plugin/job.h"

enum delivery_state {
    DELIVERY_FREE,      /* in the pool */
    DELIVERY_RECEIVED,  /* whole, waiting for its lane */
    DELIVERY_HANDLING,  /* in a lane's hands, or in its rings */
    DELIVERY_FETCHING,  /* prepared; what it wants is being loaded */
    DELIVERY_HELD,      /* waits for its time to be handled again */
    DELIVERY_STAGED,    /* decided; in a batch */
    DELIVERY_STORED,    /* its rows are committed */
    DELIVERY_CACHED,    /* the cache has answered */
    DELIVERY_PUBLISHED, /* what it publishes is confirmed */
    DELIVERY_SETTLED,   /* the broker may be told */
};

#define DELIVERY_SPACE 960 /* bytes of message held without a heap block: most messages */

/* What the loop asks for at every step stands together, at the front. */
struct delivery {
    struct list link; /* in the one list it waits in */
    enum delivery_state state;
    bool is_skipped;  /* the lane did not handle it: its subscription is over, or a drain */
    bool is_parked;   /* the lane did not handle it: its key is stopped */
    bool is_head;     /* the one its stopped key waits for */
    bool is_suspect;  /* to be handled alone */
    bool is_prepared; /* the lane has only called prepare: what it wants is to be loaded */
    bool is_fetched;  /* what it wants is loaded: to be handled */
    bool has_trace_parent;
    bool is_copy;     /* ours, come back from a retry queue */
    uint32_t attempt; /* 1 the first time */
    uint32_t body_bytes;
    uint32_t took_ms;      /* the call of its handler, where that was slow; else 0 */
    uint64_t epoch, tag;   /* the channel's */
    uint64_t received_ns;  /* monotonic */
    uint64_t order_key;    /* hash; only with order_by */
    struct wanted *wanted; /* prepared; in the arena */
    struct fetch *fetch;   /* the fetcher's part of it, in the arena; NULL: none */
    struct job_outcome outcome;
    struct arena arena;
    struct job_message job;
    char *body;                             /* filled by the consumer, in the arena */
    struct wr_text properties;              /* encoded, as they came, in the arena */
    uint64_t due_ms;                        /* HELD: when it is handled again */
    enum dead_reason dead_reason;           /* once it is being buried */
    uint8_t trace_parent[TRACE_SPAN_BYTES]; /* the span its own is a child of */
    struct wr_text unroutable; /* which of its messages no queue takes; set by the outbox */
    struct arena_mark arrived; /* the arena when the message was whole, before any handling */
    char space[DELIVERY_SPACE];
};

#define DELIVERY_FRONT offsetof(struct delivery, job)
#define DELIVERY_HEAD offsetof(struct delivery, space)
enum {
    DELIVERY_ROWS_NEAR = 256,  /* of the space's front: what the handler made */
    DELIVERY_TEXTS_NEAR = 448, /* of its back: the message as it came */
};

/* Brought near for the loop, which has not seen it since a lane had it: what was made of it. */
static inline void delivery_foresee(const struct delivery *delivery)
{
    near_bring(delivery, DELIVERY_FRONT);
}

/* The same, and its rows, which a batch is made of. */
static inline void delivery_foresee_rows(const struct delivery *delivery)
{
    near_bring(delivery, DELIVERY_HEAD + DELIVERY_ROWS_NEAR);
}

/* For what is filled, or handled, next: all of it that is commonly touched. */
static inline void delivery_foresee_all(const struct delivery *delivery)
{
    near_bring(delivery, DELIVERY_HEAD + DELIVERY_ROWS_NEAR);
    near_bring(delivery->space + DELIVERY_SPACE - DELIVERY_TEXTS_NEAR, DELIVERY_TEXTS_NEAR);
}

/* The one door between states. An illegal step is a bug. */
void delivery_move(struct delivery *delivery, enum delivery_state to);

/* Deliveries are kept for reuse: as many as were ever in hand at once. */
struct delivery_pool {
    struct list free;
    unsigned made;
};

void delivery_pool_init(struct delivery_pool *pool);
void delivery_pool_fini(struct delivery_pool *pool); /* all must have been given back */
struct delivery *delivery_take(struct delivery_pool *pool);
void delivery_give(struct delivery_pool *pool, struct delivery **delivery);

#endif
