/* SPDX-License-Identifier: Apache-2.0
 *
 * See store.h: its life, its connections' ups and downs, and its front door. Who does what next is
 * pool.c's. */
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "store/pool.h"
#include "store/query.h"

#define STORE_MAGIC 0x73746f72u

struct store_target {
    struct list link;
};

/* ---- connections ----------------------------------------------------------------------------- */

static bool on_server(void *own, const char **conninfo, struct status *status)
{
    struct slot *slot = own;
    return slot->store->events.on_server(slot->store->owner, conninfo, status);
}

/* The first connection after none looks at the tables: it may be another server. */
static void on_ready(void *own)
{
    struct slot *slot = own;
    struct store *store = slot->store;
    if (slot->was_ready) store->reconnects++;
    slot->was_ready = true;
    if (pool_up(store) == 1) store->tables = TABLES_UNSEEN;
    store->down[0] = '\0';
    pool_turn(store);
}

static void on_lost(void *own, const char *why, bool is_deployment)
{
    struct slot *slot = own;
    struct store *store = slot->store;
    if (pool_up(store) == 0) {
        snprintf(store->down, sizeof store->down, "%s", why);
        store->is_down_by_deployment = is_deployment;
    }
    pool_turn(store);
}

static void on_time(void *own)
{
    struct store *store = own;
    CHECK_MAGIC(store, STORE_MAGIC);
    pool_turn(store);
}

/* ---- life ------------------------------------------------------------------------------------ */

struct store *store_new(struct loop *loop, const struct store_settings *settings,
                        const struct store_events *events, void *owner)
{
    struct store *store = NEW(struct store);
    CHECK(settings->connections > 0 && settings->connections <= STORE_CONNECTIONS_MOST);
    store->magic = STORE_MAGIC;
    store->loop = loop;
    store->settings = *settings;
    store->name = memory_copy_text(settings->name);
    store->events = *events;
    store->owner = owner;
    list_init(&store->rides);
    list_init(&store->ended);
    list_init(&store->queries);
    list_init(&store->handles);
    timer_init(&store->timer, loop, on_time, store);
    const struct store_connection_settings each = { .name = store->name,
                                                    .connect_ms = settings->connect_ms,
                                                    .timeout_ms = settings->timeout_ms,
                                                    .allow_async_commit =
                                                        settings->allow_async_commit };
    for (unsigned i = 0; i < settings->connections; i++) {
        struct slot *slot = &store->slots[i];
        const struct store_connection_events ears = { on_server, on_ready, on_lost, slot };
        slot->store = store;
        slot->connection = store_connection_new(loop, &each, &ears);
    }
    return store;
}

static void empty_slot(struct slot *slot)
{
    store_connection_free(slot->connection);
    if (slot->transaction) transaction_forget(slot->transaction);
    if (slot->reaping) reaping_forget(slot->reaping);
    if (slot->catalogue) catalogue_forget(slot->catalogue);
    if (slot->query) store_unask(slot->query);
}

void store_free(struct store *store)
{
    if (!store) return;
    CHECK_MAGIC(store, STORE_MAGIC);
    for (unsigned i = 0; i < store->settings.connections; i++) empty_slot(&store->slots[i]);
    for (struct list *link; (link = list_take_first(&store->rides)) != NULL;)
        free(LIST_ENTRY(link, struct ride, link));
    for (struct list *link; (link = list_take_first(&store->handles)) != NULL;)
        free(LIST_ENTRY(link, struct store_target, link));
    LIST_EACH (link, &store->queries) store_unask(LIST_ENTRY(link, struct query, link));
    timer_fini(&store->timer);
    free(store->targets);
    free(store->name);
    store->magic = 0;
    free(store);
}

/* ---- the front door -------------------------------------------------------------------------- */

bool store_is_ready(const struct store *store)
{
    return pool_is_ready(store);
}

bool store_is_at_fault(const struct store *store)
{
    if (pool_up(store) == 0) return store->is_down_by_deployment;
    return store->tables == TABLES_AT_FAULT;
}

const char *store_fault(const struct store *store)
{
    if (pool_up(store) == 0) return *store->down ? store->down : "not connected yet";
    if (store->tables == TABLES_AT_FAULT) return store->tables_fault;
    return "";
}

const char *store_server(const struct store *store)
{
    for (unsigned i = 0; i < store->settings.connections; i++)
        if (store_connection_is_up(store->slots[i].connection))
            return store_connection_server(store->slots[i].connection);
    return store_connection_server(store->slots[0].connection);
}

uint64_t store_reconnects(const struct store *store)
{
    return store->reconnects;
}

struct store_target *store_add_target(struct store *store, const char *consumer,
                                      struct sink *const *sinks, unsigned n_sinks)
{
    struct store_target *target = NEW(struct store_target);
    list_append(&store->handles, &target->link);
    store->targets = memory_grow(store->targets, store->n_targets + 1, sizeof *store->targets);
    store->targets[store->n_targets++] =
        (struct catalogue_target){ .consumer = consumer, .sinks = sinks, .n_sinks = n_sinks };
    return target;
}

void store_add_loaders(struct store *store, const char *consumer, struct loader *const *loaders,
                       unsigned n_loaders)
{
    store->targets = memory_grow(store->targets, store->n_targets + 1, sizeof *store->targets);
    store->targets[store->n_targets++] = (struct catalogue_target){ .consumer = consumer,
                                                                    .loaders = loaders,
                                                                    .n_loaders = n_loaders };
}

void store_blame(struct store *store, const char *why)
{
    pool_blame_tables(store, why);
    pool_turn(store);
}

bool store_has_room(const struct store *store)
{
    return pool_has_room(store);
}

void store_commit(struct store *store, struct store_target *target, struct parcel *parcel,
                  void (*on_answer)(void *, struct parcel *, const struct store_answer *),
                  void *owner)
{
    CHECK_MAGIC(store, STORE_MAGIC);
    CHECK(target && pool_has_room(store));
    struct ride *ride = NEW(struct ride);
    ride->parcel = parcel;
    ride->on_answer = on_answer;
    ride->owner = owner;
    list_append(&store->rides, &ride->link);
    pool_turn(store);
}

const char *store_library_version(void)
{
    static char version[16];
    const int number = PQlibVersion();
    snprintf(version, sizeof version, "%d.%d", number / 10000, number % 10000);
    return version;
}
