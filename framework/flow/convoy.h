/* SPDX-License-Identifier: Apache-2.0
 *
 * The order in which closed batches go to the store, and what an answer makes of each. Those that wait
 * stand in one line: the halves of a split take their parent's place, and while one rests before it is
 * run again, all of them wait. With an order to keep, one flies at a time. Pure: the rest's clock is its
 * owner's. */
#ifndef FLOW_CONVOY_H
#define FLOW_CONVOY_H

#include "flow/batch.h"
#include "flow/ship_policy.h"

struct shipment {
    struct list link;
    struct list deliveries;
    uint64_t nth; /* of all messages ever added, its first */
    uint32_t n;
    uint32_t failures;      /* of one kind, the server's own, in a row */
    enum fault_class fault; /* which kind */
    bool is_forgotten;      /* while it flew: nobody wants to know its answer */
    void *owner;            /* the convoy's */
    struct parcel *parcel;  /* the owner's, while it flies */
};

struct convoy {
    void *owner;
    bool is_ordered;
    bool is_resting;             /* set by an answer, cleared by the owner when the time is over */
    struct list waiting, flying; /* shipments; waiting: in order */
    uint64_t n_added;            /* messages */
    uint32_t failures;           /* answers of the server's own faults since the last commit */
};

void convoy_init(struct convoy *convoy, bool is_ordered, void *owner);

/* Takes the batch's deliveries, and leaves it empty. */
void convoy_add(struct convoy *convoy, struct batch *batch);
/* The first in line: it flies now; NULL: none may. */
struct shipment *convoy_go(struct convoy *convoy);
bool convoy_would_go(const struct convoy *convoy); /* one that is added now: nothing is before it */

/* What becomes of one that was answered: AGAIN, HOLD and SPLIT put it in line again, whole or in halves;
 * with any other step it is the caller's, to free or to give back. */
struct ship_choice convoy_answer(struct convoy *convoy, struct shipment *shipment,
                                 enum fault_class fault, bool is_well);
/* Off its flight, without an answer. */
void convoy_land(struct shipment *shipment);
/* Landed, and in line again. */
void convoy_give_back(struct convoy *convoy, struct shipment *shipment);

/* Those of one order key that wait, at the end of `into`, in order. */
void convoy_take_key(struct convoy *convoy, uint64_t order_key, struct list *into);
/* One after another those that wait, the caller's now; NULL: what is left flies, and is marked. */
struct shipment *convoy_forget(struct convoy *convoy);

uint32_t convoy_count(const struct convoy *convoy); /* deliveries */
bool convoy_is_idle(const struct convoy *convoy);
bool convoy_is_failing(const struct convoy *convoy); /* nothing was committed for several tries */

#endif
