/* SPDX-License-Identifier: Apache-2.0
 *
 * Statements sent as one pipeline with one Sync, and their results read as they come. Without BEGIN
 * all of them are one implicit transaction: it commits at the Sync or leaves nothing. Statements are
 * prepared where they are first used; a name tells its statement's text, so that behind a pooler it
 * never means another's. Never waits for the socket. */
#ifndef STORE_EXCHANGE_H
#define STORE_EXCHANGE_H

#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "store/parcel.h"

#define EXCHANGE_VALUES_MOST 160

struct exchange {
    PGconn *conn;    /* non-blocking, in pipeline mode; borrowed */
    uint64_t *known; /* hashes of the names this connection has prepared */
    size_t n_known, known_room;
    const struct parcel_step *steps; /* borrowed from exchange_start to its end */
    size_t n_steps;
    uint32_t *commands; /* what was sent, in order: the step, twice where it is prepared first */
    size_t n_commands, commands_room;
    size_t at; /* the command whose results come next; n_commands: the Sync's */
    bool is_out;
};

void exchange_init(struct exchange *exchange, PGconn *conn);
void exchange_fini(struct exchange *exchange); /* harmless on a zeroed one */

/* Builds and sends everything; values are copied by libpq. Without `uses_names` every statement is
 * parsed each time. False: the connection is broken. Afterwards exchange_flush until it is done. */
bool exchange_start(struct exchange *exchange, const struct parcel_step *steps, size_t n,
                    bool uses_names);

enum exchange_flush { EXCHANGE_FLUSHED, EXCHANGE_WAITS, EXCHANGE_BROKEN };
enum exchange_flush exchange_flush(struct exchange *exchange);

/* Takes what has arrived. on_result gets every result, by step, failures included; those of statements
 * being prepared only where they failed; a failure at the Sync itself (a deferred constraint) has step
 * n. True once the Sync is answered: the exchange is over. */
bool exchange_read(struct exchange *exchange,
                   void (*on_result)(void *owner, size_t step, const PGresult *result),
                   void *owner);

#endif
