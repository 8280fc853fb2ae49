/* SPDX-License-Identifier: Apache-2.0
 *
 * See errand.h. */
#include "app/errand.h"

#include <signal.h>
#include <stdio.h>

#include "base/check.h"

#define WINDOW 2000
#define GIVE_UP_MS 30000 /* without a connection */

uint64_t errand_now_ms(const struct errand *errand)
{
    return loop_now_ms(errand->loop);
}

void errand_finish(struct errand *errand, bool is_well)
{
    if (errand->is_over) return;
    errand->is_over = true;
    errand->is_well = is_well;
    loop_stop(errand->loop);
}

void errand_fail(struct errand *errand, enum exit_status exit, const char *why)
{
    if (errand->is_over) return;
    status_fail(errand->status, exit, "%s", why);
    errand_finish(errand, false);
}

/* ---- the connection -------------------------------------------------------------------------- */

static bool on_server(void *own, struct amqp_server *out, struct status *status)
{
    struct errand *errand = own;
    return brokers_next(&errand->brokers, out, status);
}

static void on_ready(void *own)
{
    struct errand *errand = own;
    brokers_forget(&errand->brokers);
    errand->away_ms = 0;
}

static void on_lost(void *own, const char *why, bool is_refusal)
{
    struct errand *errand = own;
    if (!errand->away_ms) errand->away_ms = errand_now_ms(errand);
    if (errand->is_over) return;
    status_fail(errand->status, EXIT_UNREACHABLE, "%s", why);
    if (is_refusal)
        errand_finish(errand, false);
    else
        brokers_say_away(&errand->brokers, why, GIVE_UP_MS / 1000);
}

static void on_blocked(void *own, bool blocked, const char *reason)
{
    (void)own;
    fprintf(stderr,
            blocked ? "\nwarrener: the broker blocks publishers (%s); waiting\n"
                    : "\nwarrener: the broker takes messages again\n",
            reason);
}

static void on_closed(void *own)
{
    struct errand *errand = own;
    loop_stop(errand->loop);
}

/* ---- the clock ------------------------------------------------------------------------------- */

static void on_tick(void *own)
{
    struct errand *errand = own;
    timer_arm_ms(&errand->tick, errand->plan.tick_ms);
    if (errand->away_ms && errand_now_ms(errand) - errand->away_ms > GIVE_UP_MS)
        errand_finish(errand, false);
    if (!errand->is_over) errand->plan.on_tick(errand->plan.owner);
}

static void on_signal(void *own, int number)
{
    struct errand *errand = own;
    errand->plan.on_signal(errand->plan.owner, number);
}

/* ---- its life -------------------------------------------------------------------------------- */

void errand_begin(struct errand *errand, const struct config *config,
                  const struct errand_plan *plan, struct status *status)
{
    static const struct amqp_connection_events events = { on_server, on_ready, on_lost, on_blocked,
                                                          on_closed };
    char name[BROKERS_NAME_BYTES];
    struct amqp_connection_settings settings;
    *errand = (struct errand){ .plan = *plan, .status = status, .loop = loop_new() };
    CHECK(errand->loop);
    errand->away_ms = errand_now_ms(errand);
    brokers_init(&errand->brokers, config);
    brokers_settings(config, plan->role, name, &settings);
    errand->connection = amqp_connection_new(errand->loop, &settings, &events, errand);
    errand->publisher =
        publisher_new(errand->connection, WINDOW, plan->publisher_events, plan->owner);
    timer_init(&errand->tick, errand->loop, on_tick, errand);
    timer_arm_ms(&errand->tick, 0);
    signal_watch_init(&errand->on_int, errand->loop, SIGINT, on_signal, errand);
    signal_watch_init(&errand->on_term, errand->loop, SIGTERM, on_signal, errand);
}

void errand_run(struct errand *errand)
{
    loop_run(errand->loop);
}

void errand_rest(struct errand *errand)
{
    signal_watch_fini(&errand->on_int);
    signal_watch_fini(&errand->on_term);
    timer_fini(&errand->tick);
}

void errand_say_goodbye(struct errand *errand)
{
    if (!amqp_connection_is_ready(errand->connection)) return;
    amqp_connection_end(errand->connection);
    loop_run(errand->loop);
}

void errand_end(struct errand *errand)
{
    publisher_free(errand->publisher);
    amqp_connection_free(errand->connection);
    brokers_fini(&errand->brokers);
    loop_free(errand->loop);
}
