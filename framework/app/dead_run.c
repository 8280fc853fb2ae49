/* SPDX-License-Identifier: Apache-2.0
 *
 * The run's beginning, its connection, its clock and its end; see dead_run.h. What was kept goes back as
 * soon as the walk is over, however long whoever reads the output takes. */
#include "app/dead_run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/dead_inside.h"
#include "base/check.h"

#define WINDOW 2000
#define TICK_MS 10
#define GIVE_UP_MS 30000 /* without a connection, or while the broker takes nothing */
#define ACK_REST_MS 300  /* from the last ack to the close, which is no barrier for acks */

uint64_t dead_now_ms(const struct dead_run *run)
{
    return loop_now_ms(run->loop);
}

void dead_finish(struct dead_run *run, bool is_well)
{
    if (run->is_over) return;
    run->is_over = true;
    run->is_well = is_well;
    loop_stop(run->loop);
}

void dead_fail(struct dead_run *run, enum exit_status exit, const char *why)
{
    if (run->is_over) return;
    status_fail(run->status, exit, "%s", why);
    dead_finish(run, false);
}

bool dead_acts(const struct dead_run *run)
{
    return !run->task->dry_run && (run->task->verb == DEAD_RETRY || run->task->verb == DEAD_DROP);
}

/* ---- the connection -------------------------------------------------------------------------- */

static bool on_server(void *own, struct amqp_server *out, struct status *status)
{
    struct dead_run *run = own;
    return brokers_next(&run->brokers, out, status);
}

static void on_ready(void *own)
{
    struct dead_run *run = own;
    brokers_forget(&run->brokers);
    run->away_ms = 0;
}

static void on_lost(void *own, const char *why, bool is_refusal)
{
    struct dead_run *run = own;
    if (!run->away_ms) run->away_ms = dead_now_ms(run);
    if (run->is_over) return;
    status_fail(run->status, EXIT_UNREACHABLE, "%s", why);
    if (!is_refusal) brokers_say_away(&run->brokers, why, GIVE_UP_MS / 1000);
    if (is_refusal) dead_finish(run, false);
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
    struct dead_run *run = own;
    loop_stop(run->loop);
}

static bool is_settled(const struct dead_run *run)
{
    return run->is_walked && list_is_empty(&run->waiting) && list_is_empty(&run->sent) &&
           dead_now_ms(run) >= run->acked_ms + (run->acked_ms ? ACK_REST_MS : 0);
}

static void give_back(struct dead_run *run)
{
    run->is_giving_back = true;
    if (run->walk)
        walk_give_back(run->walk);
    else
        run->is_back = true;
}

static void look_at_output(struct dead_run *run)
{
    char why[100];
    spout_flush(&run->spout);
    if (!run->spout.is_broken || run->is_over) return;
    if (run->spout.fault == EPIPE) {
        dead_finish(run, true); /* whoever read it has seen enough */
        return;
    }
    (void)snprintf(why, sizeof why, "standard output: %s", strerror(run->spout.fault));
    dead_fail(run, EXIT_INTERNAL, why);
}

static void look_at_clock(struct dead_run *run)
{
    const uint64_t now_ms = dead_now_ms(run);
    if (run->away_ms && now_ms - run->away_ms > GIVE_UP_MS) dead_finish(run, false);
    if (run->refused_ms && now_ms - run->refused_ms > GIVE_UP_MS)
        dead_fail(
            run, EXIT_UNREACHABLE,
            "the broker does not take the letters (basic.nack): is the queue full? They stay in "
            "the "
            "dead queue");
}

static void on_tick(void *own)
{
    struct dead_run *run = own;
    const struct dead_task *task = run->task;
    timer_arm_ms(&run->tick, TICK_MS);
    look_at_output(run);
    look_at_clock(run);
    if (run->is_over) return;
    progress_show(&run->progress,
                  dead_acts(run) && task->limit ? run->result->done : run->result->seen,
                  dead_now_ms(run));
    dead_send_some(run);
    if (is_settled(run)) {
        if (!run->is_giving_back) give_back(run); /* however long the reading takes */
        if (run->is_back && !spout_waiting(&run->spout)) dead_finish(run, !run->is_interrupted);
    } else if (run->walk) {
        walk_nudge(run->walk);
    } else if (amqp_connection_is_ready(run->connection)) {
        dead_begin_walk(run);
    }
}

/* What is on its way is waited for: or it would be in both queues. */
static void on_signal(void *own, int number)
{
    struct dead_run *run = own;
    const bool is_second = run->is_interrupted;
    status_fail(run->status, EXIT_MESSAGE,
                "ended by signal %d; what was not done yet stays in the dead queue", number);
    run->is_interrupted = run->is_walked = true;
    if (run->walk) walk_stop(run->walk);
    dead_forget_waiting(run);
    spout_fini(&run->spout);
    spout_init(&run->spout, STDOUT_FILENO);
    if (is_second || list_is_empty(&run->sent)) dead_finish(run, false);
}

static void open_all(struct dead_run *run)
{
    static const struct amqp_connection_events events = { on_server, on_ready, on_lost, on_blocked,
                                                          on_closed };
    char name[BROKERS_NAME_BYTES];
    struct amqp_connection_settings settings;
    brokers_init(&run->brokers, run->config);
    brokers_settings(run->config, "dead-command", name, &settings);
    run->connection = amqp_connection_new(run->loop, &settings, &events, run);
    run->publisher = publisher_new(run->connection, WINDOW, &dead_publisher_events, run);
    timer_init(&run->tick, run->loop, on_tick, run);
    timer_arm_ms(&run->tick, 0);
    signal_watch_init(&run->on_int, run->loop, SIGINT, on_signal, run);
    signal_watch_init(&run->on_term, run->loop, SIGTERM, on_signal, run);
    spout_init(&run->spout, STDOUT_FILENO);
}

/* The broker has our acks before it sees us go. */
static void say_goodbye(struct dead_run *run)
{
    walk_free(run->walk);
    run->walk = NULL;
    if (!amqp_connection_is_ready(run->connection)) return;
    amqp_connection_end(run->connection);
    loop_run(run->loop);
}

static void close_all(struct dead_run *run)
{
    signal_watch_fini(&run->on_int);
    signal_watch_fini(&run->on_term);
    timer_fini(&run->tick);
    say_goodbye(run);
    publisher_free(run->publisher);
    dead_forget_waiting(run);
    for (struct list *link; (link = list_take_first(&run->sent));)
        letter_free(LIST_ENTRY(link, struct letter, link));
    amqp_connection_free(run->connection);
    brokers_fini(&run->brokers);
    spout_fini(&run->spout);
    free(run->room);
    free(run->plain);
    loop_free(run->loop);
}

bool dead_run(const struct config *config, const struct dead_task *task, struct dead_result *result,
              struct status *status)
{
    struct dead_run *run = NEW(struct dead_run);
    *result = (struct dead_result){ .ready = 0 };
    run->config = config;
    run->task = task;
    run->result = result;
    run->status = status;
    run->is_marked = true;
    run->plain = NEW(struct letter);
    list_init(&run->waiting);
    list_init(&run->sent);
    run->loop = loop_new();
    CHECK(run->loop);
    run->begun_ms = run->away_ms = dead_now_ms(run);
    open_all(run);
    loop_run(run->loop);
    const uint64_t now_ms = dead_now_ms(run);
    progress_end(&run->progress, result->seen, now_ms);
    result->took_ms = now_ms - run->begun_ms;
    const bool is_well = run->is_well;
    close_all(run);
    free(run);
    return is_well;
}
