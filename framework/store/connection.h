/* SPDX-License-Identifier: Apache-2.0
 *
 * One connection to PostgreSQL that keeps itself: it finds addresses, connects, asks who is there,
 * says why it was lost, and comes back with backoff, for ever. It does one piece of work at a time,
 * each with a deadline: past it the connection is given up, for its answer could come any time. */
#ifndef STORE_CONNECTION_H
#define STORE_CONNECTION_H

#include <libpq-fe.h>

#include "net/loop.h"
#include "store/parcel.h"
#include "store/session.h"

struct store_connection_settings {
    const char *name;    /* application_name; borrowed */
    uint32_t connect_ms; /* a whole try, over all addresses */
    uint32_t timeout_ms; /* of work: what the server is asked to give up a silent peer after, too */
    bool allow_async_commit;
};

struct store_connection_events {
    bool (*on_server)(void *owner, const char **conninfo, struct status *status);
    void (*on_ready)(void *owner);
    /* Was ready and is no more, or a try failed. Work that was out has ended before. */
    void (*on_lost)(void *owner, const char *why, bool is_deployment);
    void *owner;
};

struct store_connection;
struct store_connection *store_connection_new(struct loop *loop,
                                              const struct store_connection_settings *settings,
                                              const struct store_connection_events *events);
void store_connection_free(struct store_connection *connection); /* not from inside its callbacks */

bool store_connection_is_ready(const struct store_connection *connection); /* and has no work */
bool store_connection_is_up(const struct store_connection *connection);    /* ready or at work */
const char *store_connection_server(const struct store_connection *connection); /* no secrets */
const struct session *store_connection_session(const struct store_connection *connection);
bool store_connection_uses_names(const struct store_connection *connection);

/* Prepared statements do not last here (a pooler is in between): from now on there are none. */
void store_connection_forget_names(struct store_connection *connection);
/* Gives up a ready connection and connects anew at once: it leads to the wrong server. */
void store_connection_renew(struct store_connection *connection, const char *why);

struct store_work {
    const struct parcel_step *steps; /* until on_end; one without a name is parsed each time */
    size_t n;
    uint32_t timeout_ms;
    /* See exchange_read; not told of anything but results and errors of the server. */
    void (*on_result)(void *owner, size_t step, const PGresult *result);
    /* Exactly one, never from inside store_connection_run, unless the connection is freed before. False:
     * the connection went, in words; whether the work was done is not known. */
    void (*on_end)(void *owner, bool is_answered, const char *why);
    void *owner;
};
/* Only while it is ready. */
void store_connection_run(struct store_connection *connection, const struct store_work *work);

#endif
