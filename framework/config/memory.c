/* SPDX-License-Identifier: Apache-2.0
 *
 * Shares of memory, and the prefetch that follows; see memory.h and config.h. */
#include "config/memory.h"

#define WITH_SINKS_LEAST 1000
#define PER_LANE 50

int64_t memory_in_hand(const struct config_consumer *consumer)
{
    return consumer->prefetch * consumer->max_message_bytes;
}

struct memory_shares memory_share(const struct config *config)
{
    struct memory_shares shares = { 0, 0 };
    int64_t on_auto = 0;
    for (size_t i = 0; i < config->consumers.n; i++) {
        const struct config_consumer *consumer = &config->consumers.at[i];
        if (!consumer->enabled) continue;
        shares.fixed_bytes += memory_in_hand(consumer);
        on_auto += consumer->prefetch == 0;
    }
    if (on_auto && config->memory_bytes > shares.fixed_bytes)
        shares.each_bytes = (config->memory_bytes - shares.fixed_bytes) / on_auto;
    return shares;
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

uint32_t config_prefetch(const struct config *config, const struct config_consumer *consumer,
                         bool has_sinks)
{
    if (consumer->prefetch) return (uint32_t)consumer->prefetch;
    int64_t wanted = PER_LANE * consumer->lanes;
    if (has_sinks)
        wanted =
            larger(WITH_SINKS_LEAST, consumer->batch.rows * (2 * config->postgres.connections + 2));
    int64_t fitting = memory_share(config).each_bytes / larger(1, consumer->max_message_bytes);
    return (uint32_t)larger(1, smaller(CONFIG_PREFETCH_MAX, smaller(wanted, fitting)));
}
