/* SPDX-License-Identifier: Apache-2.0
 *
 * What the crew's own files share and nobody else sees: crew.c (the way of a message), decide.c (what
 * a verdict leads to), dispatch.c (what leaves through the outbox), crew_pause.c (when nothing is
 * taken), crew_alone.c (suspects) and crew_life.c (beginning and end). */
#ifndef FLOW_CREW_INSIDE_H
#define FLOW_CREW_INSIDE_H

#include "flow/cacher.h"
#include "flow/complaints.h"
#include "flow/crew.h"
#include "flow/fetcher.h"
#include "flow/outage.h"
#include "flow/parking.h"
#include "flow/settle.h"
#include "flow/shipper.h"
#include "flow/valve.h"

/* Why nothing is taken, the first that is so first; see crew_pause.c. */
enum pause_why { PAUSED_BY_STORE, PAUSED_BY_CACHE, PAUSED_BY_BREAKER, PAUSED_BY_HANDLER, PAUSES };

struct crew {
    struct crew_settings settings;
    struct loop *loop;
    struct timer timer;
    struct bell bell;
    struct watch bell_watch;
    struct consumer *consumer; /* NULL before crew_subscribe */
    struct settle settle;
    struct lanes *lanes;
    struct lane_orders orders;
    struct delivery_pool pool;
    struct batch batch;
    struct tracing tracing;
    struct shipper *shipper;           /* NULL: its handler has no sinks */
    struct cacher *cacher;             /* NULL: there is no cache */
    struct shelf_counters cache_reads; /* likewise */
    struct fetcher *fetcher;           /* NULL: its handler reads nothing */
    struct outage outage;              /* of what it needs */
    struct valve valve;                /* between what is in hand and the lanes */
    bool is_narrow;                    /* it takes only as many as are tried, after a long pause */
    bool is_paused[PAUSES];
    bool is_pause_told[PAUSES];
    bool is_held_up;     /* see crew_look */
    char paused_by[512]; /* in words; "" */
    char waits_for[200]; /* what a handler said last with WR_WAIT */
    struct hold hold;
    struct parking parking; /* ordered only */
    struct settle_time now; /* of this turn */
    uint32_t in_flight;
    uint32_t sending; /* of those, in the outbox */
    uint64_t bytes_in_flight;
    bool is_draining;
    bool rests_acks;                  /* what is finished is told the broker in a moment */
    struct list suspects, alone_link; /* see crew_alone.c */
    bool is_pressed;                  /* somebody is to be alone: nothing is given to lanes */
    uint32_t grace_ms;                /* of its settling, while it is not */
    struct counter *received, *committed, *paused_seconds;
    struct gauge *paused[PAUSES]; /* NULL: that does not pause it */
    uint64_t attended_ns;         /* when paused_seconds was last told; 0: not paused */
    struct counter **handler_counters;
    struct gauge *in_flight_gauge, *bytes_gauge, *prefetch_gauge;
    struct histogram *batch_rows;
    char last_error[256];
    struct complaints complaints;
    struct json json; /* room for json keys of order, and for events */
};

static inline bool crew_is_ordered(const struct crew *crew)
{
    return crew->settings.order.kind != ORDER_NONE;
}

extern const struct consumer_events crew_consumer_events;

void crew_turn(struct crew *crew);
void crew_open_pauses(struct crew *crew);      /* their series */
uint32_t crew_window(const struct crew *crew); /* how many it takes at present */
void crew_read_clocks(struct crew *crew);      /* into `now`, once a turn */
/* Gives the memory back; what is unacked comes again. */
void crew_free_delivery(struct crew *crew, struct delivery *delivery);
/* Everything that is neither in a lane's hands nor staged. */
void crew_forget_waiting(struct crew *crew);
/* That, and what is staged: the subscription is over. */
void crew_forget_all(struct crew *crew);

/* To lanes, or wherever it has to wait before. */
void crew_offer(struct crew *crew, struct delivery *delivery);
/* The same, for what has been prepared and has what it wants. */
void crew_offer_fetched(struct crew *crew, struct delivery *delivery);
void crew_alone_join(struct crew *crew);
void crew_alone_part(struct crew *crew);
void crew_alone_turn(struct crew *crew); /* at the end of each turn */
bool crew_may_push(const struct crew *crew);
/* A suspect waits for another try, or is given back. */
void crew_suspect_left(struct crew *crew, struct delivery *delivery);

/* It came back when its subscription was over: was that because its handler takes longer than the
 * broker waits? Then it would come again for ever, and is a suspect. */
void crew_blame_slow(struct crew *crew, const struct delivery *delivery);
/* The same of those that are tried again in place, while the subscription is being lost. */
void crew_blame_held(struct crew *crew);

/* What is staged goes to where it becomes durable. */
void crew_close_batch(struct crew *crew);
/* Its rows are where they belong; then its cache entries. */
void crew_conclude(void *own, struct delivery *delivery);

/* Nothing of what it read matters any more: the keys it holds are the next one's. */
static inline void crew_end_reading(struct crew *crew, struct delivery *delivery)
{
    if (crew->fetcher) fetcher_leave(crew->fetcher, delivery);
}

/* In the log, once a second for each `what`, which is a literal, and as the consumer's last error. */
void crew_complain(struct crew *crew, const struct delivery *delivery, const char *what);

/* From HANDLING, STAGED or CACHED on; each ends in SETTLED, freed. */
void crew_publish(struct crew *crew, struct delivery *delivery);
void crew_retry_later(struct crew *crew, struct delivery *delivery, uint32_t delay_ms);
/* With its outcome's code; `detail` is for the letter, the outcome's reason for the log. */
void crew_bury(struct crew *crew, struct delivery *delivery, enum dead_reason reason,
               struct wr_text detail);
/* CACHED and nothing to publish, or all of it confirmed. */
void crew_finish(struct crew *crew, struct delivery *delivery);

/* A lane gave it back, handled or not. */
void crew_decide(void *own, struct delivery *delivery);
extern const struct shipper_events crew_shipper_events;
extern const struct cacher_events crew_cacher_events;
extern const struct fetcher_events crew_fetcher_events;

#endif
