/* SPDX-License-Identifier: Apache-2.0
 *
 * See convoy.h. */
#include "flow/convoy.h"

#include <stdlib.h>

#include "base/check.h"

void convoy_init(struct convoy *convoy, bool is_ordered, void *owner)
{
    *convoy = (struct convoy){ .owner = owner, .is_ordered = is_ordered };
    list_init(&convoy->waiting);
    list_init(&convoy->flying);
}

static struct shipment *new_shipment(struct convoy *convoy, uint64_t nth)
{
    struct shipment *shipment = NEW(struct shipment);
    shipment->owner = convoy->owner;
    shipment->nth = nth;
    list_init(&shipment->link);
    list_init(&shipment->deliveries);
    return shipment;
}

/* Behind all whose messages come before its own. */
void convoy_give_back(struct convoy *convoy, struct shipment *shipment)
{
    struct list *after = convoy->waiting.previous;
    while (after != &convoy->waiting &&
           LIST_ENTRY(after, struct shipment, link)->nth > shipment->nth)
        after = after->previous;
    list_append(after->next, &shipment->link);
}

void convoy_add(struct convoy *convoy, struct batch *batch)
{
    struct shipment *shipment = new_shipment(convoy, convoy->n_added);
    list_move_all(&shipment->deliveries, &batch->deliveries);
    shipment->n = batch->n;
    convoy->n_added += batch->n;
    batch_init(batch);
    convoy_give_back(convoy, shipment);
}

static bool may_go(const struct convoy *convoy)
{
    return !convoy->is_resting && (!convoy->is_ordered || list_is_empty(&convoy->flying));
}

bool convoy_would_go(const struct convoy *convoy)
{
    return list_is_empty(&convoy->waiting) && may_go(convoy);
}

struct shipment *convoy_go(struct convoy *convoy)
{
    struct list *first = may_go(convoy) ? list_take_first(&convoy->waiting) : NULL;
    if (!first) return NULL;
    list_append(&convoy->flying, first);
    return LIST_ENTRY(first, struct shipment, link);
}

/* ---- answers ------------------------------------------------------------------------------- */

void convoy_land(struct shipment *shipment)
{
    list_remove(&shipment->link);
}

static void split_in_two(struct convoy *convoy, struct shipment *whole)
{
    struct shipment *half = new_shipment(convoy, whole->nth);
    while (half->n < whole->n / 2) {
        list_append(&half->deliveries, list_take_first(&whole->deliveries));
        half->n++;
    }
    whole->n -= half->n;
    whole->nth += half->n;
    whole->failures = 0;
    convoy_give_back(convoy, half);
    convoy_give_back(convoy, whole);
}

static void count_failure(struct convoy *convoy, struct shipment *shipment, enum fault_class fault)
{
    if (fault != FAULT_TRANSIENT && fault != FAULT_SERVER) return;
    if (shipment->fault != fault) shipment->failures = 0;
    shipment->fault = fault;
    shipment->failures++;
    convoy->failures++;
}

struct ship_choice convoy_answer(struct convoy *convoy, struct shipment *shipment,
                                 enum fault_class fault, bool is_well)
{
    convoy_land(shipment);
    count_failure(convoy, shipment, fault);
    const struct ship_choice choice = ship_choose(fault, shipment->n, shipment->failures, is_well);
    switch (choice.step) {
    case SHIP_STORED: convoy->failures = 0; break;
    case SHIP_AGAIN:
        convoy->is_resting = true;
        convoy_give_back(convoy, shipment);
        break;
    case SHIP_HOLD: convoy_give_back(convoy, shipment); break;
    case SHIP_SPLIT: split_in_two(convoy, shipment); break;
    case SHIP_BURY:
    case SHIP_SPEND:
    case SHIP_REDO: break;
    }
    return choice;
}

/* ---- the rest ------------------------------------------------------------------------------ */

void convoy_take_key(struct convoy *convoy, uint64_t order_key, struct list *into)
{
    LIST_EACH (link, &convoy->waiting) {
        struct shipment *shipment = LIST_ENTRY(link, struct shipment, link);
        shipment->n -= batch_take_key(&shipment->deliveries, order_key, into);
        if (shipment->n) continue;
        list_remove(link);
        free(shipment);
    }
}

struct shipment *convoy_forget(struct convoy *convoy)
{
    struct list *first = list_take_first(&convoy->waiting);
    if (first) return LIST_ENTRY(first, struct shipment, link);
    LIST_EACH (link, &convoy->flying) {
        LIST_ENTRY(link, struct shipment, link)->is_forgotten = true;
    }
    return NULL;
}

static uint32_t count_in(const struct list *shipments)
{
    uint32_t n = 0;
    LIST_EACH (link, shipments) {
        n += LIST_ENTRY(link, struct shipment, link)->n;
    }
    return n;
}

uint32_t convoy_count(const struct convoy *convoy)
{
    return count_in(&convoy->waiting) + count_in(&convoy->flying);
}

bool convoy_is_idle(const struct convoy *convoy)
{
    return list_is_empty(&convoy->waiting) && list_is_empty(&convoy->flying);
}

bool convoy_is_failing(const struct convoy *convoy)
{
    return convoy->failures >= SHIP_PATIENCE;
}
