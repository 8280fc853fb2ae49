/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether the database fits what handlers declare: tables, columns, types, a unique index on the key,
 * privileges, the inbox, and what loaders select. Every finding names table and column, what was found, what is expected, and
 * the SQL that mends it. Asked of a ready connection, one sink after another. */
#ifndef STORE_CATALOGUE_H
#define STORE_CATALOGUE_H

#include "store/connection.h"
#include "store/loader.h"

struct catalogue_target {
    const char *consumer;
    struct sink *const *sinks;
    unsigned n_sinks;
    struct loader *const *loaders;
    unsigned n_loaders;
};

enum catalogue_end { CATALOGUE_WELL, CATALOGUE_DIFFERS, CATALOGUE_LOST };

struct catalogue_events {
    /* A warning alone does not make it differ. The text is borrowed. */
    void (*on_finding)(void *owner, bool is_warning, const char *text);
    void (*on_end)(void *owner, enum catalogue_end end); /* then the catalogue has gone */
    void *owner;
};

/* Targets outlive it. Never answers from inside. With nothing to look at it may not be started. */
struct catalogue;
struct catalogue *catalogue_start(struct store_connection *connection,
                                  const struct catalogue_target *targets, size_t n,
                                  uint32_t timeout_ms, const struct catalogue_events *events);
void catalogue_forget(struct catalogue *catalogue); /* once its connection has been freed */
bool catalogue_has_work(const struct catalogue_target *targets, size_t n);

#endif
