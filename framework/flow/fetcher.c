/* SPDX-License-Identifier: Apache-2.0
 *
 * See fetcher.h. A delivery waits twice: for its turn at guarded keys, and then, not before, for what is
 * loaded. Whose wait is over is noted and let go in one loop, however long the line behind it. */
#include "flow/fetcher.h"

#include <stdlib.h>

#include "base/check.h"
#include "flow/turnstile.h"

#define ORDER_DOMAIN UINT32_MAX /* beside the guarded sinks, by number */

/* One key that is wanted. */
struct want {
    struct seat seat;
    struct ticket ticket; /* guarded */
    struct wanted *wanted;
};

struct fetch {
    struct list link; /* of the fetcher's done */
    struct fetcher *fetcher;
    struct delivery *delivery;
    unsigned n_blocked; /* guarded keys that are another's: nothing is loaded before */
    unsigned n_waiting; /* keys not loaded, and 1 while another of its order key goes first */
    bool is_guarded;
    unsigned n;
    struct want *wants;
    struct ticket line; /* ordered */
    struct parcel_guard *guards;
    size_t n_guards;
    struct arena_mark mark;
};

struct fetcher {
    struct fetcher_settings settings;
    struct fetcher_events events;
    void *owner;
    struct shelf **shelves; /* by loader */
    struct turnstile turnstile;
    struct list inside; /* deliveries FETCHING */
    struct list done;   /* fetches whose wait is over */
    bool is_letting_go, is_forgetting;
};

/* ---- waits that end --------------------------------------------------------------------------- */

static void check(struct fetch *fetch)
{
    if (!fetch->n_blocked && !fetch->n_waiting) list_append(&fetch->fetcher->done, &fetch->link);
}

static void load(struct fetch *fetch)
{
    for (unsigned i = 0; i < fetch->n; i++) {
        struct want *want = &fetch->wants[i];
        fetch->n_waiting++;
        shelf_want(fetch->fetcher->shelves[want->wanted->loader], want->wanted->key, &want->seat);
    }
    check(fetch);
}

static void leave_ticket(struct fetcher *fetcher, struct ticket *ticket)
{
    const bool is_line = ticket->gate && ticket == &((struct fetch *)ticket->owner)->line;
    struct fetch *next = turnstile_leave(&fetcher->turnstile, ticket);
    if (!next || fetcher->is_forgetting) return;
    if (is_line) {
        next->n_waiting--;
        check(next);
    } else if (--next->n_blocked == 0) {
        load(next);
    }
}

static void take_loaded(struct fetch *fetch, const struct want *want)
{
    struct wanted *const wanted = want->wanted;
    const struct loader *const loader = fetch->fetcher->settings.loaders[wanted->loader];
    wanted->loaded = shelf_loaded(&want->seat);
    if (loader->guards)
        fetch->guards[fetch->n_guards++] =
            (struct parcel_guard){ loader, wanted->key, wanted->loaded->version };
}

/* Where the commit may send it back, its order key stays its own until then. */
static void let_go(struct fetch *fetch)
{
    struct fetcher *const fetcher = fetch->fetcher;
    struct delivery *const delivery = fetch->delivery;
    fetch->n_guards = 0;
    for (unsigned i = 0; i < fetch->n; i++) take_loaded(fetch, &fetch->wants[i]);
    if (!fetch->is_guarded) leave_ticket(fetcher, &fetch->line);
    list_remove(&delivery->link);
    delivery->is_fetched = true;
    fetcher->events.on_fetched(fetcher->owner, delivery);
}

static void let_all_go(struct fetcher *fetcher)
{
    if (fetcher->is_letting_go) return;
    fetcher->is_letting_go = true;
    for (struct list *link; (link = list_take_first(&fetcher->done));)
        let_go(LIST_ENTRY(link, struct fetch, link));
    fetcher->is_letting_go = false;
}

static void on_settled(void *own, struct seat *seat)
{
    struct fetcher *fetcher = own;
    struct fetch *fetch = seat->owner;
    fetch->n_waiting--;
    check(fetch);
    let_all_go(fetcher);
}

static void on_refused(void *own, struct seat *seat, const struct shelf_refusal *refusal)
{
    struct fetcher *fetcher = own;
    struct fetch *fetch = seat->owner;
    struct delivery *delivery = fetch->delivery;
    list_remove(&delivery->link);
    fetcher_leave(fetcher, delivery);
    fetcher->events.on_refused(fetcher->owner, delivery,
                               &(struct fetch_refusal){ text_of(refusal->words),
                                                        text_of(refusal->sqlstate),
                                                        refusal->is_final });
}

/* ---- in and out -------------------------------------------------------------------------------- */

static struct fetch *make(struct fetcher *fetcher, struct delivery *delivery)
{
    unsigned n = 0;
    for (const struct wanted *wanted = delivery->wanted; wanted; wanted = wanted->next) n++;
    struct fetch *fetch = arena_take(&delivery->arena, sizeof *fetch);
    *fetch = (struct fetch){ .fetcher = fetcher, .delivery = delivery, .n = n };
    list_init(&fetch->link);
    fetch->wants = arena_take(&delivery->arena, n * sizeof *fetch->wants);
    struct wanted *wanted = delivery->wanted;
    for (unsigned i = 0; i < n; i++, wanted = wanted->next) {
        CHECK(wanted);
        struct want *want = &fetch->wants[i];
        *want = (struct want){ .seat = { .owner = fetch }, .wanted = wanted };
        list_init(&want->seat.link);
    }
    fetch->guards = arena_take(&delivery->arena, n * sizeof *fetch->guards);
    fetch->mark = arena_mark(&delivery->arena);
    return fetch;
}

static void queue_for_guards(struct fetcher *fetcher, struct fetch *fetch)
{
    for (unsigned i = 0; i < fetch->n; i++) {
        struct want *want = &fetch->wants[i];
        const struct wanted *wanted = want->wanted;
        const struct sink *guards = fetcher->settings.loaders[wanted->loader]->guards;
        if (!guards) continue;
        fetch->is_guarded = true;
        if (turnstile_enter(&fetcher->turnstile, &want->ticket, guards->nth, wanted->key, fetch) ==
            TURN_WAITS)
            fetch->n_blocked++;
    }
}

static void queue_for_order(struct fetcher *fetcher, struct fetch *fetch)
{
    const uint64_t *key = &fetch->delivery->order_key;
    if (!fetcher->settings.is_ordered) return;
    if (turnstile_enter(&fetcher->turnstile, &fetch->line, ORDER_DOMAIN,
                        text_from((const char *)key, sizeof *key), fetch) == TURN_WAITS)
        fetch->n_waiting++;
}

void fetcher_add(struct fetcher *fetcher, struct delivery *delivery)
{
    struct fetch *fetch = delivery->fetch = make(fetcher, delivery);
    list_append(&fetcher->inside, &delivery->link);
    queue_for_guards(fetcher, fetch);
    queue_for_order(fetcher, fetch);
    if (!fetch->n_blocked) load(fetch);
    let_all_go(fetcher);
}

void fetcher_note_handled(struct delivery *delivery)
{
    struct fetch *fetch = delivery->fetch;
    for (unsigned i = 0; fetch && i < fetch->n; i++) {
        shelf_leave(&fetch->wants[i].seat);
        fetch->wants[i].wanted->loaded = NULL;
    }
}

void fetcher_add_again(struct fetcher *fetcher, struct delivery *delivery)
{
    arena_rewind(&delivery->arena, &delivery->fetch->mark);
    list_append(&fetcher->inside, &delivery->link);
    load(delivery->fetch);
    let_all_go(fetcher);
}

/* What decided to do nothing did so on what was true when it was read. */
size_t fetcher_guards(const struct delivery *delivery, const struct parcel_guard **guards)
{
    const struct effects *const effects = &delivery->outcome.effects;
    const bool has_effects = effects->n_rows || effects->n_caches || effects->n_publishes;
    *guards = NULL;
    if (!delivery->fetch || !has_effects) return 0;
    *guards = delivery->fetch->guards;
    return delivery->fetch->n_guards;
}

void fetcher_leave(struct fetcher *fetcher, struct delivery *delivery)
{
    struct fetch *fetch = delivery->fetch;
    if (!fetch) return;
    delivery->fetch = NULL;
    list_remove(&fetch->link);
    for (unsigned i = 0; i < fetch->n; i++) {
        shelf_leave(&fetch->wants[i].seat);
        leave_ticket(fetcher, &fetch->wants[i].ticket);
    }
    leave_ticket(fetcher, &fetch->line);
    let_all_go(fetcher);
}

void fetcher_forget(struct fetcher *fetcher, struct list *into)
{
    fetcher->is_forgetting = true; /* whose turn it would be goes too */
    for (struct list *link; (link = list_take_first(&fetcher->inside));) {
        fetcher_leave(fetcher, LIST_ENTRY(link, struct delivery, link));
        list_append(into, link);
    }
    fetcher->is_forgetting = false;
}

bool fetcher_is_idle(const struct fetcher *fetcher)
{
    return list_is_empty(&fetcher->inside);
}

bool fetcher_is_waited_for(const struct delivery *delivery)
{
    const struct fetch *fetch = delivery->fetch;
    for (unsigned i = 0; fetch && i < fetch->n; i++)
        if (turnstile_has_next(&fetch->wants[i].ticket)) return true;
    return fetch && turnstile_has_next(&fetch->line);
}

const char *fetcher_fault(const struct fetcher *fetcher)
{
    for (unsigned i = 0; i < fetcher->settings.n_loaders; i++)
        if (*shelf_fault(fetcher->shelves[i])) return shelf_fault(fetcher->shelves[i]);
    return "";
}

/* ---- life -------------------------------------------------------------------------------------- */

static struct shelf *make_shelf(struct fetcher *fetcher, struct loop *loop, unsigned i)
{
    static const struct shelf_events events = { on_settled, on_refused };
    const struct fetcher_settings *settings = &fetcher->settings;
    return shelf_new(loop,
                     &(struct shelf_settings){ .loader = settings->loaders[i],
                                               .store = settings->store,
                                               .reader = settings->reader,
                                               .consumer = settings->consumer,
                                               .reads = settings->reads },
                     &events, fetcher);
}

struct fetcher *fetcher_new(struct loop *loop, const struct fetcher_settings *settings,
                            const struct fetcher_events *events, void *owner)
{
    struct fetcher *fetcher = NEW(struct fetcher);
    fetcher->settings = *settings;
    fetcher->events = *events;
    fetcher->owner = owner;
    list_init(&fetcher->inside);
    list_init(&fetcher->done);
    turnstile_init(&fetcher->turnstile);
    fetcher->shelves = memory_new(settings->n_loaders, sizeof(struct shelf *));
    for (unsigned i = 0; i < settings->n_loaders; i++)
        fetcher->shelves[i] = make_shelf(fetcher, loop, i);
    return fetcher;
}

void fetcher_free(struct fetcher *fetcher)
{
    if (!fetcher) return;
    CHECK(list_is_empty(&fetcher->inside));
    for (unsigned i = 0; i < fetcher->settings.n_loaders; i++) shelf_free(fetcher->shelves[i]);
    turnstile_fini(&fetcher->turnstile);
    free(fetcher->shelves);
    free(fetcher);
}
