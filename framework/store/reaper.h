/* SPDX-License-Identifier: Apache-2.0
 *
 * Ends the backend of a transaction whose answer never came, from another connection, and says when
 * it is certain that it cannot commit any more: it is gone, or the server has been started again.
 * Being told to end is not enough: a backend in the midst of its commit finishes that first. */
#ifndef STORE_REAPER_H
#define STORE_REAPER_H

#include "store/transaction.h"

enum reaped {
    REAPED_GONE,    /* what it did, it has done */
    REAPED_ALIVE,   /* told to end, or that failed, in words; ask again */
    REAPED_REFUSED, /* as whom we connect now may not end it; ask again with `only_watches` */
    REAPED_LOST,    /* this connection went */
};

struct reaping;

/* Asks once, on a ready connection. One on_end, never from inside, after which the reaping has gone. */
struct reaping *reaping_start(struct store_connection *connection, const struct fence *fence,
                              bool only_watches, uint32_t timeout_ms,
                              void (*on_end)(void *owner, enum reaped reaped, const char *why),
                              void *owner);
void reaping_forget(struct reaping *reaping); /* once its connection has been freed */

#endif
