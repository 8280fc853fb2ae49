/* SPDX-License-Identifier: Apache-2.0
 *
 * A crew's beginning and end; see crew.h. */
#include <stdlib.h>

#include "base/check.h"
#include "base/log.h"
#include "flow/crew_inside.h"

#define STILL_MS 50 /* the least time an ack waits for those before it */

static void on_time(void *own)
{
    crew_turn(own);
}

static void on_bell(void *own)
{
    struct crew *crew = own;
    bell_clear(&crew->bell);
    crew_turn(crew);
}

static void open_metrics(struct crew *crew)
{
    struct metrics *metrics = crew->settings.metrics;
    const char *name = crew->settings.name;
    const char *const labels[] = { name };
    crew->received = metrics_counter(metrics, METRIC_RECEIVED, labels);
    crew->committed =
        metrics_counter(metrics, METRIC_BATCHES, (const char *[]){ name, "committed" });
    crew->paused_seconds = metrics_counter(metrics, METRIC_PAUSED_SECONDS, labels);
    crew->in_flight_gauge = metrics_gauge(metrics, METRIC_MESSAGES_IN_FLIGHT, labels);
    crew->bytes_gauge = metrics_gauge(metrics, METRIC_BYTES_IN_FLIGHT, labels);
    crew->batch_rows = metrics_histogram(metrics, METRIC_BATCH_ROWS, labels);
    gauge_set(metrics_gauge(metrics, METRIC_LANES, labels), crew->settings.lanes);
    crew->prefetch_gauge = metrics_gauge(metrics, METRIC_PREFETCH, labels);
    gauge_set(crew->prefetch_gauge, crew->settings.prefetch);
}

static void open_handler_counters(struct crew *crew)
{
    const struct wr_handler *handler = plugin_handler(crew->settings.plugin);
    unsigned n = 0;
    while (handler->counters[n].name) n++;
    crew->handler_counters = memory_new(n + 1, sizeof(struct counter *));
    for (unsigned i = 0; i < n; i++)
        crew->handler_counters[i] =
            metrics_handler_counter(crew->settings.metrics, handler->counters[i].name,
                                    handler->counters[i].help, handler->name, crew->settings.name);
}

static struct lanes *start_lanes(struct crew *crew, struct status *status)
{
    const struct crew_settings *settings = &crew->settings;
    const char *const labels[] = { settings->name };
    const struct lanes_settings lanes = {
        .n = settings->lanes,
        .pulses = settings->pulses,
        .notes = settings->notes,
        .lane = {
            .job = {
                .handler = plugin_handler(settings->plugin),
                .options = settings->options,
                .queue = settings->name,
                .counters = crew->handler_counters,
            },
            /* Its share of all that can be in hand: a lane that falls asleep over a message keeps
             * what it has, and must not have gathered everything. */
            .capacity = settings->prefetch / settings->lanes + 1,
            .timeout_ms = settings->timeout_ms,
            .orders = &crew->orders,
            .finished = &crew->bell,
            .handler_seconds = metrics_histogram(settings->metrics, METRIC_HANDLER_SECONDS, labels),
            .busy_seconds = metrics_counter(settings->metrics, METRIC_LANE_BUSY_SECONDS, labels),
            .is_ordered = crew_is_ordered(crew),
        },
    };
    return lanes_start(&lanes, status);
}

static void crew_free(struct crew *crew)
{
    complaints_tell_held(&crew->complaints, UINT64_MAX);
    crew_alone_part(crew);
    watch_fini(&crew->bell_watch);
    timer_fini(&crew->timer);
    bell_close(&crew->bell);
    settle_fini(&crew->settle);
    valve_fini(&crew->valve);
    delivery_pool_fini(&crew->pool);
    free(crew->handler_counters);
    free(crew);
}

static void open_shipper(struct crew *crew)
{
    const struct shipper_settings settings = {
        .store = crew->settings.store,
        .sinks = crew->settings.sinks,
        .n_sinks = crew->settings.n_sinks,
        .consumer = crew->settings.name,
        .is_ordered = crew_is_ordered(crew),
        .metrics = crew->settings.metrics,
        .tracing = &crew->tracing,
    };
    crew->shipper = shipper_new(crew->loop, &settings, &crew_shipper_events, crew);
}

static struct counter *count_reads(const struct crew *crew, const char *outcome)
{
    return metrics_counter(crew->settings.metrics, METRIC_CACHE_READS,
                           (const char *[]){ crew->settings.name, outcome });
}

static void open_cacher(struct crew *crew)
{
    const struct cacher_settings settings = {
        .cache = crew->settings.cache,
        .repairer = crew->settings.repairer,
        .store = crew->settings.store,
        .consumer = crew->settings.name,
        .metrics = crew->settings.metrics,
    };
    crew->cacher = cacher_new(crew->loop, &settings, &crew_cacher_events, crew);
    if (settings.repairer)
        repairer_know(settings.repairer, crew->settings.sinks, crew->settings.n_sinks);
    crew->cache_reads = (struct shelf_counters){ .hit = count_reads(crew, "hit"),
                                                 .miss = count_reads(crew, "miss"),
                                                 .absent = count_reads(crew, "absent") };
}

static void open_fetcher(struct crew *crew)
{
    const struct fetcher_settings settings = {
        .store = crew->settings.store,
        .reader = crew->settings.reader,
        .loaders = crew->settings.loaders,
        .n_loaders = crew->settings.n_loaders,
        .consumer = crew->settings.name,
        .is_ordered = crew_is_ordered(crew),
        .reads = crew->cache_reads,
    };
    store_add_loaders(crew->settings.store, crew->settings.name, crew->settings.loaders,
                      crew->settings.n_loaders);
    crew->fetcher = fetcher_new(crew->loop, &settings, &crew_fetcher_events, crew);
}

struct crew *crew_new(struct loop *loop, const struct crew_settings *settings,
                      struct status *status)
{
    struct crew *crew = NEW(struct crew);
    crew->settings = *settings;
    crew->loop = loop;
    crew->bell.fd = -1;
    crew->tracing = (struct tracing){
        .tracer = settings->tracer,
        .source = { settings->topology.queue, settings->handler, settings->store != NULL },
    };
    crew->complaints.consumer = crew->settings.name;
    valve_init(&crew->valve, &settings->valve);
    atomic_init(&crew->orders.drain_deadline_ms, UINT64_MAX);
    const uint32_t wait_ms = settings->batch.wait_ms;
    settle_init(&crew->settle, settings->metrics, settings->name, settings->prefetch,
                wait_ms > STILL_MS ? wait_ms : STILL_MS);
    delivery_pool_init(&crew->pool);
    batch_init(&crew->batch);
    crew->grace_ms = crew->settle.grace_ms;
    crew_alone_join(crew);
    hold_init(&crew->hold);
    parking_init(&crew->parking);
    timer_init(&crew->timer, loop, on_time, crew);
    outbox_join(settings->outbox, crew, settings->name);
    open_metrics(crew);
    crew_open_pauses(crew);
    open_handler_counters(crew);
    if (bell_open(&crew->bell, status)) crew->lanes = start_lanes(crew, status);
    if (!crew->lanes) {
        crew_free(crew);
        return NULL;
    }
    watch_init(&crew->bell_watch, loop, crew->bell.fd, on_bell, crew);
    if (settings->n_sinks) open_shipper(crew);
    if (settings->cache) open_cacher(crew); /* before the fetcher: it counts reads of it */
    if (settings->n_loaders) open_fetcher(crew);
    return crew;
}

void crew_subscribe(struct crew *crew, struct amqp_connection *connection)
{
    const struct consumer_settings settings = {
        .topology = crew->settings.topology,
        .tag = crew->settings.tag,
        .prefetch = (uint16_t)crew->settings.prefetch,
        .most_body_bytes = crew->settings.max_message_bytes,
    };
    crew->consumer = consumer_new(connection, &settings, &crew_consumer_events, crew);
    crew->settle.consumer = crew->consumer;
    crew_attend(crew);
}

void crew_store_has_room(struct crew *crew)
{
    if (!crew->shipper) return;
    shipper_run(crew->shipper);
    crew_turn(crew);
}

void crew_drain(struct crew *crew, uint64_t deadline_ms)
{
    crew->is_draining = true;
    atomic_store(&crew->orders.drain_deadline_ms, deadline_ms);
    atomic_store(&crew->orders.is_draining, true);
    crew_forget_waiting(crew);
    crew_turn(crew);
}

bool crew_is_drained(const struct crew *crew)
{
    return !lanes_busy(crew->lanes) && !crew->batch.n && !crew->sending &&
           (!crew->shipper || shipper_is_idle(crew->shipper)) &&
           (!crew->cacher || cacher_is_idle(crew->cacher)) && settle_is_clear(&crew->settle);
}

void crew_give_up_lane(struct crew *crew, unsigned lane)
{
    lanes_give_up(crew->lanes, lane);
}

uint64_t crew_acked_ms(const struct crew *crew)
{
    return crew->settle.acked_ms;
}

bool crew_close(struct crew **crew, uint64_t deadline_ms)
{
    struct crew *gone = *crew;
    atomic_store(&gone->orders.epoch, 0);
    if (gone->consumer) settle_flush(&gone->settle, loop_now_ms(gone->loop));
    if (gone->consumer) consumer_free(gone->consumer);
    gone->consumer = gone->settle.consumer = NULL;
    settle_begin(&gone->settle, 0);
    crew_forget_all(gone);
    if (!lanes_stop(gone->lanes, deadline_ms)) return false;
    lanes_collect(gone->lanes, crew_decide, gone);
    lanes_free(gone->lanes);
    if (gone->shipper) shipper_free(gone->shipper);
    cacher_free(gone->cacher);
    fetcher_free(gone->fetcher);
    *crew = NULL;
    crew_free(gone);
    return true;
}

void crew_look(const struct crew *crew, struct crew_view *view)
{
    *view = (struct crew_view){
        .is_subscribed = crew->consumer && consumer_is_subscribed(crew->consumer),
        .fault = crew->consumer ? consumer_fault(crew->consumer) : "",
        .stuck_by = crew->shipper ? shipper_fault(crew->shipper) : "",
        .unread = crew->fetcher ? fetcher_fault(crew->fetcher) : "",
        .paused_by = crew->paused_by,
        .breaker = valve_breaker_name(&crew->valve),
        .is_held_up = crew->is_held_up,
        .last_error = crew->last_error,
        .prefetch = crew_window(crew),
        .in_flight = crew->in_flight,
        .handling = lanes_busy(crew->lanes),
        .held = crew->hold.n,
        .staged = crew->batch.n,
        .storing = crew->shipper ? shipper_count(crew->shipper) : 0,
        .caching = crew->cacher ? (uint32_t)cacher_count(crew->cacher) : 0,
        .sending = crew->sending,
        .acking = crew->settle.ledger.finished,
        .bytes_in_flight = crew->bytes_in_flight,
        .received = counter_read(crew->received),
        .done = counter_read(crew->settle.done),
        .dead = counter_read(crew->settle.dead),
        .retried = counter_read(crew->settle.retried),
        .lanes = crew->settings.lanes,
    };
    if (!crew->cacher) return;
    cacher_tell(crew->cacher, &view->cache_stored, &view->cache_stale, &view->cache_failed);
    view->cache_hits = counter_read(crew->cache_reads.hit);
    view->cache_misses = counter_read(crew->cache_reads.miss);
    view->cache_absents = counter_read(crew->cache_reads.absent);
}

uint64_t crew_lane_handled(const struct crew *crew, unsigned lane)
{
    return lanes_handled(crew->lanes, lane);
}
