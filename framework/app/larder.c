/* SPDX-License-Identifier: Apache-2.0
 *
 * A host's cache: where to connect, and what is told when it comes and goes. Under `on_failure: degrade`
 * what it does not take is recorded in the database, where the host has one. */
#include <stdio.h>
#include <string.h>

#include "app/host_inside.h"
#include "app/redis_server.h"
#include "base/log.h"

#define CONNECT_MS 10000

static bool on_server(void *own, struct cache_server *out, struct status *status)
{
    struct larder *larder = own;
    return redis_server_find(larder->host->config, &larder->server, larder->shown, out, status);
}

static void note_state(struct larder *larder, bool is_ready, const char *why)
{
    standing_note(&larder->standing, is_ready);
    standing_blame(&larder->standing, why);
    explicit_bzero(&larder->server, sizeof larder->server);
}

static void on_ready(void *own)
{
    struct larder *larder = own;
    note_state(larder, true, "");
    log_info("cache", "connected", LOG_TEXT(SERVER, cache_server(larder->cache)));
    if (larder->repairer) repairer_look(larder->repairer);
}

static void on_lost(void *own, const char *why, bool is_refusal)
{
    struct larder *larder = own;
    note_state(larder, false, why);
    log_warn("cache",
             is_refusal ? "Redis does not take us; trying again" : "not connected; trying again",
             LOG_TEXT(SERVER, cache_server(larder->cache)), LOG_TEXT(REASON, why));
}

static void on_breaker(void *own, enum breaker_state state, const char *why)
{
    struct larder *larder = own;
    if (state == BREAKER_CLOSED) {
        log_info("cache", "Redis takes entries again",
                 LOG_TEXT(SERVER, cache_server(larder->cache)));
        standing_blame(&larder->standing, "");
        if (larder->repairer) repairer_look(larder->repairer);
    } else if (state == BREAKER_OPEN) {
        char words[sizeof larder->standing.last_error];
        snprintf(words, sizeof words, "breaker open: %s", why);
        standing_blame(&larder->standing, words);
        log_warn("cache", "the breaker opens: nothing is sent for a while",
                 LOG_TEXT(SERVER, cache_server(larder->cache)), LOG_TEXT(REASON, why));
    }
}

bool larder_needs_store(const struct config *config)
{
    return config->redis.is_given && config->redis.on_failure == CONFIG_DEGRADE &&
           config->postgres.is_given;
}

void larder_open(struct larder *larder, struct host *host)
{
    static const struct cache_events events = {
        .on_server = on_server, .on_ready = on_ready, .on_lost = on_lost, .on_breaker = on_breaker
    };
    const struct config *config = host->config;
    const struct cache_settings settings = {
        .name = config->name,
        .connect_ms = CONNECT_MS,
        .timeout_ms = (uint32_t)config->redis.timeout_ms,
    };
    *larder = (struct larder){ .host = host };
    standing_metrics_init(&larder->metrics, host->metrics, "redis");
    (void)metrics_gauge(host->metrics, METRIC_CACHE_REPAIR_PENDING, NULL); /* also where none is */
    larder->cache = cache_new(host->loop, &settings, &events, larder);
    if (config->redis.on_failure == CONFIG_HOLD) return;
    if (host->depot.store)
        larder->repairer =
            repairer_new(host->loop, host->depot.store, larder->cache, host->metrics);
    else
        log_warn("cache", "redis.on_failure is degrade, which records in the database what Redis "
                          "does not take; without `postgres` messages are held instead");
}

void larder_close(struct larder *larder)
{
    repairer_free(larder->repairer);
    cache_free(larder->cache);
    larder->repairer = NULL;
    larder->cache = NULL;
    explicit_bzero(&larder->server, sizeof larder->server);
}
