/* SPDX-License-Identifier: Apache-2.0
 *
 * Batches on their way; see shipper.h. Those that wait stand in one line: the halves of a split take
 * their parent's place, and while the first waits to be run again, those behind it wait too. */
#include "flow/shipper.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/log_pace.h"
#include "flow/fetcher.h"
#include "flow/ship_policy.h"
#include "store/guard.h"

#define MOVED_MOST 64

struct shipment {
    struct list link;
    struct list deliveries;
    uint64_t nth; /* in the order of closing; the halves of a split share it */
    uint32_t n;
    uint32_t failures;      /* of one kind, the server's own, in a row */
    enum fault_class fault; /* which kind */
    bool is_forgotten;
    struct parcel *parcel; /* while it flies */
    struct shipper *shipper;
};

struct shipper {
    struct shipper_settings settings;
    const struct shipper_events *events;
    void *owner;
    struct store_target *target;
    struct timer again;  /* the first in line may go */
    bool is_resting;     /* until then */
    struct list waiting; /* shipments, in order */
    struct list flying;
    unsigned n_flying;
    uint64_t n_shipped;
    struct counter *committed, *retried, *split, *duplicates;
    struct histogram *batch_rows, *commit_seconds;
    struct loop *loop;
    char fault[640];
    uint32_t failures; /* answers of the server's own faults since the last commit */
    struct log_pace pace;
};

static void on_again(void *own)
{
    struct shipper *shipper = own;
    shipper->is_resting = false;
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
    list_init(&shipper->waiting);
    list_init(&shipper->flying);
    timer_init(&shipper->again, loop, on_again, shipper);
    shipper->committed = BATCHES("committed");
    shipper->retried = BATCHES("retried");
    shipper->split = BATCHES("split");
    shipper->duplicates = metrics_counter(metrics, METRIC_DUPLICATES, labels);
    shipper->batch_rows = metrics_histogram(metrics, METRIC_BATCH_ROWS, labels);
    shipper->commit_seconds = metrics_histogram(metrics, METRIC_COMMIT_SECONDS, labels);
    return shipper;
}

static struct shipment *new_shipment(struct shipper *shipper)
{
    struct shipment *shipment = NEW(struct shipment);
    shipment->shipper = shipper;
    list_init(&shipment->link);
    list_init(&shipment->deliveries);
    return shipment;
}

/* ---- answers ------------------------------------------------------------------------------- */

static void on_each(struct shipment *shipment,
                    void (*tell)(struct shipper *, struct delivery *, const struct store_answer *),
                    const struct store_answer *answer)
{
    LIST_EACH (link, &shipment->deliveries) {
        list_remove(link);
        tell(shipment->shipper, LIST_ENTRY(link, struct delivery, link), answer);
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

/* Behind those that were closed before it, and behind its own first half. */
static void stand_in_line(struct shipper *shipper, struct shipment *shipment)
{
    struct list *after = shipper->waiting.previous;
    while (after != &shipper->waiting &&
           LIST_ENTRY(after, struct shipment, link)->nth > shipment->nth)
        after = after->previous;
    list_append(after->next, &shipment->link);
}

static void split_in_two(struct shipper *shipper, struct shipment *whole)
{
    struct shipment *half = new_shipment(shipper);
    while (half->n < whole->n / 2) {
        list_append(&half->deliveries, list_take_first(&whole->deliveries));
        half->n++;
    }
    whole->n -= half->n;
    whole->failures = 0;
    counter_add(shipper->split, 1);
    half->nth = whole->nth;
    stand_in_line(shipper, half);
    stand_in_line(shipper, whole);
}

static void put_back(struct shipper *shipper, struct shipment *shipment, uint32_t after_ms)
{
    counter_add(shipper->retried, 1);
    stand_in_line(shipper, shipment);
    if (!after_ms) return;
    shipper->is_resting = true;
    timer_arm_ms(&shipper->again, after_ms);
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
        stand_in_line(shipper, shipment);
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

static void count_failure(struct shipper *shipper, struct shipment *shipment,
                          enum fault_class fault)
{
    if (fault != FAULT_TRANSIENT && fault != FAULT_SERVER) return;
    if (shipment->fault != fault) shipment->failures = 0;
    shipment->fault = fault;
    shipment->failures++;
    shipper->failures++;
}

static void note_commit(struct shipper *shipper, const struct shipment *shipment,
                        const struct store_answer *answer)
{
    const uint64_t now_ns = clock_now_ns();
    shipper->fault[0] = '\0';
    shipper->failures = 0;
    counter_add(shipper->committed, 1);
    counter_add(shipper->duplicates, answer->duplicates);
    histogram_note(shipper->batch_rows, answer->rows);
    histogram_note(shipper->commit_seconds, answer->took_ns);
    tracing_batch(shipper->settings.tracing, &shipment->deliveries, shipment->n,
                  now_ns - answer->took_ns, now_ns);
}

static void follow(struct shipper *shipper, struct shipment *shipment,
                   const struct store_answer *answer)
{
    const bool is_committed = answer->result == STORE_COMMITTED;
    const enum fault_class fault = is_committed                      ? FAULT_NONE
                                   : answer->result == STORE_UNKNOWN ? FAULT_TRANSIENT
                                                                     : answer->fault;
    count_failure(shipper, shipment, fault);
    const struct ship_choice choice = ship_choose(fault, shipment->n, shipment->failures,
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
        put_back(shipper, shipment, choice.after_ms);
        break;
    case SHIP_REDO: redo(shipper, shipment, answer); break;
    case SHIP_SPLIT: split_in_two(shipper, shipment); break;
    case SHIP_BURY: on_each(shipment, tell_bad_row, answer); break;
    case SHIP_SPEND: on_each(shipment, tell_not_yet, answer); break;
    }
}

static void on_answer(void *own, struct parcel *parcel, const struct store_answer *answer)
{
    struct shipment *shipment = own;
    struct shipper *shipper = shipment->shipper;
    CHECK(parcel == shipment->parcel);
    parcel_free(parcel);
    list_remove(&shipment->link);
    shipper->n_flying--;
    if (shipment->is_forgotten)
        on_each(shipment, tell_forgotten, answer);
    else if (answer->result == STORE_NOT_SENT)
        stand_in_line(shipper, shipment);
    else
        follow(shipper, shipment, answer);
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

static bool may_fly(const struct shipper *shipper)
{
    if (shipper->is_resting || !store_is_ready(shipper->settings.store)) return false;
    if (shipper->settings.is_ordered && shipper->n_flying) return false;
    return store_has_room(shipper->settings.store);
}

void shipper_run(struct shipper *shipper)
{
    while (!list_is_empty(&shipper->waiting) && may_fly(shipper)) {
        struct shipment *shipment =
            LIST_ENTRY(list_take_first(&shipper->waiting), struct shipment, link);
        list_append(&shipper->flying, &shipment->link);
        shipper->n_flying++;
        shipment->parcel = pack(shipper, shipment);
        store_commit(shipper->settings.store, shipper->target, shipment->parcel, on_answer,
                     shipment);
    }
}

bool shipper_has_room(const struct shipper *shipper)
{
    return list_is_empty(&shipper->waiting) && may_fly(shipper);
}

void shipper_ship(struct shipper *shipper, struct batch *batch)
{
    struct shipment *shipment = new_shipment(shipper);
    for (struct list *link; (link = list_take_first(&batch->deliveries));)
        list_append(&shipment->deliveries, link);
    shipment->n = batch->n;
    shipment->nth = ++shipper->n_shipped;
    batch_init(batch);
    stand_in_line(shipper, shipment);
    shipper_run(shipper);
}

void shipper_forget(struct shipper *shipper)
{
    for (struct list *link; (link = list_take_first(&shipper->waiting));)
        on_each(LIST_ENTRY(link, struct shipment, link), tell_forgotten, NULL);
    LIST_EACH (link, &shipper->flying) {
        LIST_ENTRY(link, struct shipment, link)->is_forgotten = true;
    }
}

void shipper_free(struct shipper *shipper)
{
    shipper_forget(shipper);
    for (struct list *link; (link = list_take_first(&shipper->flying));) {
        struct shipment *shipment = LIST_ENTRY(link, struct shipment, link);
        parcel_free(shipment->parcel);
        on_each(shipment, tell_forgotten, NULL);
    }
    timer_fini(&shipper->again);
    free(shipper);
}

bool shipper_is_idle(const struct shipper *shipper)
{
    return list_is_empty(&shipper->waiting) && !shipper->n_flying;
}

static uint32_t count_in(const struct list *shipments)
{
    uint32_t n = 0;
    for (const struct list *link = shipments->next; link != shipments; link = link->next)
        n += LIST_ENTRY(link, struct shipment, link)->n;
    return n;
}

uint32_t shipper_count(const struct shipper *shipper)
{
    return count_in(&shipper->waiting) + count_in(&shipper->flying);
}

const char *shipper_fault(const struct shipper *shipper)
{
    return shipper->failures >= SHIP_PATIENCE ? shipper->fault : "";
}
