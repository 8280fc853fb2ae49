/* SPDX-License-Identifier: Apache-2.0
 *
 * The steps of one parcel, committed on one connection in one round trip: what became of them, and,
 * where that is not known, how to tell the backend that may yet commit them. */
#ifndef STORE_TRANSACTION_H
#define STORE_TRANSACTION_H

#include "store/connection.h"
#include "store/store.h"

/* The backend that has, or may come to have, the transaction. Directly: a pid and its beginning. Behind
 * a pooler nobody knows which one gets it, or when: so the transaction marks its backend while it
 * runs, and refuses to begin after a certain time by the server's own clock. */
struct fence {
    struct session session;
    char mark[40];        /* pooled: the application_name meanwhile */
    char begin_by_us[24]; /* pooled: of the server's clock, since 1970 */
};

struct transaction;

/* One on_end, never from inside, after which the transaction has gone. The answer's result is UNKNOWN
 * where `fence` is still to be asked. */
struct transaction *transaction_start(struct store_connection *connection,
                                      const struct parcel_step *steps, size_t n,
                                      uint32_t timeout_ms,
                                      void (*on_end)(void *owner, const struct store_answer *answer,
                                                     const struct fence *fence),
                                      void *owner);
/* Frees it without an answer, once its connection has been freed. */
void transaction_forget(struct transaction *transaction);

#endif
