/* SPDX-License-Identifier: Apache-2.0
 *
 * A crew works one queue: subscription, intake, lanes, batch and settling of one configured consumer,
 * put together. A message goes through it in one direction. Belongs to the loop. */
#ifndef FLOW_CREW_H
#define FLOW_CREW_H

#include "amqp/consumer.h"
#include "cache/reader.h"
#include "flow/alone.h"
#include "flow/batch.h"
#include "flow/lanes.h"
#include "flow/order.h"
#include "flow/outbox.h"
#include "flow/repairer.h"
#include "flow/retry.h"
#include "flow/tracing.h"
#include "flow/valve.h"
#include "net/loop.h"
#include "store/store.h"

struct crew_settings {
    const char *name; /* the consumer's identity, in metrics and logs */
    const char *tag;  /* its consumer tag */
    struct topology topology;
    uint32_t prefetch;
    uint64_t max_message_bytes;
    unsigned lanes;
    struct pulse *const *pulses;     /* one for each lane */
    struct crash_note *const *notes; /* likewise; NULL: none */
    struct batch_policy batch;
    struct order_by order;
    struct retry_policy retry;
    struct valve_policy valve;
    uint32_t timeout_ms; /* one call of the handler */
    const struct plugin *plugin;
    const struct options *options;
    const char *handler;         /* "name/version" */
    const struct tracer *tracer; /* NULL: no spans are made */
    struct alone *alone;         /* for suspects, of all crews; NULL: there are none */
    struct outbox *outbox;
    struct store *store; /* where its handler's rows go, and come from; NULL: neither */
    struct sink *const *sinks;
    unsigned n_sinks;
    struct loader *const *loaders;
    unsigned n_loaders;
    struct cache_reader *reader; /* where it has loaders */
    struct cache *cache;         /* NULL: there is none, and nothing is written to it */
    struct repairer *repairer;   /* NULL: messages are held until the cache is written */
    struct metrics *metrics;
};

struct crew;

/* Starts the lanes and opens the handler in each; nothing is consumed yet. All texts and the outbox
 * outlive it. */
MUST_USE struct crew *crew_new(struct loop *loop, const struct crew_settings *settings,
                               struct status *status);
void crew_subscribe(struct crew *crew, struct amqp_connection *connection);

/* To be called now and then: whether what the crew needs is there. Pauses and resumes by itself. */
void crew_attend(struct crew *crew);

void crew_store_has_room(struct crew *crew);

/* No message is begun any more; those begun are finished, made durable and acked. */
void crew_drain(struct crew *crew, uint64_t deadline_ms);
bool crew_is_drained(const struct crew *crew);
/* A lane whose handler does not come back is not waited for. */
void crew_give_up_lane(struct crew *crew, unsigned lane);
/* When its last ack was written (loop time); 0: never. */
uint64_t crew_acked_ms(const struct crew *crew);

/* After the store is freed, before the cache is. Ends the subscription and the lanes. False where a
 * handler does not come back until the deadline: then the crew stays, and the process can only end. */
MUST_USE bool crew_close(struct crew **crew, uint64_t deadline_ms);

/* For pages and logs; texts live until the next turn of the loop. */
struct crew_view {
    bool is_subscribed;
    const char *fault;      /* why not subscribed; "" */
    const char *stuck_by;   /* why rows are not committed though PostgreSQL is there; "" */
    const char *unread;     /* why keys are not loaded though PostgreSQL is there; "" */
    const char *paused_by;  /* "postgres: …", "redis: …", "breaker: …", "handler: …"; "" */
    const char *breaker;    /* closed, open, half-open; "": it is off */
    bool is_held_up;        /* by the breaker or its handler, and not only for a moment */
    const char *last_error; /* the last message that was not done, in words; "" */
    uint32_t prefetch, in_flight;
    uint64_t cache_hits, cache_absents, cache_misses, cache_stored, cache_stale, cache_failed;
    /* Of those in flight, by where they are; what is left waits for a lane. */
    uint32_t handling, held, staged, storing, caching, sending;
    uint32_t acking; /* finished, and not in flight any more: their ack has not been written */
    uint64_t bytes_in_flight;
    uint64_t received, done, dead, retried;
    unsigned lanes;
};
void crew_look(const struct crew *crew, struct crew_view *view);
uint64_t crew_lane_handled(const struct crew *crew, unsigned lane);

#endif
