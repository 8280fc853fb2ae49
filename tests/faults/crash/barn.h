/* SPDX-License-Identifier: Apache-2.0
 *
 * Hosts that share a queue and a table, and messages among which some are fatal. */
#ifndef FAULTS_CRASH_BARN_H
#define FAULTS_CRASH_BARN_H

#include <libpq-fe.h>

#include "support/play.h"

#define BARN_HOSTS 2

struct barn {
    struct play plays[BARN_HOSTS]; /* one queue */
    unsigned hosts;
    PGconn *sql;
    char table[64];
    char gate[200]; /* of the bad messages, set before they are sent; "": none */
    uint32_t sent, bad;
    uint64_t began_ms;
};

bool barn_is_full_form(void); /* WARRENER_FAULTS=full */

/* A queue and an empty table; the hosts are configured and not started. `top` as in a play's setup.
 * False: passed over. */
bool barn_open(struct barn *barn, const char *name, unsigned hosts, const char *top,
               const char *consumer);
/* n messages m0 …, and `bad` ones evenly among them that ask for `way`: bad0 … */
void barn_send(struct barn *barn, uint32_t n, uint32_t bad, const char *way);
void barn_start(struct barn *barn);
/* Waits until all is settled. Each good message is in the table once, each bad one in the dead queue
 * and nothing else there, for `reason`; no host died more than twice for each bad message. Ends the hosts. */
void barn_prove(struct barn *barn, const char *reason);
void barn_close(struct barn *barn);

unsigned barn_deaths(const struct barn *barn, unsigned host); /* so far, by its log */
bool barn_is_in_order(struct barn *barn);                     /* each key's rows */
long barn_count(struct barn *barn, const char *what);         /* of the table */

#endif
