/* SPDX-License-Identifier: Apache-2.0
 *
 * What a dialogue about reading needs: a play, a database of the test's own, and where it is asked for a
 * Redis. */
#ifndef INTEGRATION_LOADS_LIBRARY_H
#define INTEGRATION_LOADS_LIBRARY_H

#include "support/play.h"
#include "support/postgres.h"
#include "support/redis.h"

struct library {
    struct play play;
    struct redis redis; /* pid 0: there is none */
    struct postgres db;
    char top[1000];
};

/* `handler` is a test plugin, `consumer` more keys of it; `has_redis`: reads go by way of a cache. False:
 * a server is missing; said on stderr. The host is not started. */
bool library_open(struct library *library, const char *name, bool has_redis);
void library_configure(struct library *library, const char *handler, const char *consumer);
void library_close(struct library *library);

#define ASK(library, ...) sql((library)->db.conn, __VA_ARGS__)
#define IS(library, expected, ...) (strcmp(ASK(library, __VA_ARGS__), expected) == 0)

#define DONE(library)                                                                              \
    play_metric(&(library)->play, "warrener_messages_settled_total@,outcome=\"done\"}")
#define READS(library, outcome)                                                                    \
    play_metric(&(library)->play, "warrener_cache_reads_total@,outcome=\"" outcome "\"}")

#endif
