/* SPDX-License-Identifier: Apache-2.0
 *
 * What the host tells the board: its beat and the loop's lag ten times a second, everything else four
 * times. */
#include <stdio.h>

#include "app/host_inside.h"
#include "app/supervisor.h"
#include "base/clock.h"

#define TICK_MS 100
#define REPORT_MS 250

static void set_tick(struct host *host)
{
    host->tick_due_ns = clock_now_ns() + TICK_MS * UINT64_C(1000000);
    timer_arm_ms(&host->tick, TICK_MS);
}

static void on_tick(void *own)
{
    struct host *host = own;
    const uint64_t now_ns = clock_now_ns();
    const uint64_t due_ns = host->tick_due_ns;
    histogram_note(host->loop_lag, now_ns > due_ns ? now_ns - due_ns : 0);
    pulse_beat(board_loop_pulse(host->board));
    set_tick(host);
}

static void tell_link(const struct link *link, struct board_server *server)
{
    const struct standing_names names = { "amqp", link->role,
                                          amqp_connection_server(link->connection) };
    standing_tell(&link->standing, &names, amqp_connection_reconnects(link->connection), server);
}

/* That there is nothing to publish on matters only while there is something to publish. */
static void tell_broker(struct host *host, struct board_snapshot *draft)
{
    const struct standing *consume = &host->consume.standing, *publish = &host->publish.standing;
    tell_link(&host->consume, &draft->servers[0]);
    tell_link(&host->publish, &draft->servers[1]);
    standing_metrics_tell(&host->broker, consume->is_ready && publish->is_ready,
                          draft->servers[0].reconnects + draft->servers[1].reconnects);
    char words[BOARD_WORDS_BYTES];
    if (!consume->is_ready) {
        snprintf(words, sizeof words, "amqp: not connected%s%s", *consume->last_error ? ": " : "",
                 consume->last_error);
        board_add_reason(draft, words);
    }
    const char *fault = outbox_fault(host->outbox);
    if (*fault) board_add_reason(draft, fault);
}

static void tell_depot(struct host *host, struct board_snapshot *draft)
{
    struct depot *depot = &host->depot;
    if (!depot->store) return;
    const struct standing_names names = { "postgres", "store", store_server(depot->store) };
    const uint64_t reconnects = store_reconnects(depot->store);
    standing_tell(&depot->standing, &names, reconnects, &draft->servers[2]);
    standing_metrics_tell(&depot->metrics, depot->standing.is_ready, reconnects);
    if (depot->standing.is_ready || !host->needs_store) return;
    char words[BOARD_WORDS_BYTES];
    snprintf(words, sizeof words, "postgres: %s%s",
             store_is_at_fault(depot->store) ? "not as declared: " : "not connected: ",
             depot->standing.last_error);
    board_add_reason(draft, words);
}

/* Under `degrade` work flows without it. */
static void tell_larder(struct host *host, struct board_snapshot *draft)
{
    struct larder *larder = &host->larder;
    char words[BOARD_WORDS_BYTES];
    draft->cache = (struct board_cache){ .is_there = larder->cache != NULL };
    if (!larder->cache) return;
    if (larder->repairer) draft->cache.repairs = repairer_count(larder->repairer);
    struct board_server *server = &draft->servers[host->depot.store ? 3 : 2];
    const struct standing_names names = { "redis", "cache", cache_server(larder->cache) };
    const uint64_t reconnects = cache_reconnects(larder->cache);
    standing_tell(&larder->standing, &names, reconnects, server);
    board_say(server->breaker, sizeof server->breaker,
              breaker_state_name(cache_breaker(larder->cache)));
    standing_metrics_tell(&larder->metrics, larder->standing.is_ready, reconnects);
    if (cache_is_ready(larder->cache)) return;
    if (larder->repairer) {
        const char *fault = repairer_fault(larder->repairer);
        if (!*fault) fault = store_fault(host->depot.store);
        if (!*fault) return;
        snprintf(words, sizeof words, "redis: away, and its repair is not recorded: %s", fault);
    } else {
        snprintf(words, sizeof words, "redis: %s: %s",
                 !larder->standing.is_ready ? "not connected" : "takes no entries",
                 cache_fault(larder->cache));
    }
    board_add_reason(draft, words);
}

static void tell_stages(const struct crew_view *view, uint32_t stages[BOARD_STAGES])
{
    uint32_t elsewhere = 0;
    stages[BOARD_HANDLING] = view->handling;
    stages[BOARD_HELD] = view->held;
    stages[BOARD_STAGED] = view->staged;
    stages[BOARD_STORING] = view->storing;
    stages[BOARD_CACHING] = view->caching;
    stages[BOARD_SENDING] = view->sending;
    stages[BOARD_ACKING] = view->acking;
    for (int i = BOARD_HANDLING; i < BOARD_ACKING; i++) elsewhere += stages[i];
    stages[BOARD_WAITING] = view->in_flight > elsewhere ? view->in_flight - elsewhere : 0;
}

static void tell_depths(const struct post_depths *depths, struct board_consumer *out)
{
    out->ready = depths->at[DEPTH_OWN].ready;
    out->dead_ready = depths->at[DEPTH_DEAD].ready;
    out->retry_ready = depths_retry_ready(depths);
    out->counted_unix_us = depths->at[DEPTH_OWN].at_unix_us;
}

static void tell_cache(const struct crew_view *view, struct board_cache *cache)
{
    cache->hits += view->cache_hits;
    cache->misses += view->cache_misses;
    cache->absents += view->cache_absents;
    cache->stored += view->cache_stored;
    cache->stale += view->cache_stale;
    cache->failed += view->cache_failed;
    cache->pending += view->caching;
}

static void tell_consumer(struct host *host, const struct post *post, struct board_snapshot *draft,
                          struct board_consumer *out)
{
    struct crew_view view;
    crew_attend(post->crew);
    crew_look(post->crew, &view);
    tell_cache(&view, &draft->cache);
    out->prefetch = view.prefetch;
    out->in_flight = view.in_flight;
    out->bytes_in_flight = view.bytes_in_flight;
    out->received = view.received;
    out->done = view.done;
    out->retried = view.retried;
    out->dead = view.dead;
    const bool flows = view.is_subscribed && !*view.paused_by;
    if (flows != (out->subscribed && !out->paused) || !out->since_unix_us)
        out->since_unix_us = clock_unix_us();
    out->subscribed = view.is_subscribed;
    out->paused = *view.paused_by;
    tell_stages(&view, out->stages);
    tell_depths(&host->depths.posts[post - host->posts], out);
    board_say(out->breaker, sizeof out->breaker, view.breaker);
    board_say(out->why, sizeof out->why, view.paused_by);
    board_say(out->last_error, sizeof out->last_error, view.last_error);
    for (uint32_t i = 0; i < out->n_lanes; i++)
        out->lanes[i].handled = crew_lane_handled(post->crew, i);
    char words[BOARD_WORDS_BYTES];
    if (*view.stuck_by) {
        snprintf(words, sizeof words, "queue %s: PostgreSQL commits nothing: %s",
                 post->consumer->queue, view.stuck_by);
        board_add_reason(draft, words);
    }
    if (*view.unread) {
        snprintf(words, sizeof words, "queue %s: keys are not loaded: %s", post->consumer->queue,
                 view.unread);
        board_add_reason(draft, words);
    }
    if (view.is_held_up) {
        snprintf(words, sizeof words, "queue %s: paused: %s", post->consumer->queue,
                 view.paused_by);
        board_add_reason(draft, words);
    }
    if (view.is_subscribed || !host->consume.standing.is_ready) return;
    if (*view.paused_by) /* what follows the colon stands in a line of its own */
        snprintf(words, sizeof words, "queue %s: not consuming: paused for %.*s",
                 post->consumer->queue, (int)strcspn(view.paused_by, ":"), view.paused_by);
    else
        snprintf(words, sizeof words, "queue %s: not consuming%s%s", post->consumer->queue,
                 *view.fault ? ": " : "", view.fault);
    board_add_reason(draft, words);
}

static void on_report(void *own)
{
    struct host *host = own;
    struct board_snapshot *draft = board_draft(host->board);
    draft->n_reasons = 0;
    tell_broker(host, draft);
    tell_depot(host, draft);
    tell_larder(host, draft);
    for (size_t i = 0; i < host->n_posts; i++)
        tell_consumer(host, &host->posts[i], draft, &draft->consumers[i]);
    board_publish(host->board);
    watchdog_look(host);
    timer_arm_ms(&host->report, REPORT_MS);
}

/* By its supervisor's record, which may be a file: nothing in it is trusted to be in bounds. */
static void tell_deaths(const struct crash_record *record, struct board_snapshot *draft)
{
    const bool is_known = record->last_why < CRASH_WHY_COUNT;
    for (int i = 0; i < CRASH_WHY_COUNT; i++) draft->restarts += record->restarts[i];
    if (!draft->restarts) return;
    board_say(draft->last_death, sizeof draft->last_death, record->last_words);
    draft->last_death_unix_us = record->last_s * 1000000;
    board_say(draft->last_death_by, sizeof draft->last_death_by,
              is_known ? crash_why_name((enum crash_why)record->last_why) : "");
    board_say(draft->last_death_consumer, sizeof draft->last_death_consumer, record->last_consumer);
    board_say(draft->last_death_message, sizeof draft->last_death_message, record->last_id);
}

/* What does not change. */
static void introduce(struct host *host)
{
    struct board_snapshot *draft = board_draft(host->board);
    board_say(draft->version, sizeof draft->version, WARRENER_VERSION);
    board_say(draft->name, sizeof draft->name, host->config->name);
    draft->started_unix_us = clock_unix_us();
    draft->started_ms = clock_now_ms();
    tell_deaths(host->self->record, draft);
    for (size_t i = 0; i < host->n_posts; i++) {
        const struct post *post = &host->posts[i];
        const struct wr_handler *handler = plugin_handler(post->plugin);
        struct board_consumer *out = &draft->consumers[i];
        board_say(out->queue, sizeof out->queue, post->consumer->queue);
        board_say(out->name, sizeof out->name, post->consumer->name);
        board_say(out->handler, sizeof out->handler, handler->name);
        board_say(out->handler_version, sizeof out->handler_version,
                  handler->version ? handler->version : "");
        const uint32_t number = crash_record_consumer(host->self->record, out->name);
        out->crashes = host->self->record->consumers[number].crashes;
        if (*out->name && !strcmp(out->name, draft->last_death_consumer))
            board_say(draft->last_death_handler, sizeof draft->last_death_handler, out->handler);
    }
}

void report_start(struct host *host)
{
    host->loop_lag = metrics_histogram(host->metrics, METRIC_LOOP_LAG_SECONDS, NULL);
    standing_metrics_init(&host->broker, host->metrics, "amqp");
    timer_init(&host->tick, host->loop, on_tick, host);
    timer_init(&host->report, host->loop, on_report, host);
    introduce(host);
    set_tick(host);
    timer_arm_ms(&host->report, 0);
}

void report_stop(struct host *host)
{
    timer_fini(&host->tick);
    timer_fini(&host->report);
}
