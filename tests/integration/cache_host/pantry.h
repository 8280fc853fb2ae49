/* SPDX-License-Identifier: Apache-2.0
 *
 * The world of these tests: a play with a Redis of its own, and where one is wanted a database. */
#ifndef PANTRY_H
#define PANTRY_H

#include "support/play.h"
#include "support/postgres.h"
#include "support/redis.h"

struct pantry {
    struct play play;
    struct redis redis;
    struct postgres db;
};

/* `redis`: more keys of that section, such as "on_failure: hold", and a timeout where Redis is stopped: by
 * itself it is one that a slow machine keeps; with `has_store` there is a database,
 * migrated. False: there are no servers to play with. */
bool open_pantry(struct pantry *pantry, const char *name, const char *handler, const char *redis,
                 bool has_store);
void pantry_make_tables(struct pantry *pantry); /* those of the handler cupboard, empty */
void close_pantry(struct pantry *pantry);

#define DONE(pantry)                                                                               \
    play_metric(&(pantry)->play, "warrener_messages_settled_total@,outcome=\"done\"}")

#endif
