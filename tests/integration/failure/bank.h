/* SPDX-License-Identifier: Apache-2.0
 *
 * A play whose handler is `teller`, with a database of its own, where what it tells is kept. */
#ifndef FAILURE_BANK_H
#define FAILURE_BANK_H

#include "support/play.h"
#include "support/postgres.h"

struct bank {
    struct play play;
    struct postgres db;
    char out[120]; /* the queue that is told of what is done */
};

/* `consumer`: more keys of it. The table `told (id, n)` is there and empty; the host is not started,
 * and may die. False: there is no database, or no broker. */
bool bank_open(struct bank *bank, const char *name, const char *consumer);
void bank_close(struct bank *bank);

unsigned long bank_ask(const struct bank *bank, const char *text); /* the number it answers, or 0 */

#endif
