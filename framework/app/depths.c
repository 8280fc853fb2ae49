/* SPDX-License-Identifier: Apache-2.0
 *
 * Counted queues; see depths.h. One list for the whole host, so that one channel does. */
#include "app/depths.h"

#include <stdlib.h>
#include <string.h>

#include "app/host_inside.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"

#define EVERY_MS 5000
#define PATIENCE 12 /* rounds: a missing queue is asked for once a minute */
#define NAME_BYTES 300

static void depth_init(struct depth *depth, const char *queue, struct gauge *gauge)
{
    depth->queue = memory_copy_text(queue);
    depth->gauge = gauge;
}

static void post_init(struct post_depths *depths, struct metrics *metrics, const struct post *post)
{
    char name[NAME_BYTES];
    const struct config_consumer *consumer = post->consumer;
    const struct topology *topology = &post->topology;
    const char *const labels[] = { consumer->name };
    depths->n = DEPTH_RETRY + (unsigned)topology->n_delays;
    depths->at = memory_new(depths->n, sizeof *depths->at);
    depth_init(&depths->at[DEPTH_OWN], consumer->queue,
               metrics_gauge(metrics, METRIC_QUEUE_READY, labels));
    depth_init(&depths->at[DEPTH_DEAD], topology_dead_name(consumer->queue, name, sizeof name),
               metrics_gauge(metrics, METRIC_DEAD_READY, labels));
    for (unsigned i = 0; i < topology->n_delays; i++) {
        topology_retry_name(consumer->queue, topology->delays_ms[i], name, sizeof name);
        const char *delay = name + strlen(consumer->queue) + strlen(".retry.");
        depth_init(
            &depths->at[DEPTH_RETRY + i], name,
            metrics_gauge(metrics, METRIC_RETRY_READY, (const char *[]){ consumer->name, delay }));
    }
}

void depths_init(struct depths *depths, struct metrics *metrics, const struct post *posts,
                 size_t n_posts)
{
    depths->n_posts = (unsigned)n_posts;
    depths->posts = memory_new(n_posts + 1, sizeof *depths->posts);
    for (size_t i = 0; i < n_posts; i++) post_init(&depths->posts[i], metrics, &posts[i]);
}

static void on_count(void *own, void *token, uint32_t ready)
{
    struct depth *depth = token;
    (void)own;
    depth->ready = ready;
    depth->at_unix_us = clock_unix_us();
    depth->is_refused = false;
    gauge_set(depth->gauge, ready);
}

/* Once, until it was there again. */
static void on_refused(void *own, void *token, const char *why)
{
    struct depth *depth = token;
    (void)own;
    if (!depth->is_refused)
        log_warn("app", "the messages in a queue cannot be counted", LOG_TEXT(QUEUE, depth->queue),
                 LOG_TEXT(REASON, why));
    depth->is_refused = true;
}

void depths_start(struct depths *depths, struct amqp_connection *connection)
{
    static const struct census_events events = { .on_count = on_count, .on_refused = on_refused };
    size_t n = 0;
    for (unsigned i = 0; i < depths->n_posts; i++) n += depths->posts[i].n;
    depths->queues = memory_new(n + 1, sizeof *depths->queues);
    n = 0;
    for (unsigned i = 0; i < depths->n_posts; i++)
        for (unsigned k = 0; k < depths->posts[i].n; k++) {
            struct depth *depth = &depths->posts[i].at[k];
            depths->queues[n++] = (struct census_queue){ depth->queue, depth };
        }
    const struct census_settings settings = {
        .queues = depths->queues, .n = n, .every_ms = EVERY_MS, .patience = PATIENCE
    };
    depths->census = census_new(connection, &settings, &events, depths);
}

void depths_stop(struct depths *depths)
{
    census_free(depths->census);
    depths->census = NULL;
}

void depths_fini(struct depths *depths)
{
    CHECK(!depths->census);
    for (unsigned i = 0; i < depths->n_posts; i++) {
        for (unsigned k = 0; k < depths->posts[i].n; k++) free(depths->posts[i].at[k].queue);
        free(depths->posts[i].at);
    }
    free(depths->posts);
    free(depths->queues);
}

uint32_t depths_retry_ready(const struct post_depths *post)
{
    uint32_t ready = 0;
    for (unsigned i = DEPTH_RETRY; i < post->n; i++) ready += post->at[i].ready;
    return ready;
}
