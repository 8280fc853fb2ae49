/* SPDX-License-Identifier: Apache-2.0
 *
 * What a dialogue about reading needs: a play, a database of the test's own, and where it is asked for a
 * Redis. */
#ifndef INTEGRATION_LOADS_LIBRARY_H
#define INTEGRATION_LOADS_LIBRARY_H

#include <libpq-fe.h>

#include "support/play.h"
#include "support/redis.h"

struct library {
    struct play play;
    struct redis redis; /* pid 0: there is none */
    PGconn *admin, *conn;
    char database[80], url[300], top[1000];
};

/* `handler` is a test plugin, `consumer` more keys of it; `has_redis`: reads go by way of a cache. False:
 * a server is missing; said on stderr. The host is not started. */
bool library_open(struct library *library, const char *name, bool has_redis);
void library_configure(struct library *library, const char *handler, const char *consumer);
void library_close(struct library *library);

/* The first value of the answer, until the next call. */
const char *library_ask(PGconn *conn, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
#define ASK(library, ...) library_ask((library)->conn, __VA_ARGS__)
#define IS(library, expected, ...) (strcmp(ASK(library, __VA_ARGS__), expected) == 0)

#define DONE(library)                                                                              \
    play_metric(&(library)->play, "warrener_messages_settled_total@,outcome=\"done\"}")
#define READS(library, outcome)                                                                    \
    play_metric(&(library)->play, "warrener_cache_reads_total@,outcome=\"" outcome "\"}")

#endif
