/* SPDX-License-Identifier: Apache-2.0
 *
 * A host's database: where to connect, and what is told when it comes and goes. */
#include <string.h>

#include "app/host_inside.h"
#include "base/log.h"

#define CONNECT_MS 10000
#define PULSE_MS 5000
#define PULSE_TIMEOUT_MS 3000

static bool on_server(void *own, const char **conninfo, struct status *status)
{
    struct depot *depot = own;
    *conninfo = depot->conninfo;
    return config_resolve_postgres(depot->host->config, false, depot->conninfo,
                                   sizeof depot->conninfo, status);
}

static void note_state(struct depot *depot, bool is_ready, const char *why)
{
    standing_note(&depot->standing, is_ready);
    standing_blame(&depot->standing, why);
    explicit_bzero(depot->conninfo, sizeof depot->conninfo);
}

static void attend_all(struct host *host)
{
    for (size_t i = 0; i < host->n_posts; i++)
        if (host->posts[i].crew) crew_attend(host->posts[i].crew);
}

static void on_room(void *own)
{
    const struct depot *depot = own;
    for (size_t i = 0; i < depot->host->n_posts; i++)
        if (depot->host->posts[i].crew) crew_store_has_room(depot->host->posts[i].crew);
}

static void on_ready(void *own)
{
    struct depot *depot = own;
    note_state(depot, true, "");
    log_info("store", "connected", LOG_TEXT(SERVER, store_server(depot->store)));
    attend_all(depot->host);
    on_room(depot);
}

static void on_lost(void *own, const char *why, bool is_deployment)
{
    struct depot *depot = own;
    note_state(depot, false, why);
    log_warn("store",
             is_deployment ? "the database is not as declared" : "not connected; trying again",
             LOG_TEXT(SERVER, store_server(depot->store)), LOG_TEXT(REASON, why));
    attend_all(depot->host);
}

static void on_pulse_due(void *own)
{
    struct depot *depot = own;
    store_ask(depot->store, &depot->pulse);
}

/* Failed, that connection is lost, and the next is asked at once: of several each may seem well. */
static void on_pulse(void *own, bool is_done, const char *why)
{
    struct depot *depot = own;
    (void)why;
    timer_arm_ms(&depot->pulse_timer, is_done ? PULSE_MS : 0);
}

/* A queue that is quiet asks nothing of the database, and would not notice that it stands still. */
static void start_pulse(struct depot *depot)
{
    depot->pulse = (struct query){
        .step = { .name = "wr_pulse", .sql = "select 1" },
        .on_end = on_pulse,
        .owner = depot,
        .timeout_ms = PULSE_TIMEOUT_MS,
    };
    timer_init(&depot->pulse_timer, depot->host->loop, on_pulse_due, depot);
    timer_arm_ms(&depot->pulse_timer, PULSE_MS);
}

void depot_open(struct depot *depot, struct host *host)
{
    static const struct store_events events = {
        .on_server = on_server,
        .on_ready = on_ready,
        .on_lost = on_lost,
        .on_room = on_room,
    };
    const struct store_settings settings = {
        .connections = (unsigned)host->config->postgres.connections,
        .timeout_ms = (uint32_t)host->config->postgres.timeout_ms,
        .connect_ms = CONNECT_MS,
        .name = host->config->name,
    };
    *depot = (struct depot){ .host = host };
    standing_metrics_init(&depot->metrics, host->metrics, "postgres");
    depot->store = store_new(host->loop, &settings, &events, depot);
    start_pulse(depot);
}

void depot_close(struct depot *depot)
{
    if (depot->store) {
        store_unask(&depot->pulse);
        timer_fini(&depot->pulse_timer);
        store_free(depot->store);
    }
    depot->store = NULL;
    explicit_bzero(depot->conninfo, sizeof depot->conninfo);
}
