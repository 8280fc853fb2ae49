/* SPDX-License-Identifier: Apache-2.0
 *
 * What leaves through the outbox: what handlers publish, copies to retry queues, letters to the dead
 * queue. The original is settled when all of it is confirmed, and stays unacked until then. */
#include "flow/crew_inside.h"

/* Verdicts that leave no rows pass the states of those that do. */
static void pass_to_cached(struct delivery *delivery)
{
    if (delivery->state == DELIVERY_HANDLING || delivery->state == DELIVERY_FETCHING)
        delivery_move(delivery, DELIVERY_STAGED);
    if (delivery->state == DELIVERY_STAGED) delivery_move(delivery, DELIVERY_STORED);
    if (delivery->state == DELIVERY_STORED) delivery_move(delivery, DELIVERY_CACHED);
}

static void settle_it(struct delivery *delivery)
{
    delivery_move(delivery, DELIVERY_PUBLISHED);
    delivery_move(delivery, DELIVERY_SETTLED);
}

void crew_finish(struct crew *crew, struct delivery *delivery)
{
    valve_note(&crew->valve, VALVE_SENT, false, crew->now.now_ns / 1000000u);
    settle_it(delivery);
    settle_done(&crew->settle, delivery, &crew->now);
    tracing_end(&crew->tracing, delivery, SPAN_DONE, NULL, crew->now.now_ns);
    crew_free_delivery(crew, delivery);
}

/* The outbox has given it back: a turn follows, in which it is acked. */
static void take_back(struct crew *crew)
{
    crew->sending--;
    crew_read_clocks(crew);
    timer_arm_ms(&crew->timer, 0);
}

/* ---- what handlers publish --------------------------------------------------------------------- */

static void on_published(void *own, struct delivery *delivery, enum outbox_result result)
{
    struct crew *crew = own;
    take_back(crew);
    if (result == OUTBOX_SENT) {
        crew_finish(crew, delivery);
        return;
    }
    valve_note(&crew->valve, VALVE_SENT, true, crew->now.now_ns / 1000000u);
    delivery->outcome.reason = delivery->unroutable;
    crew_bury(crew, delivery, DEAD_UNROUTABLE, delivery->unroutable);
}

void crew_publish(struct crew *crew, struct delivery *delivery)
{
    crew->sending++;
    tracing_carry_on(delivery);
    outbox_publish(crew->settings.outbox, delivery, on_published, crew);
}

/* ---- copies ------------------------------------------------------------------------------------ */

static void on_retried(void *own, struct delivery *delivery, enum outbox_result result)
{
    struct crew *crew = own;
    (void)result; /* copies are sent until they are in */
    take_back(crew);
    settle_it(delivery);
    settle_retried(&crew->settle, delivery, &crew->now);
    tracing_end(&crew->tracing, delivery, SPAN_RETRY, NULL, crew->now.now_ns);
    crew_free_delivery(crew, delivery);
}

void crew_retry_later(struct crew *crew, struct delivery *delivery, uint32_t delay_ms)
{
    const struct outbox_retry retry = {
        .queue = crew->settings.topology.queue,
        .delay_ms = delay_ms,
        .next_attempt = delivery->attempt + 1,
        .detail = delivery->outcome.reason,
        .code = delivery->outcome.code,
        .handler = crew->settings.handler,
    };
    crew_end_reading(crew, delivery);
    pass_to_cached(delivery);
    crew->sending++;
    outbox_retry_later(crew->settings.outbox, delivery, &retry, on_retried, crew);
}

static void on_buried(void *own, struct delivery *delivery, enum outbox_result result)
{
    struct crew *crew = own;
    (void)result;
    take_back(crew);
    settle_it(delivery);
    settle_dead(&crew->settle, delivery, delivery->dead_reason, &crew->now);
    tracing_end(&crew->tracing, delivery, SPAN_DEAD, dead_reason_name(delivery->dead_reason),
                crew->now.now_ns);
    crew_free_delivery(crew, delivery);
}

static void send_letter(struct crew *crew, struct delivery *delivery, struct wr_text detail)
{
    const struct outbox_letter letter = {
        .reason = delivery->dead_reason,
        .detail = detail,
        .code = delivery->outcome.code,
        .queue = crew->settings.topology.queue,
        .handler = crew->settings.handler,
    };
    crew->sending++;
    outbox_bury(crew->settings.outbox, delivery, &letter, on_buried, crew);
}

/* What is published even so is out. Where no queue takes that, the letter says so too. */
static void on_last_words(void *own, struct delivery *delivery, enum outbox_result result)
{
    struct crew *crew = own;
    const struct job_outcome *outcome = &delivery->outcome;
    struct wr_text detail = outcome->reason;
    take_back(crew);
    if (result == OUTBOX_UNROUTABLE) {
        static const char also[] = "; what it always publishes is lost: ";
        const size_t bytes = detail.len + sizeof also - 1 + delivery->unroutable.len;
        char *text = arena_take_bytes(&delivery->arena, bytes);
        memcpy(text, detail.at, detail.len);
        memcpy(text + detail.len, also, sizeof also - 1);
        memcpy(text + detail.len + sizeof also - 1, delivery->unroutable.at,
               delivery->unroutable.len);
        detail = text_from(text, bytes);
    }
    send_letter(crew, delivery, detail);
}

void crew_bury(struct crew *crew, struct delivery *delivery, enum dead_reason reason,
               struct wr_text detail)
{
    crew_complain(crew, delivery, dead_reason_words(reason));
    crew_end_reading(crew, delivery);
    pass_to_cached(delivery);
    delivery->dead_reason = reason;
    if (reason == DEAD_REJECTED && delivery->outcome.effects.n_publishes) {
        crew->sending++;
        tracing_carry_on(delivery);
        outbox_publish(crew->settings.outbox, delivery, on_last_words, crew);
    } else {
        send_letter(crew, delivery, detail);
    }
}
