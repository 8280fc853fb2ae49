/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys that Redis did not take under `on_failure: degrade`: recorded in the database, so that their
 * messages can be acked, and written when Redis is back, those of sinks as their tables have them then;
 * a record goes only at the seq it was read at.
 * One for the host. Belongs to the loop. */
#ifndef FLOW_REPAIRER_H
#define FLOW_REPAIRER_H

#include "cache/write.h"
#include "flow/reread.h"
#include "metrics/metrics.h"
#include "store/store.h"

struct repairer;

/* Store and cache outlive it, or are freed just before it. Looks for what was left behind at once. */
struct repairer *repairer_new(struct loop *loop, struct store *store, struct cache *cache,
                              struct metrics *metrics);
void repairer_free(struct repairer *repairer); /* records are cancelled before */

/* Sinks whose entries this host can read again; they outlive it. */
void repairer_know(struct repairer *repairer, struct sink *const *sinks, unsigned n);

struct repair_request;
/* Borrows the entries until its one on_recorded, which never comes from inside, and waits as long as the
 * database is away. */
struct repair_request *repairer_record(struct repairer *repairer, const struct cache_entry *entries,
                                       const struct origin *origins, size_t n,
                                       void (*on_recorded)(void *owner), void *owner);
/* Before its on_recorded, which never comes then; it may be recorded all the same. */
void repair_request_cancel(struct repair_request *request);

void repairer_look(struct repairer *repairer);               /* Redis is back */
uint64_t repairer_count(const struct repairer *repairer);    /* records, when last looked */
const char *repairer_fault(const struct repairer *repairer); /* why nothing is recorded; "" */

#endif
