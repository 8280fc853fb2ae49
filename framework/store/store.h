/* SPDX-License-Identifier: Apache-2.0
 *
 * The database as the flow sees it: a few connections that keep themselves, and parcels committed
 * through them, each in one transaction and one round trip. An answer says what became of it; a
 * parcel that was sent and not answered is UNKNOWN only after its backend can no longer commit. What
 * to do about an answer (again, split, dead) is the flow's to decide. Belongs to the loop. */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include "net/loop.h"
#include "store/loader.h"
#include "store/parcel.h"
#include "store/sqlstate.h"

struct store_settings {
    unsigned connections;
    uint32_t timeout_ms; /* one parcel, from sending to its answer */
    uint32_t connect_ms;
    const char *name;        /* application_name; copied */
    bool allow_async_commit; /* synchronous_commit=off is refused otherwise */
};

struct store_events {
    /* Where to connect, before each try: a postgresql:// URL or conninfo, read anew so that secrets
     * rotate; borrowed until the call returns to the loop. */
    bool (*on_server)(void *owner, const char **conninfo, struct status *status);
    void (*on_ready)(void *owner); /* there is a connection, and the targets' tables are well */
    /* None is left, or the tables are not as declared (`is_deployment`: waiting alone will not mend
     * it; it is looked at again every few seconds). */
    void (*on_lost)(void *owner, const char *why, bool is_deployment);
    void (*on_room)(void *owner); /* store_has_room again */
};

struct store;
struct store *store_new(struct loop *loop, const struct store_settings *settings,
                        const struct store_events *events, void *owner);
void store_free(struct store *store); /* at once, not from its events; what is out gets no answer */
bool store_is_ready(const struct store *store);
bool store_is_at_fault(const struct store *store);   /* there, but not as it has to be */
const char *store_fault(const struct store *store);  /* why not ready; "" */
const char *store_server(const struct store *store); /* shown without secrets, with its version */
uint64_t store_reconnects(const struct store *store);

/* A consumer's sinks: checked against the catalogue at each connect. Added before the loop runs. */
struct store_target;
struct store_target *store_add_target(struct store *store, const char *consumer,
                                      struct sink *const *sinks, unsigned n_sinks);

/* A consumer's loaders, likewise. */
void store_add_loaders(struct store *store, const char *consumer, struct loader *const *loaders,
                       unsigned n_loaders);
/* The database does not fit what was declared, as somebody found out: it is looked at again, and
 * nothing is committed until it does. */
void store_blame(struct store *store, const char *why);

enum store_result {
    STORE_COMMITTED,
    STORE_FAILED,  /* nothing of it is there */
    STORE_UNKNOWN, /* all of it is there, or nothing, and that will not change any more */
    STORE_NOT_SENT, /* it waited inside for one that met it and did not commit: to keep their order, put
                       it behind that one again; no failure of its own */
};

struct store_answer {
    enum store_result result;
    enum fault_class fault; /* all but COMMITTED */
    char sqlstate[6];
    char text[600];   /* PostgreSQL's message, or ours */
    char detail[600]; /* PostgreSQL's, or "": holds the row's own values, so it is not for logs */
    char table[64], column[64], constraint[64]; /* "" where not told */
    unsigned rows;                              /* sent */
    unsigned duplicates; /* messages that the inbox, or rows that their key, knew already */
    uint64_t took_ns;    /* from sending to the answer */
    const struct recalled *recalled; /* COMMITTED: entries for the cache, for the call */
    size_t n_recalled;
};

/* True while a connection is free. A parcel that meets one in flight, or one whose backend may yet
 * commit, waits inside for it; those that meet commit in the order taken. */
bool store_has_room(const struct store *store);
/* Takes the parcel; exactly one on_answer follows, never from inside (but see store_free). The answer's
 * owner frees the parcel; it may commit the next one from there. Only while store_has_room. */
void store_commit(struct store *store, struct store_target *target, struct parcel *parcel,
                  void (*on_answer)(void *owner, struct parcel *parcel,
                                    const struct store_answer *answer),
                  void *owner);

const char *store_library_version(void);

#endif
