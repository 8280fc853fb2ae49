/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection to a Redis that keeps itself: it connects, greets, says why it was lost, and comes
 * back with backoff, for ever. Commands are pipelined and answered in order, each within a deadline of
 * ours: past it the connection is given up. What was out when it was lost is answered too: nobody knows
 * what became of it. */
#ifndef CACHE_CONNECTION_H
#define CACHE_CONNECTION_H

#include "base/status.h"
#include "cache/greeting.h"
#include "net/loop.h"
#include "net/tls.h"

struct cache_connection;

/* Where and as whom; filled by the owner before each try, so that secrets rotate. Texts are copied or
 * done with before the call returns to the loop, but for those the owner keeps until on_ready or
 * on_lost: user and password. */
struct cache_server {
    const char *host;
    uint16_t port;
    const char *user, *password; /* NULL: none */
    unsigned database;
    bool use_tls;
    struct tls_settings tls;
    const char *shown; /* the URL without its secrets, for logs */
};

struct cache_connection_settings {
    const char *name;    /* seen in CLIENT LIST; outlives it */
    uint32_t connect_ms; /* resolving, connecting, TLS and the greeting, each try */
    uint32_t timeout_ms; /* each command, from being given to its answer */
};

struct cache_connection_events {
    bool (*on_server)(void *owner, struct cache_server *out, struct status *status);
    void (*on_ready)(void *owner);
    /* Was ready and is no more, or a try failed, in words with the server. What was out has been
     * answered before. `is_refusal`: waiting alone will not mend it, though it is tried again. */
    void (*on_lost)(void *owner, const char *why, bool is_refusal);
    void (*on_room)(void *owner); /* cache_connection_has_room again */
};

struct cache_connection *cache_connection_new(struct loop *loop,
                                              const struct cache_connection_settings *settings,
                                              const struct cache_connection_events *events,
                                              void *owner);
/* At once, no farewell, and no answer to what is out. Not from its callbacks. */
void cache_connection_free(struct cache_connection *connection);

bool cache_connection_is_ready(const struct cache_connection *connection);
bool cache_connection_has_room(
    const struct cache_connection *connection); /* ready, and not choked */
/* "redis://h:6379/0, Redis 7.0.15" once it was ready. */
const char *cache_connection_server(const struct cache_connection *connection);
uint64_t cache_connection_reconnects(const struct cache_connection *connection);

/* The name a script is called by. */
struct wr_text cache_connection_script(const struct cache_connection *connection,
                                       enum cache_script script);
/* Redis has forgotten them: they are loaded again, before whatever is sent from now on. */
void cache_connection_load_scripts(struct cache_connection *connection);
/* Our moment on the server's clock, in ms. */
int64_t cache_connection_time_ms(const struct cache_connection *connection, uint64_t own_us);

/* Only while it is ready. Exactly one answer, never from inside; `reply` NULL: the connection went, in
 * words, and whether the command was done is not known. The reply is borrowed for the call. */
typedef void cache_on_reply(void *owner, const struct resp_value *reply, const char *why);
void cache_connection_send(struct cache_connection *connection, const struct resp_command *command,
                           cache_on_reply *on_reply, void *owner);

/* It leads to a server that will not do: gives it up, from within an answer too. */
void cache_connection_drop(struct cache_connection *connection, const char *why, bool is_refusal);

#endif
