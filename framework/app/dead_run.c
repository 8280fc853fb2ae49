/* SPDX-License-Identifier: Apache-2.0
 *
 * The run's beginning, its clock and its end; see dead_run.h. What was kept goes back as soon as
 * the walk is over, however long whoever reads the output takes. */
#include "app/dead_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app/dead_inside.h"
#include "base/check.h"

#define TICK_MS 10
#define GIVE_UP_MS 30000 /* while the broker takes nothing */
#define ACK_REST_MS 300  /* from the last ack to the close, which is no barrier for acks */

bool dead_acts(const struct dead_run *run)
{
    return !run->task->dry_run && (run->task->verb == DEAD_RETRY || run->task->verb == DEAD_DROP);
}

static bool is_settled(const struct dead_run *run)
{
    return run->is_walked && list_is_empty(&run->waiting) && list_is_empty(&run->sent) &&
           errand_now_ms(&run->errand) >= run->acked_ms + (run->acked_ms ? ACK_REST_MS : 0);
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
    if (!run->spout.is_broken || run->errand.is_over) return;
    if (run->spout.fault == EPIPE) {
        errand_finish(&run->errand, true); /* whoever read it has seen enough */
        return;
    }
    (void)snprintf(why, sizeof why, "standard output: %s", strerror(run->spout.fault));
    errand_fail(&run->errand, EXIT_INTERNAL, why);
}

static void look_at_refusals(struct dead_run *run)
{
    if (!run->refused_ms || errand_now_ms(&run->errand) - run->refused_ms <= GIVE_UP_MS) return;
    errand_fail(
        &run->errand, EXIT_UNREACHABLE,
        "the broker does not take the letters (basic.nack): is the queue full? They stay in "
        "the dead queue");
}

static void on_tick(void *own)
{
    struct dead_run *run = own;
    const struct dead_task *task = run->task;
    look_at_output(run);
    look_at_refusals(run);
    if (run->errand.is_over) return;
    progress_show(&run->progress,
                  dead_acts(run) && task->limit ? run->result->done : run->result->seen,
                  errand_now_ms(&run->errand));
    dead_send_some(run);
    if (is_settled(run)) {
        if (!run->is_giving_back) give_back(run); /* however long the reading takes */
        if (run->is_back && !spout_waiting(&run->spout))
            errand_finish(&run->errand, !run->is_interrupted);
    } else if (run->walk) {
        walk_nudge(run->walk);
    } else if (amqp_connection_is_ready(run->errand.connection)) {
        dead_begin_walk(run);
    }
}

/* What is on its way is waited for: or it would be in both queues. */
static void on_signal(void *own, int number)
{
    struct dead_run *run = own;
    const bool is_second = run->is_interrupted;
    status_fail(run->errand.status, EXIT_MESSAGE,
                "ended by signal %d; what was not done yet stays in the dead queue", number);
    run->is_interrupted = run->is_walked = true;
    if (run->walk) walk_stop(run->walk);
    dead_forget_waiting(run);
    spout_fini(&run->spout);
    spout_init(&run->spout, STDOUT_FILENO);
    if (is_second || list_is_empty(&run->sent)) errand_finish(&run->errand, false);
}

static void open_all(struct dead_run *run, struct status *status)
{
    const struct errand_plan plan = { .role = "dead-command",
                                      .tick_ms = TICK_MS,
                                      .publisher_events = &dead_publisher_events,
                                      .on_tick = on_tick,
                                      .on_signal = on_signal,
                                      .owner = run };
    errand_begin(&run->errand, run->config, &plan, status);
    run->begun_ms = errand_now_ms(&run->errand);
    spout_init(&run->spout, STDOUT_FILENO);
}

static void close_all(struct dead_run *run)
{
    errand_rest(&run->errand);
    walk_free(run->walk);
    run->walk = NULL;
    errand_say_goodbye(&run->errand);
    dead_forget_waiting(run);
    for (struct list *link; (link = list_take_first(&run->sent));)
        letter_free(LIST_ENTRY(link, struct letter, link));
    errand_end(&run->errand);
    spout_fini(&run->spout);
    free(run->room);
    free(run->plain);
}

bool dead_run(const struct config *config, const struct dead_task *task, struct dead_result *result,
              struct status *status)
{
    struct dead_run *run = NEW(struct dead_run);
    *result = (struct dead_result){ .ready = 0 };
    run->config = config;
    run->task = task;
    run->result = result;
    run->is_marked = true;
    run->plain = NEW(struct letter);
    list_init(&run->waiting);
    list_init(&run->sent);
    open_all(run, status);
    errand_run(&run->errand);
    const uint64_t now_ms = errand_now_ms(&run->errand);
    progress_end(&run->progress, result->seen, now_ms);
    result->took_ms = now_ms - run->begun_ms;
    const bool is_well = run->errand.is_well;
    close_all(run);
    free(run);
    return is_well;
}
