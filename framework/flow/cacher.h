/* SPDX-License-Identifier: Apache-2.0
 *
 * The cacher of one consumer: what deliveries write to the cache once their rows are committed, a batch
 * in one call. A delivery goes on when all its entries are stored or stale; what Redis does not take is
 * tried again until it does (`hold`), or recorded for the repairer, whichever comes first. Belongs to the
 * loop. */
#ifndef FLOW_CACHER_H
#define FLOW_CACHER_H

#include "cache/freshness.h"
#include "cache/write.h"
#include "flow/delivery.h"
#include "flow/repairer.h"
#include "flow/reread.h"
#include "metrics/metrics.h"

struct cacher;

struct cacher_settings {
    struct cache *cache;
    struct repairer *repairer; /* NULL: holds */
    struct store *store;       /* where sinks' entries are read again; NULL: there are none */
    const char *consumer;
    struct metrics *metrics;
};

struct cacher_events {
    /* Its entries are where they belong; STORED still. */
    void (*on_cached)(void *owner, struct delivery *delivery);
    /* The end of an answer's callbacks: a time to act. */
    void (*on_answered)(void *owner);
    void (*on_forgotten)(void *owner, struct delivery *delivery);
};

struct cacher *cacher_new(struct loop *loop, const struct cacher_settings *settings,
                          const struct cacher_events *events, void *owner);
/* Before cache and repairer are freed. What is still in it is forgotten. */
void cacher_free(struct cacher *cacher);

/* Whether a STORED delivery has to pass by here: it has entries, or shared ones are being gathered. */
bool cacher_wants(const struct cacher *cacher, const struct delivery *delivery);
/* To the load being gathered: a delivery with its handler's own entries … */
void cacher_add(struct cacher *cacher, struct delivery *delivery);
/* … and before the deliveries, what their commit read back, which belongs to none of them alone: all
 * deliveries of the load wait for it. Copied. `began_ns`: when that transaction began. */
void cacher_add_recalled(struct cacher *cacher, const struct recalled *recalled, size_t n,
                         uint64_t began_ns);
/* The load goes. Harmless when there is none. */
void cacher_ship(struct cacher *cacher);

/* The subscription is over: all deliveries come back at once; what was sent may take effect. */
void cacher_forget(struct cacher *cacher);
/* Entries so far, by outcome. */
void cacher_tell(const struct cacher *cacher, uint64_t *stored, uint64_t *stale, uint64_t *failed);
bool cacher_is_idle(const struct cacher *cacher);
size_t cacher_count(const struct cacher *cacher);  /* deliveries in it */
bool cacher_is_stuck(const struct cacher *cacher); /* something was refused and is held */

#endif
