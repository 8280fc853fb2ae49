/* SPDX-License-Identifier: Apache-2.0
 *
 * What these tests share: hosts that write to one Redis through a proxy, and the comparison of the cache
 * with the tables once all is quiet. */
#ifndef FAULTS_CACHE_GROUND_H
#define FAULTS_CACHE_GROUND_H

#include "pantry.h"
#include "support/dice.h"
#include "support/proxy.h"

#define GROUND_HOSTS_MOST 8

struct ground {
    struct pantry pantry;
    struct proxy *proxy; /* between the hosts and Redis */
    pid_t others[GROUND_HOSTS_MOST];
    unsigned n_others; /* hosts beside the play's own */
    pid_t publisher;
};

bool ground_is_full(void); /* WARRENER_FAULTS=full */

/* With tables, and the play's host ready. False: passed over. */
bool ground_open(struct ground *ground, const char *name, const char *policy, const char *consumer);
void ground_add_hosts(struct ground *ground, unsigned n);
/* Ends all hosts, which finish what they have; then nothing is left in the queue. */
void ground_end_hosts(struct ground *ground);
void ground_close(struct ground *ground);

/* The process that works, not its supervisor: 0 is the play's own. */
pid_t ground_host(const struct ground *ground, unsigned nth);

/* Messages of a file named "messages", which is the caller's to write, at so many a second. */
void ground_publish(struct ground *ground, unsigned rate);
bool ground_is_publishing(struct ground *ground);

/* How many rows of the table have an entry that is not theirs, and *absent: how many have none. */
unsigned ground_compare(struct ground *ground, const char *table, const char *value,
                        unsigned *absent);

#endif
