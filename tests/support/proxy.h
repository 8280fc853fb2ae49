/* SPDX-License-Identifier: Apache-2.0
 *
 * A TCP proxy of our own between a host and its broker, in a thread of the test, with every way in
 * which a network fails. What it does applies to all connections through it, those that stand and
 * those to come. Nothing is ever lost or changed by it but by a cut. */
#ifndef SUPPORT_PROXY_H
#define SUPPORT_PROXY_H

#include <stdbool.h>
#include <stdint.h>

enum proxy_mode {
    PROXY_PASS,
    PROXY_BYTEWISE,       /* one byte at a time, each way */
    PROXY_SLOW,           /* 1 KB a second, each way */
    PROXY_DEAF_TO_BROKER, /* what the broker says does not arrive; what the host says does */
    PROXY_DEAF_TO_HOST,   /* the other way round */
    PROXY_DEAF,           /* both */
};

struct proxy;

/* What a hostile broker sends, a piece after each time the host has said something, and then: hangs
 * up, or stays and says no more. */
struct proxy_script {
    const char *name;
    struct piece {
        const char *at;
        uint32_t bytes;
    } pieces[4];
    bool hangs_up;
};

/* On a port of its own; `to` is the broker's. */
struct proxy *proxy_open(uint16_t to);
void proxy_close(struct proxy *proxy);
uint16_t proxy_port(const struct proxy *proxy);

void proxy_set(struct proxy *proxy, enum proxy_mode mode);
void proxy_cut_after(struct proxy *proxy, uint64_t bytes); /* from now, both ways together; once */
uint64_t proxy_bytes(const struct proxy *proxy);           /* that went through so far */
unsigned proxy_cuts(const struct proxy *proxy);
unsigned proxy_accepted(const struct proxy *proxy);

/* The next n connections meet these scripts, one each, and no broker. */
void proxy_play(struct proxy *proxy, const struct proxy_script *const *scripts, unsigned n);
unsigned proxy_scripts_left(const struct proxy *proxy);

#endif
