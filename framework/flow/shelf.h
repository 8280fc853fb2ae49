/* SPDX-License-Identifier: Apache-2.0
 *
 * A shelf: the keys of one loader that are being read, each once however many messages want it. They
 * are looked up in the cache where the loader has one, and what is missing is asked of the database;
 * one question is out at a time, and what comes meanwhile goes together in the next. A key that the
 * database cannot take is found by asking for half as many. Belongs to the loop. */
#ifndef FLOW_SHELF_H
#define FLOW_SHELF_H

#include "cache/reader.h"
#include "metrics/metrics.h"
#include "plugin/wanted.h"
#include "store/loader.h"
#include "store/store.h"

struct shelf;
struct entry;

/* Who waits for a key; its owner's memory. */
struct seat {
    struct list link;
    struct entry *entry; /* NULL: it has left */
    void *owner;
};

struct shelf_refusal {
    const char *words;
    const char *sqlstate; /* "": none */
    bool is_final;        /* false: it may pass later */
};

/* Never from inside shelf_want. */
struct shelf_events {
    void (*on_settled)(void *owner, struct seat *seat);
    void (*on_refused)(void *owner, struct seat *seat, const struct shelf_refusal *refusal);
};

/* Keys looked up, by what was found. NULL: there is no cache to hit. */
struct shelf_counters {
    struct counter *hit, *miss, *absent;
};

struct shelf_settings {
    const struct loader *loader;
    struct store *store;
    struct cache_reader *reader; /* NULL: all is read from the database */
    const char *consumer;        /* for the log */
    struct shelf_counters reads;
};

/* Freed when every seat has left; its store may have been freed before, its reader not. */
struct shelf *shelf_new(struct loop *loop, const struct shelf_settings *settings,
                        const struct shelf_events *events, void *owner);
void shelf_free(struct shelf *shelf);

void shelf_want(struct shelf *shelf, struct wr_text key, struct seat *seat); /* key: copied */
/* What was loaded for it, until it leaves; NULL: not yet. */
const struct loaded *shelf_loaded(const struct seat *seat);
void shelf_leave(struct seat *seat); /* any time; harmless when it has left */

/* Why nothing has been loaded for several tries though the server is there; "" when it is. */
const char *shelf_fault(const struct shelf *shelf);

#endif
