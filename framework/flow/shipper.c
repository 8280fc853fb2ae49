/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches and the store; see shipper.h. Which goes next, and what an answer makes of it, is the convoy's
 * to say; here it is done, counted and told. */
#include "flow/shipper.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/log_pace.h"
#include "flow/convoy.h"
#include "flow/fetcher.h"
#include "store/guard.h"

#define MOVED_MOST 64

struct shipper {
    struct shipper_settings settings;
    const struct shipper_events *events;
    void *owner;
    struct store_target *target;
    struct convoy convoy;
    struct timer again; /* its rest is over */
    struct counter *committed, *retried, *split, *duplicates;
    struct histogram *batch_rows, *commit_seconds;
    struct loop *loop;
    char fault[640];
    struct log_pace pace;
};

static void on_again(void *own)
{
    struct shipper *shipper = own;
    shipper->convoy.is_resting = false;
    shipper_run(shipper);
}

#define BATCHES(outcome)                                                                           \
    metrics_counter(metrics, METRIC_BATCHES, (const char *[]){ queue, outcome })

struct shipper *shipper_new(struct loop *loop, const struct shipper_settings *settings,
                            const struct shipper_events *events, void *owner)
{
    struct metrics *metrics = settings->metrics;
    const char *queue = settings->consumer;
    const char *const labels[] = { queue };
    struct shipper *shipper = NEW(struct shipper);
    shipper->settings = *settings;
    shipper->events = events;
    shipper->owner = owner;
    shipper->loop = loop;
    shipper->target = store_add_target(settings->store, queue, settings->sinks, settings->n_sinks);
    convoy_init(&shipper->convoy, settings->is_ordered, shipper);
    timer_init(&shipper->again, loop, on_again, shipper);
    shipper->committed = BATCHES("committed");
    shipper->retried = BATCHES("retried");
    shipper->split = BATCHES("split");
    shipper->duplicates = metrics_counter(metrics, METRIC_DUPLICATES, labels);
    shipper->batch_rows = metrics_histogram(metrics, METRIC_BATCH_ROWS, labels);
    shipper->commit_seconds = metrics_histogram(metrics, METRIC_COMMIT_SECONDS, labels);
    return shipper;
}

/* ---- answers ------------------------------------------------------------------------------- */

static void on_each(struct shipment *shipment,
                    void (*tell)(struct shipper *, struct delivery *, const struct store_answer *),
                    const struct store_answer *answer)
{
    LIST_EACH (link, &shipment->deliveries) {
        delivery_foresee(LIST_ENTRY(link_next, struct delivery, link));
        list_remove(link);
        tell(shipment->owner, LIST_ENTRY(link, struct delivery, link), answer);
    }
    free(shipment);
}

static void tell_stored(struct shipper *shipper, struct delivery *delivery,
                        const struct store_answer *answer)
{
    (void)answer;
    delivery_move(delivery, DELIVERY_STORED);
    shipper->events->on_stored(shipper->owner, delivery);
}

static void tell_bad_row(struct shipper *shipper, struct delivery *delivery,
                         const struct store_answer *answer)
{
    shipper->events->on_bad_row(shipper->owner, delivery, answer);
}

static void tell_not_yet(struct shipper *shipper, struct delivery *delivery,
                         const struct store_answer *answer)
{
    shipper->events->on_not_yet(shipper->owner, delivery, answer);
}

static void tell_forgotten(struct shipper *shipper, struct delivery *delivery,
                           const struct store_answer *answer)
{
    (void)answer;
    shipper->events->on_forgotten(shipper->owner, delivery);
}

static bool is_among(uint32_t nth, const uint32_t *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (all[i] == nth) return true;
    return false;
}

/* The rest goes again at once; where more of it has moved, that answer will say so. */
static void redo(struct shipper *shipper, struct shipment *shipment,
                 const struct store_answer *answer)
{
    uint32_t moved[MOVED_MOST], nth = 0;
    const size_t n = guard_read_moved(answer->text, moved, MOVED_MOST);
    LIST_EACH (link, &shipment->deliveries) {
        if (!is_among(nth++, moved, n)) continue;
        list_remove(link);
        shipment->n--;
        shipper->events->on_moved(shipper->owner, LIST_ENTRY(link, struct delivery, link));
    }
    counter_add(shipper->retried, 1);
    if (shipment->n)
        convoy_give_back(&shipper->convoy, shipment);
    else
        free(shipment);
}

/* One line a second: a full disk fails every try of every batch. */
static void note_fault(struct shipper *shipper, const struct store_answer *answer)
{
    const uint32_t times = log_pace_note(&shipper->pace, loop_now_ms(shipper->loop));
    snprintf(shipper->fault, sizeof shipper->fault, "%s%s%s", answer->sqlstate,
             *answer->sqlstate ? ": " : "", answer->text);
    if (!times) return;
    log_warn("flow", "a batch was not committed; it is run again",
             LOG_TEXT(QUEUE, shipper->settings.consumer), LOG_TEXT(CODE, answer->sqlstate),
             LOG_TEXT(REASON, answer->text), LOG_INT(COUNT, times));
}

static void note_commit(struct shipper *shipper, const struct shipment *shipment,
                        const struct store_answer *answer)
{
    const uint64_t now_ns = clock_now_ns();
    counter_add(shipper->committed, 1);
    counter_add(shipper->duplicates, answer->duplicates);
    histogram_note(shipper->batch_rows, answer->rows);
    histogram_note(shipper->commit_seconds, answer->took_ns);
    tracing_batch(shipper->settings.tracing, &shipment->deliveries, shipment->n,
                  now_ns - answer->took_ns, now_ns);
}

static enum fault_class fault_of(const struct store_answer *answer)
{
    if (answer->result == STORE_COMMITTED) return FAULT_NONE;
    return answer->result == STORE_UNKNOWN ? FAULT_TRANSIENT : answer->fault;
}

static void follow(struct shipper *shipper, struct shipment *shipment,
                   const struct store_answer *answer)
{
    const struct ship_choice choice = convoy_answer(&shipper->convoy, shipment, fault_of(answer),
                                                    store_is_ready(shipper->settings.store));
    switch (choice.step) {
    case SHIP_STORED:
        note_commit(shipper, shipment, answer);
        if (answer->n_recalled)
            shipper->events->on_recalled(shipper->owner, answer->recalled, answer->n_recalled,
                                         clock_now_ns() - answer->took_ns);
        on_each(shipment, tell_stored, answer);
        break;
    case SHIP_AGAIN:
    case SHIP_HOLD:
        note_fault(shipper, answer);
        counter_add(shipper->retried, 1);
        if (choice.after_ms) timer_arm_ms(&shipper->again, choice.after_ms);
        break;
    case SHIP_REDO: redo(shipper, shipment, answer); break;
    case SHIP_SPLIT: counter_add(shipper->split, 1); break;
    case SHIP_BURY: on_each(shipment, tell_bad_row, answer); break;
    case SHIP_SPEND: on_each(shipment, tell_not_yet, answer); break;
    }
}

static void on_answer(void *own, struct parcel *parcel, const struct store_answer *answer)
{
    struct shipment *shipment = own;
    struct shipper *shipper = shipment->owner;
    CHECK(parcel == shipment->parcel);
    parcel_free(parcel);
    if (shipment->is_forgotten) {
        convoy_land(shipment);
        on_each(shipment, tell_forgotten, answer);
    } else if (answer->result == STORE_NOT_SENT) {
        convoy_land(shipment);
        convoy_give_back(&shipper->convoy, shipment);
    } else {
        follow(shipper, shipment, answer);
    }
    shipper_run(shipper);
    shipper->events->on_answered(shipper->owner);
}

/* ---- sending ------------------------------------------------------------------------------- */

static struct parcel *pack(struct shipper *shipper, const struct shipment *shipment)
{
    struct parcel_message *messages = memory_new(shipment->n, sizeof *messages);
    uint32_t n = 0;
    LIST_EACH (link, &shipment->deliveries) {
        const struct delivery *delivery = LIST_ENTRY(link, struct delivery, link);
        delivery_foresee_rows(LIST_ENTRY(link_next, struct delivery, link));
        messages[n++] = (struct parcel_message){
            .id = delivery->job.message.id,
            .timestamp_ms = delivery->job.message.timestamp_ms,
            .rows = delivery->outcome.effects.rows,
        };
        messages[n - 1].n_guards = fetcher_guards(delivery, &messages[n - 1].guards);
    }
    CHECK(n == shipment->n);
    struct parcel *parcel = parcel_new(shipper->settings.sinks, shipper->settings.n_sinks,
                                       shipper->settings.consumer, messages, n);
    free(messages);
    return parcel;
}

static bool has_store(const struct shipper *shipper)
{
    return store_is_ready(shipper->settings.store) && store_has_room(shipper->settings.store);
}

void shipper_run(struct shipper *shipper)
{
    struct shipment *shipment;
    while (has_store(shipper) && (shipment = convoy_go(&shipper->convoy))) {
        shipment->parcel = pack(shipper, shipment);
        store_commit(shipper->settings.store, shipper->target, shipment->parcel, on_answer,
                     shipment);
    }
}

bool shipper_has_room(const struct shipper *shipper)
{
    return convoy_would_go(&shipper->convoy) && has_store(shipper);
}

void shipper_ship(struct shipper *shipper, struct batch *batch)
{
    convoy_add(&shipper->convoy, batch);
    shipper_run(shipper);
}

void shipper_take_key(struct shipper *shipper, uint64_t order_key, struct list *into)
{
    convoy_take_key(&shipper->convoy, order_key, into);
}

void shipper_forget(struct shipper *shipper)
{
    for (struct shipment *shipment; (shipment = convoy_forget(&shipper->convoy));)
        on_each(shipment, tell_forgotten, NULL);
}

void shipper_free(struct shipper *shipper)
{
    shipper_forget(shipper);
    LIST_EACH (link, &shipper->convoy.flying) {
        struct shipment *shipment = LIST_ENTRY(link, struct shipment, link);
        parcel_free(shipment->parcel);
        convoy_land(shipment);
        on_each(shipment, tell_forgotten, NULL);
    }
    timer_fini(&shipper->again);
    free(shipper);
}

bool shipper_is_idle(const struct shipper *shipper)
{
    return convoy_is_idle(&shipper->convoy);
}

uint32_t shipper_count(const struct shipper *shipper)
{
    return convoy_count(&shipper->convoy);
}

const char *shipper_fault(const struct shipper *shipper)
{
    return convoy_is_failing(&shipper->convoy) ? shipper->fault : "";
}
