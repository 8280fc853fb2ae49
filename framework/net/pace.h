/* SPDX-License-Identifier: Apache-2.0
 *
 * When a wire rests between reads. System calls, not parsing, are what a busy reader spends: it does
 * better to let the socket fill for a few milliseconds than to keep pace with the peer in small
 * pieces. Pure; time is handed in.
 *
 * The rule: a stream is busy that brought PACE_BUSY_BYTES within the length of one rest, in however
 * many pieces. Slower ones never rest, so that a lone message is read when it comes. Where the reader
 * has plenty in hand anyway, a busy stream may wait for longer. */
#ifndef NET_PACE_H
#define NET_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PACE_BUSY_BYTES (16u * 1024u)
#define PACE_LONG_RESTS 8

struct pace {
    uint32_t rest_us;  /* 0: never rests */
    uint64_t since_us; /* when counting began */
    size_t bytes;      /* read since */
    bool has_plenty;
    uint64_t rested_us; /* when the last rest began */
};

/* After a drain that read `bytes`: how long to leave the socket alone; 0: wait for it as usual. */
uint32_t pace_rest_us(struct pace *pace, uint64_t now_us, size_t bytes);

/* It has no plenty any more: what is left of the rest, as if there had been one usual rest after another. */
uint32_t pace_left_us(const struct pace *pace, uint64_t now_us);

#endif
