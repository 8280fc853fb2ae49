/* SPDX-License-Identifier: Apache-2.0
 *
 * The world of these tests: a play with a Redis of its own, and where one is wanted a database. */
#ifndef PANTRY_H
#define PANTRY_H

#include <libpq-fe.h>

#include "support/play.h"
#include "support/redis.h"

struct pantry {
    struct play play;
    struct redis redis;
    PGconn *admin, *conn; /* NULL: none is used */
    char database[64], url[300];
};

/* `redis`: more keys of that section, such as "on_failure: hold"; with `has_store` there is a database,
 * migrated. False: there are no servers to play with. */
bool open_pantry(struct pantry *pantry, const char *name, const char *handler, const char *redis,
                 bool has_store);
void close_pantry(struct pantry *pantry);

/* The first value of the first row, or "", until the next but seven. */
const char *sql(PGconn *conn, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define DONE(pantry)                                                                               \
    play_metric(&(pantry)->play, "warrener_messages_settled_total@,outcome=\"done\"}")

#endif
