/* SPDX-License-Identifier: Apache-2.0
 *
 * A reader of one key, in a thread of its own, through every restart of Redis: it holds every answer
 * against the newest it has seen. */
#ifndef FAULTS_CACHE_POLLER_H
#define FAULTS_CACHE_POLLER_H

#include <stdint.h>

struct poller;

struct poller *poller_start(uint16_t port, const char *key);

struct poll_report {
    unsigned long asked, found, absent, away; /* away: Redis did not answer */
    unsigned long back; /* a version or a value below one that was seen before: never */
    char worst[160];
};
struct poll_report poller_end(struct poller *poller);

#endif
