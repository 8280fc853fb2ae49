/* SPDX-License-Identifier: Apache-2.0
 *
 * How a host stops: what was begun is finished and acked, then the line rests a moment, then it is
 * closed. The rest is there because closing is no barrier for acks: on a quorum queue those just
 * written have come back although the broker had said close-ok. The subscription is not cancelled
 * first: on a single-active-consumer queue the next consumer would overtake what is unacked. */
#include <signal.h>

#include "app/host_inside.h"
#include "base/clock.h"
#include "base/log.h"

#define LOOK_MS 5
#define REST_MS 300 /* between the last ack and the close */

static void end(struct host *host)
{
    host->drain_step = DRAIN_OVER;
    loop_stop(host->loop);
}

static void on_link_closed(struct host *host)
{
    if (++host->closed == 2) end(host);
}

static bool is_finished(const struct host *host, uint64_t *acked_ms)
{
    *acked_ms = 0;
    for (size_t i = 0; i < host->n_posts; i++) {
        if (!crew_is_drained(host->posts[i].crew)) return false;
        const uint64_t ms = crew_acked_ms(host->posts[i].crew);
        if (ms > *acked_ms) *acked_ms = ms;
    }
    return true;
}

static void on_look(void *own)
{
    struct host *host = own;
    const uint64_t now_ms = loop_now_ms(host->loop);
    uint64_t acked_ms;
    if (now_ms >= host->drain_deadline_ms) {
        log_warn("app", "the drain's time is over; what is unfinished goes back to its queue");
        end(host);
        return;
    }
    if (host->drain_step == DRAIN_FINISHING && is_finished(host, &acked_ms) &&
        now_ms >= acked_ms + REST_MS) {
        host->drain_step = DRAIN_CLOSING;
        amqp_connection_end(host->publish.connection);
        amqp_connection_end(host->consume.connection);
    }
    timer_arm_ms(&host->drain, LOOK_MS);
}

void drain_begin(struct host *host)
{
    host->drain_step = DRAIN_FINISHING;
    host->drain_deadline_ms = loop_now_ms(host->loop) + (uint64_t)host->config->drain_ms;
    board_set_draining(host->board);
    for (size_t i = 0; i < host->n_posts; i++)
        crew_drain(host->posts[i].crew, host->drain_deadline_ms);
    timer_arm_ms(&host->drain, 0);
}

/* One that comes while a host drains for a stuck lane is the first. */
static void on_signal(void *own, int number)
{
    struct host *host = own;
    const bool is_begun = host->drain_step != DRAIN_NOT;
    if (is_begun && (host->is_told || !host->has_stuck)) {
        log_warn("app", "told to end a second time: ending at once", LOG_INT(SIGNAL, number));
        end(host);
        host->drain_step = DRAIN_HASTY;
        return;
    }
    log_info("app", "draining", LOG_INT(SIGNAL, number), LOG_INT(AFTER_MS, host->config->drain_ms));
    host->is_told = true;
    if (!is_begun) drain_begin(host);
}

void drain_start(struct host *host)
{
    host->consume.on_closed = host->publish.on_closed = on_link_closed;
    timer_init(&host->drain, host->loop, on_look, host);
    signal_watch_init(&host->on_term, host->loop, SIGTERM, on_signal, host);
    signal_watch_init(&host->on_int, host->loop, SIGINT, on_signal, host);
}

void drain_stop(struct host *host)
{
    signal_watch_fini(&host->on_term);
    signal_watch_fini(&host->on_int);
    timer_fini(&host->drain);
}
