/* SPDX-License-Identifier: Apache-2.0
 *
 * Who does what next: an idle connection first finds out about backends that may yet commit, then
 * looks at the tables, then takes a query or the oldest parcel that meets none taken before it. Parcels that
 * share a key thus commit in the order taken; where one of them fails, those that waited for it are
 * handed back, so that their owner can put them behind it again. */
#include "store/pool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "store/query.h"

#define LOOK_AGAIN_MS 3000
#define REAP_AGAIN_MS 100
#define REAP_WAIT_MS 5000 /* for one answer */

/* ---- what is so ------------------------------------------------------------------------------ */

unsigned pool_up(const struct store *store)
{
    unsigned up = 0;
    for (unsigned i = 0; i < store->settings.connections; i++)
        up += store_connection_is_up(store->slots[i].connection);
    return up;
}

bool pool_is_ready(const struct store *store)
{
    return store->tables == TABLES_WELL && pool_up(store) > 0;
}

bool pool_has_room(const struct store *store)
{
    unsigned taken = 0, limbo = 0;
    LIST_EACH (link, &store->rides) {
        taken++;
        limbo += LIST_ENTRY(link, struct ride, link)->state == RIDE_LIMBO;
    }
    return pool_is_ready(store) && list_is_empty(&store->ended) &&
           taken < store->settings.connections && taken - limbo < pool_up(store);
}

static struct slot *find_idle(struct store *store)
{
    for (unsigned i = 0; i < store->settings.connections; i++) {
        struct slot *slot = &store->slots[i];
        if (slot->errand == ERRAND_NONE && store_connection_is_ready(slot->connection)) return slot;
    }
    return NULL;
}

/* ---- answers --------------------------------------------------------------------------------- */

static void tell(struct ride *ride)
{
    ride->on_answer(ride->owner, ride->parcel, &ride->answer);
    free(ride);
}

static bool meets_any(const struct ride *ride, const struct list *others)
{
    LIST_EACH (link, others)
        if (parcel_meets(LIST_ENTRY(link, struct ride, link)->parcel, ride->parcel)) return true;
    return false;
}

/* The ride, and where it did not commit those that waited for it, and for them, in order. */
static void answer(struct store *store, struct ride *ride)
{
    list_remove(&ride->link);
    list_append(&store->ended, &ride->link);
    if (ride->answer.result != STORE_COMMITTED) {
        LIST_EACH (link, &store->rides) {
            struct ride *other = LIST_ENTRY(link, struct ride, link);
            if (other->state != RIDE_WAITING || !meets_any(other, &store->ended)) continue;
            list_remove(link);
            list_append(&store->ended, link);
            other->answer = (struct store_answer){ .result = STORE_NOT_SENT,
                                                   .fault = FAULT_TRANSIENT,
                                                   .text = "it waited for one that failed" };
        }
    }
    for (struct list *link; (link = list_take_first(&store->ended)) != NULL;)
        tell(LIST_ENTRY(link, struct ride, link));
}

/* ---- parcels --------------------------------------------------------------------------------- */

void pool_blame_tables(struct store *store, const char *why)
{
    store->tables = TABLES_AT_FAULT;
    store->look_due_ms = clock_now_ms() + LOOK_AGAIN_MS;
    snprintf(store->tables_fault, sizeof store->tables_fault, "%s", why);
}

/* It leads to a server that cannot be written to, or to a clock that was misread: a new one asks. */
static bool is_wrong_server(const struct store_answer *answer)
{
    return answer->result == STORE_FAILED &&
           (strcmp(answer->sqlstate, "25006") == 0 || strcmp(answer->sqlstate, "22012") == 0) &&
           answer->fault == FAULT_TRANSIENT;
}

static void on_transaction_end(void *own, const struct store_answer *result,
                               const struct fence *fence)
{
    struct slot *slot = own;
    struct store *store = slot->store;
    struct ride *ride = slot->ride;
    slot->errand = ERRAND_NONE;
    slot->transaction = NULL;
    slot->ride = NULL;
    ride->answer = *result;
    if (result->result == STORE_UNKNOWN) {
        ride->state = RIDE_LIMBO;
        ride->fence = *fence;
        pool_turn(store);
        return;
    }
    if (result->fault == FAULT_DEPLOYMENT) pool_blame_tables(store, result->text);
    if (is_wrong_server(result) && store_connection_is_ready(slot->connection))
        store_connection_renew(slot->connection, result->text);
    answer(store, ride);
    pool_turn(store);
}

static void fly(struct slot *slot, struct ride *ride)
{
    const struct parcel_step *steps = NULL;
    const size_t n = parcel_steps(ride->parcel, &steps);
    ride->state = RIDE_FLYING;
    slot->errand = ERRAND_PARCEL;
    slot->ride = ride;
    slot->transaction = transaction_start(
        slot->connection, steps, n, slot->store->settings.timeout_ms, on_transaction_end, slot);
}

static bool is_free_to_go(const struct store *store, const struct ride *ride)
{
    LIST_EACH (link, &store->rides) {
        const struct ride *earlier = LIST_ENTRY(link, struct ride, link);
        if (earlier == ride) return true;
        if (parcel_meets(earlier->parcel, ride->parcel)) return false;
    }
    return true;
}

static bool start_parcel(struct store *store)
{
    if (store->tables != TABLES_WELL) return false;
    LIST_EACH (link, &store->rides) {
        struct ride *ride = LIST_ENTRY(link, struct ride, link);
        if (ride->state != RIDE_WAITING || !is_free_to_go(store, ride)) continue;
        fly(find_idle(store), ride);
        return true;
    }
    return false;
}

/* ---- backends that may yet commit ------------------------------------------------------------ */

static void on_reaped(void *own, enum reaped reaped, const char *why)
{
    struct slot *slot = own;
    struct store *store = slot->store;
    struct ride *ride = slot->ride;
    slot->errand = ERRAND_NONE;
    slot->reaping = NULL;
    slot->ride = NULL;
    ride->is_being_reaped = false;
    ride->due_ms = clock_now_ms() + REAP_AGAIN_MS;
    if (reaped == REAPED_REFUSED && !ride->only_watches) {
        ride->only_watches = true;
        log_warn("store", "may not end a backend that may yet commit; waiting for its end",
                 LOG_TEXT(REASON, why));
    } else if (reaped == REAPED_ALIVE && *why && log_pace_note(&store->reap_pace, clock_now_ms())) {
        log_warn("store", "a backend that may yet commit cannot be ended; trying again",
                 LOG_TEXT(REASON, why));
    }
    if (reaped == REAPED_GONE) answer(store, ride);
    pool_turn(store);
}

static bool start_reaping(struct store *store, uint64_t now_ms)
{
    LIST_EACH (link, &store->rides) {
        struct ride *ride = LIST_ENTRY(link, struct ride, link);
        if (ride->state != RIDE_LIMBO || ride->is_being_reaped || ride->due_ms > now_ms) continue;
        struct slot *slot = find_idle(store);
        ride->is_being_reaped = true;
        slot->errand = ERRAND_REAP;
        slot->ride = ride;
        slot->reaping = reaping_start(slot->connection, &ride->fence, ride->only_watches,
                                      REAP_WAIT_MS, on_reaped, slot);
        return true;
    }
    return false;
}

/* ---- tables ---------------------------------------------------------------------------------- */

static void on_finding(void *own, bool is_warning, const char *text)
{
    struct slot *slot = own;
    char *fault = slot->store->new_fault;
    const size_t room = sizeof slot->store->new_fault, used = strlen(fault);
    if (is_warning)
        log_warn("store", text);
    else
        snprintf(fault + used, room - used, "%s%s", used ? "\n" : "", text);
}

static void on_looked(void *own, enum catalogue_end end)
{
    struct slot *slot = own;
    struct store *store = slot->store;
    slot->errand = ERRAND_NONE;
    slot->catalogue = NULL;
    store->is_looking = false;
    if (end == CATALOGUE_WELL)
        store->tables = TABLES_WELL;
    else if (end == CATALOGUE_DIFFERS)
        pool_blame_tables(store, store->new_fault);
    pool_turn(store);
}

static bool start_look(struct store *store, uint64_t now_ms)
{
    const bool is_due = store->tables == TABLES_UNSEEN ||
                        (store->tables == TABLES_AT_FAULT && now_ms >= store->look_due_ms);
    if (!is_due || store->is_looking) return false;
    if (!catalogue_has_work(store->targets, store->n_targets)) {
        store->tables = TABLES_WELL;
        return true;
    }
    struct slot *slot = find_idle(store);
    const struct catalogue_events events = { on_finding, on_looked, slot };
    store->is_looking = true;
    store->new_fault[0] = '\0';
    slot->errand = ERRAND_LOOK;
    slot->catalogue = catalogue_start(slot->connection, store->targets, store->n_targets,
                                      store->settings.timeout_ms, &events);
    return true;
}

/* ---- queries --------------------------------------------------------------------------------- */

static void on_query_end(struct slot *slot)
{
    slot->errand = ERRAND_NONE;
    pool_turn(slot->store);
}

static bool start_query(struct store *store)
{
    struct list *link = list_take_first(&store->queries);
    if (!link) return false;
    struct slot *slot = find_idle(store);
    struct query *query = LIST_ENTRY(link, struct query, link);
    const uint32_t timeout_ms = query->timeout_ms ? query->timeout_ms : store->settings.timeout_ms;
    slot->errand = ERRAND_QUERY;
    query_start(query, slot, timeout_ms, on_query_end);
    return true;
}

/* Neither keeps the other waiting while there is one connection for both. */
static bool start_work(struct store *store)
{
    const bool was_query = store->was_query;
    store->was_query = false;
    if (was_query && start_parcel(store)) return true;
    store->was_query = start_query(store);
    return store->was_query || start_parcel(store);
}

/* ---- turns ----------------------------------------------------------------------------------- */

static void arm(struct store *store, uint64_t now_ms)
{
    uint64_t due_ms = store->tables == TABLES_AT_FAULT ? store->look_due_ms : UINT64_MAX;
    LIST_EACH (link, &store->rides) {
        const struct ride *ride = LIST_ENTRY(link, struct ride, link);
        if (ride->state == RIDE_LIMBO && !ride->is_being_reaped && ride->due_ms < due_ms)
            due_ms = ride->due_ms;
    }
    timer_disarm(&store->timer);
    /* What is overdue waits for a connection, and its becoming ready is a turn of its own. */
    if (due_ms != UINT64_MAX && due_ms > now_ms) timer_arm_ms(&store->timer, due_ms - now_ms);
}

/* "": none, or not known yet: a connection's work ends before the connection says why. */
static const char *known_fault(const struct store *store)
{
    return pool_up(store) == 0 ? store->down : store_fault(store);
}

static void tell_changes(struct store *store)
{
    const bool is_ready = pool_is_ready(store), has_room = pool_has_room(store);
    const char *fault = known_fault(store);
    if (is_ready && !store->was_ready) {
        store->was_ready = true;
        store->told[0] = '\0';
        store->events.on_ready(store->owner);
    } else if (!is_ready && *fault && (store->was_ready || strcmp(store->told, fault) != 0)) {
        store->was_ready = false;
        snprintf(store->told, sizeof store->told, "%s", fault);
        store->events.on_lost(store->owner, store->told,
                              pool_up(store) > 0 || store->is_down_by_deployment);
    }
    const bool had_room = store->had_room;
    store->had_room = has_room;
    if (has_room && !had_room) store->events.on_room(store->owner);
}

/* One time for all of it: what becomes due in between would be neither begun nor waited for. */
void pool_turn(struct store *store)
{
    const uint64_t now_ms = clock_now_ms();
    while (find_idle(store))
        if (!start_reaping(store, now_ms) && !start_look(store, now_ms) && !start_work(store))
            break;
    arm(store, now_ms);
    tell_changes(store);
}
