/* SPDX-License-Identifier: Apache-2.0
 *
 * How long what was read from a table may still be written to the cache: on the connection that stood when
 * it was read, and soon. Redis may have forgotten what came after it otherwise, since it was started
 * again, or since that has expired; then the old would be taken for the new. Pure. */
#ifndef CACHE_FRESHNESS_H
#define CACHE_FRESHNESS_H

#include <stdbool.h>
#include <stdint.h>

#define FRESHNESS_SHARE 4 /* of a ttl */
#define FRESHNESS_MOST_MS 15000

/* Of several values: the oldest of them, and the one that lasts shortest. */
struct freshness {
    uint64_t read_ns, most_ms;
};

#define FRESHNESS_INIT { UINT64_MAX, FRESHNESS_MOST_MS }

/* `read_ns`: none of it was read before; `ttl_s`: what it lives in the cache. */
static inline void freshness_add(struct freshness *fresh, uint64_t read_ns, uint32_t ttl_s)
{
    const uint64_t most_ms = ttl_s * UINT64_C(1000) / FRESHNESS_SHARE;
    if (read_ns < fresh->read_ns) fresh->read_ns = read_ns;
    if (most_ms < fresh->most_ms) fresh->most_ms = most_ms;
}

/* `since_ns`: the connection stands since then. */
static inline bool freshness_lasts(const struct freshness *fresh, uint64_t since_ns,
                                   uint64_t now_ns)
{
    return fresh->read_ns >= since_ns && now_ns - fresh->read_ns < fresh->most_ms * 1000000u;
}

#endif
