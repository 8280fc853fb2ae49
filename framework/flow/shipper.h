/* SPDX-License-Identifier: Apache-2.0
 *
 * The shipper of one consumer: closed batches on their way through the store. It keeps their order,
 * runs them again, splits them, and says of every delivery what became of it. With an order to keep,
 * one batch flies at a time; otherwise as many as the store has room for. Belongs to the loop. */
#ifndef FLOW_SHIPPER_H
#define FLOW_SHIPPER_H

#include "flow/batch.h"
#include "flow/tracing.h"
#include "metrics/metrics.h"
#include "net/loop.h"
#include "store/recall.h"
#include "store/store.h"

struct shipper;

struct shipper_settings {
    struct store *store;
    struct sink *const *sinks; /* of the handler */
    unsigned n_sinks;
    const char *consumer; /* its identity in the inbox */
    bool is_ordered;
    struct metrics *metrics;
    const struct tracing *tracing;
};

struct shipper_events {
    /* Before on_stored of a batch: what its commit read back for the cache, for the call. */
    void (*on_recalled)(void *owner, const struct recalled *recalled, size_t n, uint64_t began_ns);
    /* STORED. */
    void (*on_stored)(void *owner, struct delivery *delivery);
    /* Its row is bad. */
    void (*on_bad_row)(void *owner, struct delivery *delivery, const struct store_answer *answer);
    /* It may pass later: an attempt is to be spent. */
    void (*on_not_yet)(void *owner, struct delivery *delivery, const struct store_answer *answer);
    /* What it decided on has moved (STAGED still): to be loaded and handled again. */
    void (*on_moved)(void *owner, struct delivery *delivery);
    /* The end of an answer's callbacks: a time to act. */
    void (*on_answered)(void *owner);
    /* Taken back after shipper_forget: its rows may or may not be there. */
    void (*on_forgotten)(void *owner, struct delivery *delivery);
};

struct shipper *shipper_new(struct loop *loop, const struct shipper_settings *settings,
                            const struct shipper_events *events, void *owner);
/* After the store is freed: what is still out is forgotten. */
void shipper_free(struct shipper *shipper);

/* True where a batch that is given now would be sent now. */
bool shipper_has_room(const struct shipper *shipper);
/* Takes the batch's deliveries (STAGED), and leaves it empty. */
void shipper_ship(struct shipper *shipper, struct batch *batch);
void shipper_run(struct shipper *shipper); /* the store has room, or is ready, again */

/* With an order to keep: the key's first message has to wait, and those behind it, of which none flies,
 * are the owner's again. */
void shipper_take_key(struct shipper *shipper, uint64_t order_key, struct list *into);
/* The subscription is over: what is not in flight comes back at once, the rest as it is answered. */
void shipper_forget(struct shipper *shipper);
bool shipper_is_idle(const struct shipper *shipper);
uint32_t shipper_count(const struct shipper *shipper); /* deliveries in it */
/* Why the server, though it is there, has committed nothing for several tries; "" when it commits. */
const char *shipper_fault(const struct shipper *shipper);

#endif
