/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the store share: its connections, and the parcels it has taken. */
#ifndef STORE_POOL_H
#define STORE_POOL_H

#include "base/list.h"
#include "base/log_pace.h"
#include "store/catalogue.h"
#include "store/reaper.h"
#include "store/store.h"

#define STORE_CONNECTIONS_MOST 64

enum errand { ERRAND_NONE, ERRAND_PARCEL, ERRAND_LOOK, ERRAND_REAP, ERRAND_QUERY };

/* One connection and what it is doing. */
struct slot {
    struct store *store;
    struct store_connection *connection;
    enum errand errand;
    struct ride *ride; /* PARCEL, REAP */
    struct transaction *transaction;
    struct reaping *reaping;
    struct catalogue *catalogue;
    struct query *query; /* QUERY; NULL: nobody wants its answer any more */
    void (*on_query_end)(struct slot *slot);
    bool was_ready; /* once */
};

/* A parcel that was taken: WAITING until nothing it meets is out, FLYING, and in LIMBO when its answer
 * did not come, until its backend is known to be gone. */
enum ride_state { RIDE_WAITING, RIDE_FLYING, RIDE_LIMBO };
struct ride {
    struct list link; /* of store->rides: in the order taken */
    enum ride_state state;
    struct parcel *parcel;
    struct store_answer answer; /* LIMBO: what will be said */
    struct fence fence;
    bool is_being_reaped, only_watches;
    uint64_t due_ms; /* LIMBO: asked about again */
    void (*on_answer)(void *owner, struct parcel *parcel, const struct store_answer *answer);
    void *owner;
};

enum tables { TABLES_UNSEEN, TABLES_WELL, TABLES_AT_FAULT };

struct store {
    uint32_t magic;
    struct loop *loop;
    struct store_settings settings;
    char *name;
    struct store_events events;
    void *owner;
    struct slot slots[STORE_CONNECTIONS_MOST];
    struct list rides;
    struct list ended;   /* rides being answered: no room meanwhile, what is handed back goes before
                          what is new */
    struct list queries; /* that wait */
    bool was_query;      /* what was started last: it and parcels take turns */
    struct timer timer;  /* the next thing that is due */
    struct catalogue_target *targets;
    size_t n_targets;
    struct list handles; /* struct store_target */
    enum tables tables;
    bool is_looking;
    uint64_t look_due_ms; /* AT_FAULT */
    bool is_down_by_deployment;
    char down[1000]; /* why there is no connection */
    char tables_fault[1000], new_fault[1000];
    /* What the owner was told last: */
    bool was_ready, had_room, has_told;
    char told[1000];
    uint64_t reconnects;
    struct log_pace reap_pace;
};

/* Gives idle connections something to do, and tells the owner what changed. Comes last: it may call
 * back. */
void pool_turn(struct store *store);
void pool_blame_tables(struct store *store, const char *why);
bool pool_is_ready(const struct store *store);
bool pool_has_room(const struct store *store);
unsigned pool_up(const struct store *store);

#endif
