/* SPDX-License-Identifier: Apache-2.0
 *
 * The cache as the host sees it: one Redis, kept connected, behind a circuit breaker. What is written
 * is write.h's, what is read reader.h's. Nothing here waits for Redis: while it is away, or the breaker
 * is open, calls are answered at once, and what to do then (again, repair, the table) is the owner's to
 * decide. Belongs to the loop. */
#ifndef CACHE_CACHE_H
#define CACHE_CACHE_H

#include "cache/breaker.h"
#include "cache/connection.h"

struct cache;

struct cache_settings {
    const char *name; /* seen in CLIENT LIST; outlives it */
    uint32_t connect_ms;
    uint32_t timeout_ms; /* one command; past it no write takes effect any more */
};

struct cache_events {
    bool (*on_server)(void *owner, struct cache_server *out, struct status *status);
    /* Calls go through (again): connected, and the breaker lets something through. */
    void (*on_ready)(void *owner);
    void (*on_lost)(void *owner, const char *why, bool is_refusal);
    void (*on_breaker)(void *owner, enum breaker_state state,
                       const char *why); /* NULL: not wanted */
};

struct cache *cache_new(struct loop *loop, const struct cache_settings *settings,
                        const struct cache_events *events, void *owner);
/* At once, not from its events; what is out gets no answer. Readers and writes of it go before. */
void cache_free(struct cache *cache);

bool cache_is_connected(const struct cache *cache);
/* When the present connection was ready (clock_now_ns): what was read before may be older than what a
 * Redis forgot that has been started again since. */
uint64_t cache_since_ns(const struct cache *cache);
bool cache_is_ready(const struct cache *cache); /* connected, and the breaker is closed */
bool cache_is_refused(
    const struct cache *cache); /* not connected, and waiting alone will not mend it */
enum breaker_state cache_breaker(const struct cache *cache);
const char *cache_fault(const struct cache *cache);  /* why not ready, in words; "" */
const char *cache_server(const struct cache *cache); /* without secrets, with its version */
uint64_t cache_reconnects(const struct cache *cache);

#endif
