/* SPDX-License-Identifier: Apache-2.0
 *
 * The fetcher of one consumer: messages whose prepare has said what to load, until it is loaded.
 * Messages that want the same guarded key pass one after another, from here until they are stored;
 * with an order to keep, those of one order key leave in the order they came. Belongs to the loop. */
#ifndef FLOW_FETCHER_H
#define FLOW_FETCHER_H

#include "flow/delivery.h"
#include "flow/shelf.h"
#include "store/guard.h"

struct fetcher;
struct fetch; /* a delivery's part of it, in its arena */

struct fetcher_settings {
    struct store *store;
    struct cache_reader *reader;
    struct loader *const *loaders; /* of the handler */
    unsigned n_loaders;
    const char *consumer;
    bool is_ordered;
    struct shelf_counters reads;
};

struct fetch_refusal {
    struct wr_text words, code; /* borrowed */
    bool is_final;              /* false: it may pass later, an attempt is to be spent */
};

/* The delivery is the owner's again. */
struct fetcher_events {
    void (*on_fetched)(void *owner, struct delivery *delivery); /* is_fetched */
    void (*on_refused)(void *owner, struct delivery *delivery,
                       const struct fetch_refusal *refusal); /* it has left */
};

struct fetcher *fetcher_new(struct loop *loop, const struct fetcher_settings *settings,
                            const struct fetcher_events *events, void *owner);
void fetcher_free(struct fetcher *fetcher); /* NULL is fine; all deliveries have left */

/* FETCHING, prepared. on_fetched may come from inside. */
void fetcher_add(struct fetcher *fetcher, struct delivery *delivery);
/* It was handled: what was loaded may go. Its keys stay its own. */
void fetcher_note_handled(struct delivery *delivery);
/* What it decided on has moved: FETCHING again, as it was when it was added, its keys still its own. */
void fetcher_add_again(struct fetcher *fetcher, struct delivery *delivery);
/* What its effects were decided on, in its arena; 0: nothing that is guarded. */
size_t fetcher_guards(const struct delivery *delivery, const struct parcel_guard **guards);
/* It is stored, or will not be: its keys are the next one's. Harmless for one that was never added. */
void fetcher_leave(struct fetcher *fetcher, struct delivery *delivery);

/* Takes back what is FETCHING. */
void fetcher_forget(struct fetcher *fetcher, struct list *into);
bool fetcher_is_idle(const struct fetcher *fetcher);
/* Somebody waits for a key that this one holds. */
bool fetcher_is_waited_for(const struct delivery *delivery);
const char *fetcher_fault(const struct fetcher *fetcher); /* see shelf_fault */

#endif
