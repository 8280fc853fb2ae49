/* SPDX-License-Identifier: Apache-2.0
 *
 * A circuit breaker: after a few failures in a row it opens and nothing is sent for a while; then one
 * call goes through as a probe, which closes it or opens it for longer. Pure: it is told the time. */
#ifndef CACHE_BREAKER_H
#define CACHE_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

#define BREAKER_FAILURES 5
#define BREAKER_FIRST_MS 1000
#define BREAKER_MOST_MS 30000

enum breaker_state { BREAKER_CLOSED, BREAKER_OPEN, BREAKER_HALF_OPEN };

struct breaker { /* zeroed: closed */
    enum breaker_state state;
    unsigned failures; /* in a row */
    uint32_t rest_ms;  /* of the last opening */
    uint64_t until_ms; /* OPEN: when a probe may go */
};

/* Whether a call may go now. In OPEN, once its time has come, the one that may is the probe: then the
 * breaker is HALF_OPEN, and lets nothing else through until that is noted. */
bool breaker_lets(struct breaker *breaker, uint64_t now_ms);
/* How a call that was let through ended. True: the state is another one now. */
bool breaker_note(struct breaker *breaker, bool is_well, uint64_t now_ms);
/* A new connection: what failed on the last one says little about it. The next call is a probe. */
void breaker_renew(struct breaker *breaker, uint64_t now_ms);
const char *breaker_state_name(enum breaker_state state); /* "half-open" */

#endif
