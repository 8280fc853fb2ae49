/* SPDX-License-Identifier: Apache-2.0
 *
 * Missing queues; see side.h. */
#include "flow/side.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

#define PAUSE_MS 1000 /* between two declarations, however they ended */

static void begin(struct outbox_side *side);

static void on_time(void *own)
{
    begin(own);
}

struct outbox_side *side_new(struct loop *loop, const char *queue, uint32_t delay_ms,
                             void (*on_mended)(void *, struct outbox_side *), void *owner)
{
    struct outbox_side *side = NEW(struct outbox_side);
    list_init(&side->link);
    list_init(&side->stuck);
    side->queue = memory_copy_text(queue);
    side->delay_ms = delay_ms;
    if (delay_ms)
        topology_retry_name(queue, delay_ms, side->name, sizeof side->name);
    else
        topology_dead_name(queue, side->name, sizeof side->name);
    side->topology = (struct topology){ .queue = side->queue,
                                        .delays_ms = &side->delay_ms,
                                        .n_delays = delay_ms != 0 };
    side->on_mended = on_mended;
    side->owner = owner;
    timer_init(&side->timer, loop, on_time, side);
    return side;
}

void side_free(struct outbox_side *side)
{
    topology_cancel(side->work);
    timer_fini(&side->timer);
    free(side->queue);
    free(side);
}

void side_complain(struct outbox_side *side, const char *why)
{
    (void)snprintf(side->fault, sizeof side->fault, "%s", why);
}

static void on_answer(void *own, const struct topology_report *report)
{
    struct outbox_side *side = own;
    side->work = NULL;
    if (report->done) {
        log_info("flow", "declared a missing queue again", LOG_TEXT(QUEUE, side->name));
        side->on_mended(side->owner, side);
        return;
    }
    side_complain(side, report->fault.text);
    log_warn("flow", "a missing queue cannot be declared; trying again",
             LOG_TEXT(QUEUE, side->name), LOG_TEXT(REASON, report->fault.text));
    timer_arm_ms(&side->timer, PAUSE_MS);
}

static void begin(struct outbox_side *side)
{
    if (list_is_empty(&side->stuck)) return; /* forgotten meanwhile */
    side->begun_ms = clock_now_ms();
    side->work = topology_start(side->connection, &side->topology, TOPOLOGY_MEND, on_answer, side);
}

void side_mend(struct outbox_side *side, struct amqp_connection *connection)
{
    side->connection = connection;
    if (side->work || timer_is_armed(&side->timer)) return;
    const uint64_t now_ms = clock_now_ms(), next_ms = side->begun_ms + PAUSE_MS;
    log_warn("flow", "a queue is missing: what is for it waits", LOG_TEXT(QUEUE, side->name));
    timer_arm_ms(&side->timer, side->begun_ms && now_ms < next_ms ? next_ms - now_ms : 0);
}
