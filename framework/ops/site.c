/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of pages and what each is made of. All of it runs on the HTTP thread. */
#include "ops/site.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "ops/exposition.h"
#include "ops/http.h"
#include "ops/probes.h"
#include "ops/status.h"

/* Made from assets/index.html. */
extern const unsigned char asset_index_html[];
extern const size_t asset_index_html_bytes;

struct site {
    struct board *board;
    const struct metrics *metrics;
    struct http *http;
    struct history *history;
    struct history_sample *samples; /* one a consumer */
};

struct facts {
    struct probe_facts facts;
    const struct board_snapshot *snapshot;
    struct probe_lane *lanes;
    const char *reasons[BOARD_REASONS];
};

static void gather_lanes(const struct board *board, struct facts *all)
{
    const struct board_snapshot *snapshot = all->snapshot;
    size_t n = 0;
    for (size_t i = 0; i < snapshot->n_consumers; i++) n += snapshot->consumers[i].n_lanes;
    struct probe_lane *lane = all->lanes = memory_new(n + 1, sizeof *lane);
    for (size_t i = 0; i < snapshot->n_consumers; i++) {
        for (unsigned j = 0; j < snapshot->consumers[i].n_lanes; j++) {
            *lane++ = (struct probe_lane){ .queue = snapshot->consumers[i].queue,
                                           .number = j,
                                           .since_ms = board_lane_since_ms(board, i, j),
                                           .timeout_ms = board_timeout_ms(board, i) };
        }
    }
    all->facts.lanes = all->lanes;
    all->facts.n_lanes = n;
}

/* The clock is read after the pulses: a beat that is newer than `now` would be none. */
static void gather(struct site *site, struct facts *all)
{
    struct probe_facts *facts = &all->facts;
    *all = (struct facts){ .snapshot = board_latest(site->board) };
    if (all->snapshot) {
        gather_lanes(site->board, all);
        facts->told = true;
        facts->n_reasons = all->snapshot->n_reasons;
        for (size_t i = 0; i < facts->n_reasons; i++) all->reasons[i] = all->snapshot->reasons[i];
        facts->reasons = all->reasons;
    }
    facts->beat_ms = board_loop_beat_ms(site->board);
    facts->draining = board_is_draining(site->board);
    facts->now_ms = board_counted_ms(site->board);
    facts->now_unix_us = clock_unix_us();
}

static void answer_livez(void *context, const struct http_request *request,
                         struct http_answer *answer)
{
    struct facts all;
    (void)request;
    gather(context, &all);
    if (!probe_is_live(&all.facts, &answer->body)) answer->status = 503;
    free(all.lanes);
}

static void answer_readyz(void *context, const struct http_request *request,
                          struct http_answer *answer)
{
    struct facts all;
    (void)request;
    gather(context, &all);
    if (!probe_is_ready(&all.facts, &answer->body)) answer->status = 503;
    free(all.lanes);
}

static void answer_metrics(void *context, const struct http_request *request,
                           struct http_answer *answer)
{
    exposition_answer(((struct site *)context)->metrics, request, answer);
}

static void answer_status(void *context, const struct http_request *request,
                          struct http_answer *answer)
{
    struct site *site = context;
    struct facts all;
    struct metrics_text words = { NULL, 0, 0 }, ignored = { NULL, 0, 0 };
    (void)request;
    gather(site, &all);
    struct health_facts health = { .board = site->board,
                                   .snapshot = all.snapshot,
                                   .history = site->history,
                                   .is_live = probe_is_live(&all.facts, &ignored),
                                   .is_ready = probe_is_ready(&all.facts, &words) };
    metrics_text_add(&words, "", 1);
    health.words = words.at;
    answer->type = "application/json";
    status_write(&health, all.facts.now_unix_us, &answer->body);
    metrics_text_fini(&words);
    metrics_text_fini(&ignored);
    free(all.lanes);
}

static void answer_page(void *context, const struct http_request *request,
                        struct http_answer *answer)
{
    (void)context;
    (void)request;
    answer->type = "text/html; charset=utf-8";
    answer->headers = "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; "
                      "script-src 'unsafe-inline'; connect-src 'self'; base-uri 'none'; "
                      "form-action 'none'; frame-ancestors 'none'\r\n"
                      "Referrer-Policy: no-referrer\r\n";
    metrics_text_add(&answer->body, (const char *)asset_index_html, asset_index_html_bytes);
}

static const struct http_route routes[] = {
    { "/", answer_page },           { "/livez", answer_livez },   { "/readyz", answer_readyz },
    { "/metrics", answer_metrics }, { "/status", answer_status },
};

static void take_history(struct site *site, uint64_t now_ms)
{
    const struct board_snapshot *snapshot = board_latest(site->board);
    if (!snapshot) return;
    if (!site->history) {
        site->history = history_new(snapshot->n_consumers);
        site->samples = memory_new(snapshot->n_consumers + 1, sizeof *site->samples);
    }
    if (!history_is_due(site->history, now_ms)) return;
    for (size_t i = 0; i < snapshot->n_consumers; i++) {
        const struct board_consumer *consumer = &snapshot->consumers[i];
        const char *const labels[] = { consumer->name };
        const struct counter *busy =
            metrics_find_counter(site->metrics, METRIC_LANE_BUSY_SECONDS, labels);
        site->samples[i] = (struct history_sample){
            .received = consumer->received,
            .done = consumer->done,
            .retried = consumer->retried,
            .dead = consumer->dead,
            .busy_ns = busy ? counter_read(busy) : 0,
            .settle = metrics_find_histogram(site->metrics, METRIC_SETTLE_SECONDS, labels),
        };
    }
    history_take(site->history, now_ms, site->samples);
}

static void on_tick(void *context)
{
    struct site *site = context;
    const uint64_t now_ms = clock_now_ms();
    board_tick(site->board, now_ms);
    take_history(site, now_ms);
}

struct site *site_open(const char *listen, struct board *board, const struct metrics *metrics,
                       struct status *status)
{
    struct site *site = NEW(struct site);
    site->board = board;
    site->metrics = metrics;
    const struct http_plan plan = { .listen = listen,
                                    .routes = routes,
                                    .n_routes = sizeof routes / sizeof *routes,
                                    .context = site,
                                    .on_tick = on_tick };
    site->http = http_open(&plan, status);
    if (site->http) return site;
    free(site);
    return NULL;
}

uint16_t site_port(const struct site *site)
{
    return http_port(site->http);
}

void site_close(struct site *site)
{
    if (!site) return;
    http_close(site->http);
    history_free(site->history);
    free(site->samples);
    free(site);
}
