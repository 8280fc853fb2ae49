/* SPDX-License-Identifier: Apache-2.0
 *
 * Boot and end; see host.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app/host_inside.h"
#include "app/supervisor.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/log_kept.h"

#define LANES_END_MS 2000 /* for handlers to come back once all is closed */

static char *join(const char *left, const char *between, const char *right)
{
    const size_t bytes = strlen(left) + strlen(between) + strlen(right) + 1;
    char *joined = memory_new(bytes, 1);
    snprintf(joined, bytes, "%s%s%s", left, between, right);
    return joined;
}

static char *name_handler(const struct plugin *plugin)
{
    const struct wr_handler *handler = plugin_handler(plugin);
    return handler->version ? join(handler->name, "/", handler->version)
                            : memory_copy_text(handler->name);
}

static void open_board(struct host *host, const struct handlers *handlers)
{
    struct board_consumer_plan *plans = memory_new(handlers->n + 1, sizeof *plans);
    for (size_t i = 0; i < handlers->n; i++)
        plans[i] = (struct board_consumer_plan){
            .lanes = (uint32_t)handlers->at[i].consumer->lanes,
            .timeout_ms = (uint64_t)handlers->at[i].consumer->timeout_ms,
        };
    host->needs_store = handlers_need_store(handlers);
    const bool has_store = host->needs_store || larder_needs_store(host->config);
    host->board =
        board_new(&(struct board_plan){ .n_servers = 2u + has_store + host->config->redis.is_given,
                                        .n_consumers = handlers->n,
                                        .consumers = plans });
    free(plans);
}

static struct retry_policy retry_of(const struct config_consumer *consumer,
                                    const struct topology_lists *lists)
{
    return (struct retry_policy){ .delays_ms = lists->delays_ms,
                                  .n_delays = (unsigned)consumer->retry.delays.n,
                                  .attempts = (uint32_t)consumer->retry.attempts };
}

static struct valve_policy valve_of(const struct config_consumer *consumer)
{
    if (!consumer->breaker.is_on) return (struct valve_policy){ 0 };
    return (struct valve_policy){ .share_percent = (uint32_t)consumer->breaker.share_percent,
                                  .of = (uint32_t)consumer->breaker.of,
                                  .rest_ms = (uint32_t)consumer->breaker.rest_ms };
}

static struct order_by order_of(const struct config_consumer *consumer)
{
    static const enum order_kind kinds[] = {
        [CONFIG_ORDER_NONE] = ORDER_NONE,
        [CONFIG_ORDER_ROUTING_KEY] = ORDER_ROUTING_KEY,
        [CONFIG_ORDER_HEADER] = ORDER_HEADER,
        [CONFIG_ORDER_JSON] = ORDER_JSON,
    };
    return (struct order_by){ kinds[consumer->order_by.kind], consumer->order_by.field };
}

/* What the supervisor has counted in lives before this one. */
static void tell_crashes(struct host *host)
{
    const struct crash_record *record = host->self->record;
    for (int why = 0; why < CRASH_WHY_COUNT; why++) {
        const char *const labels[] = { crash_why_name((enum crash_why)why) };
        counter_add(metrics_counter(host->metrics, METRIC_HOST_RESTARTS, labels),
                    record->restarts[why]);
    }
}

static bool start_post(struct host *host, size_t i, const struct handler_in_use *use,
                       struct status *status)
{
    struct post *post = &host->posts[i];
    const struct config_consumer *consumer = use->consumer;
    const uint32_t prefetch = config_prefetch(host->config, consumer, use->n_sinks > 0);
    *post = (struct post){ .consumer = consumer, .plugin = use->plugin };
    post->tag = join(host->config->name, ".", consumer->queue);
    post->handler = name_handler(use->plugin);
    post->topology = topology_of(consumer, &post->lists);
    post->pulses = memory_new((size_t)consumer->lanes, sizeof *post->pulses);
    post->notes = memory_new((size_t)consumer->lanes, sizeof *post->notes);
    const uint32_t number = crash_record_consumer(host->self->record, consumer->name);
    counter_add(
        metrics_counter(host->metrics, METRIC_HANDLER_CRASHES, (const char *[]){ consumer->name }),
        host->self->record->consumers[number].crashes);
    for (size_t lane = 0; lane < (size_t)consumer->lanes; lane++) {
        post->pulses[lane] = board_lane_pulse(host->board, i, lane);
        post->notes[lane] = crash_record_note(host->self->record, number);
    }
    const struct crew_settings settings = {
        .name = consumer->name,
        .tag = post->tag,
        .topology = post->topology,
        .prefetch = prefetch,
        .max_message_bytes = (uint64_t)consumer->max_message_bytes,
        .lanes = (unsigned)consumer->lanes,
        .pulses = post->pulses,
        .notes = post->notes,
        .batch = batch_policy_for((uint32_t)consumer->batch.rows, (uint32_t)consumer->batch.wait_ms,
                                  prefetch),
        .order = order_of(consumer),
        .retry = retry_of(consumer, &post->lists),
        .valve = valve_of(consumer),
        .timeout_ms = (uint32_t)consumer->timeout_ms,
        .plugin = use->plugin,
        .options = use->options,
        .handler = post->handler,
        .tracer = telemetry_tracer(host->telemetry),
        .alone = host->alone,
        .outbox = host->outbox,
        .store = handler_needs_store(use) ? host->depot.store : NULL,
        .sinks = use->sinks,
        .n_sinks = use->n_sinks,
        .loaders = use->loaders,
        .n_loaders = use->n_loaders,
        .reader = host->reader,
        .cache = host->larder.cache,
        .repairer = host->larder.repairer,
        .metrics = host->metrics,
    };
    post->crew = crew_new(host->loop, &settings, status);
    return post->crew != NULL;
}

static void free_post(struct post *post)
{
    topology_lists_free(&post->lists);
    free(post->tag);
    free(post->handler);
    free(post->pulses);
    free(post->notes);
}

/* A port of 0 is any free one: then the one that was taken is told. */
static void name_listen(struct host *host, uint16_t port)
{
    const char *address = host->config->http.listen.host;
    const bool is_ipv6 = strchr(address, ':') != NULL;
    snprintf(host->listen, sizeof host->listen, "%s%s%s:%u", is_ipv6 ? "[" : "", address,
             is_ipv6 ? "]" : "", port);
}

static bool start(struct host *host, const struct handlers *handlers, struct status *status)
{
    if (!(host->loop = loop_new()))
        return status_fail(status, EXIT_INTERNAL, "the system gives no event loop");
    host->telemetry = telemetry_open(host->metrics);
    host->alone = alone_new(host->loop, host->self->record);
    host->outbox = outbox_new(host->loop, host->config->name, host->metrics);
    name_listen(host, host->config->http.listen.port);
    host->site = site_open(host->listen, host->board, host->metrics, status);
    if (!host->site) return false;
    name_listen(host, site_port(host->site));
    if (host->needs_store || larder_needs_store(host->config)) depot_open(&host->depot, host);
    if (host->config->redis.is_given) larder_open(&host->larder, host);
    host->reader = cache_reader_new(host->loop, host->larder.cache);
    for (; host->n_posts < handlers->n; host->n_posts++)
        if (!start_post(host, host->n_posts, &handlers->at[host->n_posts], status)) {
            free_post(&host->posts[host->n_posts]);
            return false;
        }
    depths_init(&host->depths, host->metrics, host->posts, host->n_posts);
    caretaker_start(&host->caretaker, host->loop, host->depot.store, host->config, handlers);
    return true;
}

struct host *host_new(const struct config *config, const struct handlers *handlers,
                      struct supervised *self, struct status *status)
{
    struct host *host = NEW(struct host);
    host->config = config;
    host->self = self;
    host->metrics = metrics_new();
    host->posts = memory_new(handlers->n + 1, sizeof *host->posts);
    open_board(host, handlers);
    tell_crashes(host);
    link_init(&host->consume, host, "consume");
    link_init(&host->publish, host, "publish");
    if (start(host, handlers, status)) return host;
    CHECK(host_close(host)); /* no lane has work */
    return NULL;
}

enum exit_status host_run(struct host *host)
{
    log_kept_begin();
    log_info("app", "warrener runs", LOG_TEXT(VERSION, WARRENER_VERSION),
             LOG_TEXT(LISTEN, host->listen));
    drain_start(host);
    reload_start(host);
    supervised_is_up(host->self);
    link_open(&host->consume);
    link_open(&host->publish);
    outbox_connect(host->outbox, host->publish.connection);
    for (size_t i = 0; i < host->n_posts; i++)
        crew_subscribe(host->posts[i].crew, host->consume.connection);
    depths_start(&host->depths, host->consume.connection);
    report_start(host);
    loop_run(host->loop);
    report_stop(host);
    depths_stop(&host->depths);
    reload_stop(host);
    drain_stop(host);
    log_info("app", "warrener ends");
    if (host->has_stuck) watchdog_end();
    if (host->drain_step == DRAIN_HASTY) supervised_leave(host->self, EXIT_WELL);
    return EXIT_WELL;
}

bool host_close(struct host *host)
{
    const uint64_t deadline_ms = clock_now_ms() + LANES_END_MS;
    caretaker_stop(&host->caretaker);
    depot_close(&host->depot);
    for (size_t i = 0; i < host->n_posts; i++)
        if (!crew_close(&host->posts[i].crew, deadline_ms)) return false;
    cache_reader_free(host->reader);
    larder_close(&host->larder);
    telemetry_close(host->telemetry);
    alone_free(host->alone);
    outbox_free(host->outbox);
    link_fini(&host->publish);
    link_fini(&host->consume);
    depths_fini(&host->depths);
    for (size_t i = 0; i < host->n_posts; i++) free_post(&host->posts[i]);
    if (host->site) site_close(host->site);
    if (host->loop) loop_free(host->loop);
    board_free(host->board);
    metrics_free(host->metrics);
    free(host->posts);
    free(host);
    return true;
}
