/* SPDX-License-Identifier: Apache-2.0
 *
 * A loop with a cache of our own on it, and a Redis behind it. All waiting is for a condition, up to a
 * deadline. */
#ifndef INTEGRATION_CACHE_STAGE_H
#define INTEGRATION_CACHE_STAGE_H

#include <criterion/criterion.h>
#include <signal.h>

#include "cache/cache.h"
#include "cache/reader.h"
#include "cache/write.h"
#include "support/redis.h"

#define STAGE_PATIENCE_MS 30000
#define STAGE_LONG_MS 15000   /* what a slow machine keeps: to connect, and of one command */
#define STAGE_TIMEOUT_MS 1000 /* of one command, for those that stop Redis */

struct stage {
    struct loop *loop;
    struct timer tick;
    struct redis redis;
    bool is_own;     /* started by the test */
    char prefix[32]; /* of all keys of the test */
    struct cache_server server;
    uint32_t connect_ms, timeout_ms; /* STAGE_LONG_MS, unless changed before it connects */
    struct cache *cache;
    unsigned readies, losses, breaks;
    bool is_refusal;
    enum breaker_state breaker;
    char why[800];
};

/* At REDIS_URL; false: there is none, as is said on stderr. */
bool stage_open(struct stage *stage);
/* With a Redis of its own, started with these words; false as well where there is no REDIS_URL. */
bool stage_open_own(struct stage *stage, const char *const *options);
/* The cache connects. Before it, stage->server may be changed. */
void stage_connect(struct stage *stage);
void stage_close(struct stage *stage);
void stage_turn(struct stage *stage); /* of the loop, 10 ms at most */
uint64_t stage_now_ms(void);

#define WAIT_ON(stage, condition)                                                                  \
    do {                                                                                           \
        const uint64_t wait_deadline_ms = stage_now_ms() + STAGE_PATIENCE_MS;                      \
        while (!(condition)) {                                                                     \
            cr_assert(stage_now_ms() < wait_deadline_ms, "did not come: " #condition);             \
            stage_turn(stage);                                                                     \
        }                                                                                          \
    } while (0)

/* A write and its answer. */
struct note {
    bool is_there;
    size_t n;
    unsigned char outcomes[4096];
    char why[500];
};
void note_write(struct stage *stage, struct note *note, const struct cache_entry *entries,
                size_t n);
/* The outcome of one entry; what is not there in time fails. */
enum cache_outcome stage_put(struct stage *stage, enum cache_op op, const char *key,
                             uint64_t version, const char *value, uint32_t ttl_s);
/* PREFIX:key, until the next but 63. */
const char *stage_key(const struct stage *stage, const char *key);
/* "VERSION VALUE", the version without its zeros; "VERSION -" for a tombstone, "-" for nothing. */
const char *stage_look(struct stage *stage, const char *key);

#endif
