/* SPDX-License-Identifier: Apache-2.0
 *
 * A private Redis of one test, on a port of its own, that can be stopped, killed and started again; and
 * a second line to it, or to any other, for looking. It dies with the test. */
#ifndef SUPPORT_REDIS_H
#define SUPPORT_REDIS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "support/scratch.h"

struct redisContext;

struct redis {
    pid_t pid; /* 0: it does not run */
    uint16_t port;
    int hold;                /* keeps the port for it, also while it is down */
    bool is_tls;             /* its port speaks TLS: no second line */
    char dir[SCRATCH_BYTES]; /* its own */
    char password[64];       /* for the second line; "": none */
    const char *options[24]; /* what it was started with */
    struct redisContext *line;
};

/* Starts one: `options` are words of redis-server's command line and end with NULL. */
void redis_start(struct redis *redis, const char *const *options);
/* The same again, after it was killed; returns when it listens. */
void redis_again(struct redis *redis);
void redis_signal(struct redis *redis, int number);
void redis_kill(struct redis *redis); /* SIGKILL, and waits */
void redis_end(struct redis *redis);  /* kills it and removes its directory */

/* A line to the one at REDIS_URL; false: there is none. */
bool redis_look(struct redis *redis, const char *url);
void redis_look_away(struct redis *redis);

/* One command, as for redisCommand; the answer as text ("(nil)" for none), until the next but seven. */
const char *redis_ask(struct redis *redis, const char *format, ...);
long long redis_ask_number(struct redis *redis, const char *format, ...);

/* A port nobody listens on, nor will for as long as the test lives; but a Redis may. */
uint16_t redis_free_port(void);

#endif
