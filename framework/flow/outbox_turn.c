/* SPDX-License-Identifier: Apache-2.0
 *
 * The outbox at work: what is sent and when is mail.c's to say, what it looks like letter.c's; here
 * they meet the publisher. Work is done in turns of the loop, so that what was given and what was
 * answered in between is sent and told of together. */
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "flow/outbox_inside.h"
#include "plugin/job_trace.h"

/* A quorum queue that was full says no to a channel for ever when its limit is lifted instead of kept
 * (seen on 3.10); only a new channel asks it again. */
#define REOPEN_RESTS 2 /* before that it may just be full */
#define REOPEN_MS 10000

void outbox_turn_soon(struct outbox *outbox)
{
    if (outbox->is_turn_near) return;
    outbox->is_turn_near = true;
    timer_arm_ms(&outbox->timer, 0);
}

/* ---- outcomes ---------------------------------------------------------------------------------- */

/* One line a second, however much is not taken. */
static void complain(struct outbox *outbox, const struct mail_item *item, const char *what,
                     const char *why)
{
    const struct mail_bundle *bundle = item->bundle;
    const uint32_t times = log_pace_note(&outbox->pace, loop_now_ms(outbox->loop));
    if (!times) return;
    struct job_trace_fields trace;
    job_trace_for_log(&bundle->delivery->job, &trace);
    log_warn("flow", what, LOG_TEXT(QUEUE, bundle->member->consumer),
             LOG_SPAN(MESSAGE_ID, bundle->delivery->job.message.id), LOG_TEXT(REASON, why),
             LOG_INT(COUNT, times), trace.id, trace.span);
}

static void count(struct outbox_member *member, enum publish_outcome outcome)
{
    static const int counters[] = { [PUBLISH_CONFIRMED] = PUBLISHED_CONFIRMED,
                                    [PUBLISH_RETURNED] = PUBLISHED_RETURNED,
                                    [PUBLISH_NACKED] = PUBLISHED_NACKED,
                                    [PUBLISH_UNKNOWN] = -1,
                                    [PUBLISH_REFUSED] = -1 };
    if (counters[outcome] >= 0) counter_add(member->published[counters[outcome]], 1);
}

/* What is wrong with it is said of a copy's queue too, for readiness. */
static void judge(struct outbox *outbox, const struct mail_item *item, enum publish_outcome outcome,
                  const char *why)
{
    struct outbox_side *side = item->bundle->side;
    const bool is_alone = outbox->mail.n_out == 1;
    if (outcome == PUBLISH_CONFIRMED) {
        if (item->kind == MAIL_COPY) side->fault[0] = '\0';
    } else if (outcome != PUBLISH_UNKNOWN && (outcome != PUBLISH_REFUSED || is_alone)) {
        complain(outbox, item,
                 item->kind == MAIL_COPY ? "the broker does not take a copy; trying again"
                                         : "the broker does not take what a handler publishes",
                 why);
        if (item->kind == MAIL_COPY) side_complain(side, why);
    }
}

static void doubt_channel(struct outbox *outbox, const struct mail_item *item)
{
    const uint64_t now_ms = loop_now_ms(outbox->loop);
    if (item->rests < REOPEN_RESTS || now_ms - outbox->reopened_ms < REOPEN_MS) return;
    outbox->reopened_ms = now_ms;
    outbox->is_reopening = true;
}

static void on_outcome(void *own, void *token, enum publish_outcome outcome, const char *why)
{
    struct outbox *outbox = own;
    struct mail_item *item = token;
    struct outbox_side *side = item->bundle->side;
    count(item->bundle->member, outcome);
    if (item->bundle->delivery) judge(outbox, item, outcome, why);
    if (outcome == PUBLISH_NACKED) doubt_channel(outbox, item);
    if (mail_answer(&outbox->mail, item, outcome, why, loop_now_ms(outbox->loop))) {
        list_append(&side->stuck, &item->link);
        side_mend(side, outbox->connection);
    }
    outbox_turn_soon(outbox);
}

static void on_room(void *own)
{
    outbox_turn_soon(own);
}

static void on_lost(void *own, const char *why)
{
    struct outbox *outbox = own;
    outbox->is_reopening = false; /* it is, already */
    mail_lost(&outbox->mail, why, loop_now_ms(outbox->loop));
    outbox_turn_soon(outbox);
}

const struct publisher_events outbox_publisher_events = { on_outcome, on_room, on_lost };

/* ---- a turn ------------------------------------------------------------------------------------ */

static void tell_done(struct outbox *outbox)
{
    for (struct mail_bundle *bundle; (bundle = mail_take_done(&outbox->mail));) {
        struct delivery *delivery = bundle->delivery;
        outbox_on_sent *on_sent = bundle->on_sent;
        void *owner = (void *)(uintptr_t)bundle->owner;
        const bool is_unroutable = bundle->is_unroutable;
        free(bundle);
        on_sent(owner, delivery, is_unroutable ? OUTBOX_UNROUTABLE : OUTBOX_SENT);
    }
}

/* False: it cannot be encoded. */
static bool send(struct outbox *outbox, struct mail_item *item, struct status *status)
{
    const struct mail_bundle *bundle = item->bundle;
    const struct letter_terms terms = { .host = outbox->host,
                                        .consumer = bundle->member->consumer,
                                        .target = bundle->side ? bundle->side->name : NULL,
                                        .unix_ms = clock_unix_us() / 1000 };
    struct amqp_outgoing message;
    outbox->room.bytes = publisher_most_bytes(outbox->publisher);
    return letter_write(item, &terms, &outbox->room, &message, status) &&
           publisher_send(outbox->publisher, &message, item, status);
}

static void send_next(struct outbox *outbox, struct mail_item *item, uint64_t now_ms)
{
    struct status status = { .exit = EXIT_WELL };
    if (send(outbox, item, &status)) {
        mail_is_out(&outbox->mail, item);
        return;
    }
    complain(outbox, item, "a message cannot be sent", status.text);
    if (item->kind == MAIL_COPY) {
        side_complain(item->bundle->side, status.text);
        mail_put_off(&outbox->mail, item, now_ms);
    } else {
        mail_give_up(&outbox->mail, item, status.text);
    }
}

static void send_some(struct outbox *outbox, uint64_t now_ms)
{
    struct mail_item *item;
    if (outbox->is_reopening) {
        if (outbox->mail.n_out || !publisher_has_room(outbox->publisher)) return;
        outbox->is_reopening = false;
        publisher_reopen(outbox->publisher);
    }
    while (publisher_has_room(outbox->publisher) && (item = mail_next(&outbox->mail, now_ms)))
        send_next(outbox, item, now_ms);
}

void outbox_turn(void *own)
{
    struct outbox *outbox = own;
    const uint64_t now_ms = loop_now_ms(outbox->loop);
    outbox->is_turn_near = false;
    if (outbox->publisher) send_some(outbox, now_ms);
    tell_done(outbox);
    const uint64_t due_ms = mail_due_ms(&outbox->mail);
    if (!outbox->is_turn_near && due_ms && due_ms > now_ms)
        timer_arm_ms(&outbox->timer, due_ms - now_ms);
}
