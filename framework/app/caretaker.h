/* SPDX-License-Identifier: Apache-2.0
 *
 * Looks after the inbox where a handler's sinks need one: now and then the database makes the
 * partitions of the days to come and drops those past `inbox.keep`. Every host asks; one does it. */
#ifndef APP_CARETAKER_H
#define APP_CARETAKER_H

#include "app/handlers.h"
#include "net/loop.h"
#include "store/query.h"

struct caretaker {
    struct store *store; /* NULL: no sink is `once` */
    struct query query;
    struct timer timer;
    char sql[64];
};

void caretaker_start(struct caretaker *caretaker, struct loop *loop, struct store *store,
                     const struct config *config, const struct handlers *handlers);
void caretaker_stop(struct caretaker *caretaker); /* before the store is freed */

#endif
