/* SPDX-License-Identifier: Apache-2.0
 *
 * The outbox; see outbox.h. What is sent and when is mail.c's to say, what it looks like letter.c's;
 * here they meet the publisher. Work is done in turns of the loop: what was given and what was answered
 * in between is sent and told of together. */
#include <stdio.h>
#include <stdlib.h>

#include "amqp/codec.h"
#include "base/clock.h"
#include "base/log.h"
#include "flow/letter.h"
#include "flow/side.h"

#define WINDOW 1024 /* messages out at once */
#define COMPLAINT_MS 1000

/* A quorum queue that was full says no to a channel for ever when its limit is lifted instead of kept
 * (seen on 3.10); only a new channel asks it again. */
#define REOPEN_RESTS 2 /* before that it may just be full */
#define REOPEN_MS 10000

enum published { PUBLISHED_CONFIRMED, PUBLISHED_RETURNED, PUBLISHED_NACKED, PUBLISHED_COUNT };

struct outbox_member {
    struct list link;
    const void *owner;
    const char *consumer;
    struct counter *published[PUBLISHED_COUNT];
};

struct outbox {
    struct loop *loop;
    const char *host;
    struct metrics *metrics;
    struct amqp_connection *connection;
    struct publisher *publisher; /* NULL before outbox_connect */
    struct mail mail;
    struct list members, sides;
    struct timer timer;
    bool is_turn_near; /* the timer is armed for now */
    bool is_reopening; /* nothing is sent until nothing is out; then the channel is opened anew */
    uint64_t reopened_ms;
    struct letter_room room;
    uint64_t complained_ms;
    uint32_t unsaid;
    char fault[900];
};

/* ---- members and sides ------------------------------------------------------------------------- */

void outbox_join(struct outbox *outbox, const void *owner, const char *consumer)
{
    static const char *const outcomes[PUBLISHED_COUNT] = { "confirmed", "returned", "nacked" };
    struct outbox_member *member = NEW(struct outbox_member);
    member->owner = owner;
    member->consumer = consumer;
    for (int i = 0; i < PUBLISHED_COUNT; i++)
        member->published[i] = metrics_counter(outbox->metrics, METRIC_PUBLISHED,
                                               (const char *[]){ consumer, outcomes[i] });
    list_append(&outbox->members, &member->link);
}

static struct outbox_member *member_of(struct outbox *outbox, const void *owner)
{
    LIST_EACH (link, &outbox->members) {
        struct outbox_member *member = LIST_ENTRY(link, struct outbox_member, link);
        if (member->owner == owner) return member;
    }
    CHECK(!"who sends has joined before");
    return NULL;
}

static void turn_soon(struct outbox *outbox)
{
    if (outbox->is_turn_near) return;
    outbox->is_turn_near = true;
    timer_arm_ms(&outbox->timer, 0);
}

static void on_mended(void *own, struct outbox_side *side)
{
    struct outbox *outbox = own;
    for (struct list *link; (link = list_take_first(&side->stuck));)
        mail_again(&outbox->mail, LIST_ENTRY(link, struct mail_item, link));
    turn_soon(outbox);
}

static struct outbox_side *side_of(struct outbox *outbox, const char *queue, uint32_t delay_ms)
{
    LIST_EACH (link, &outbox->sides) {
        struct outbox_side *side = LIST_ENTRY(link, struct outbox_side, link);
        if (side->delay_ms == delay_ms && strcmp(side->queue, queue) == 0) return side;
    }
    struct outbox_side *side = side_new(outbox->loop, queue, delay_ms, on_mended, outbox);
    list_append(&outbox->sides, &side->link);
    return side;
}

/* ---- outcomes ---------------------------------------------------------------------------------- */

/* One line a second, however much is not taken. */
static void complain(struct outbox *outbox, const struct mail_item *item, const char *what,
                     const char *why)
{
    const struct mail_bundle *bundle = item->bundle;
    const uint64_t now_ms = loop_now_ms(outbox->loop);
    if (outbox->complained_ms && now_ms - outbox->complained_ms < COMPLAINT_MS) {
        outbox->unsaid++;
        return;
    }
    log_warn("flow", what, LOG_TEXT(QUEUE, bundle->member->consumer),
             LOG_SPAN(MESSAGE_ID, bundle->delivery->job.message.id), LOG_TEXT(REASON, why),
             LOG_INT(COUNT, outbox->unsaid + 1));
    outbox->complained_ms = now_ms;
    outbox->unsaid = 0;
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
    turn_soon(outbox);
}

static void on_room(void *own)
{
    turn_soon(own);
}

static void on_lost(void *own, const char *why)
{
    struct outbox *outbox = own;
    outbox->is_reopening = false; /* it is, already */
    mail_lost(&outbox->mail, why, loop_now_ms(outbox->loop));
    turn_soon(outbox);
}

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

static void on_turn(void *own)
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

/* ---- for owners -------------------------------------------------------------------------------- */

struct outbox *outbox_new(struct loop *loop, const char *host_name, struct metrics *metrics)
{
    struct outbox *outbox = NEW(struct outbox);
    outbox->loop = loop;
    outbox->host = host_name;
    outbox->metrics = metrics;
    mail_init(&outbox->mail);
    list_init(&outbox->members);
    list_init(&outbox->sides);
    timer_init(&outbox->timer, loop, on_turn, outbox);
    outbox->room.properties = memory_new(1, CODEC_FRAME_MOST);
    return outbox;
}

void outbox_connect(struct outbox *outbox, struct amqp_connection *connection)
{
    static const struct publisher_events events = { on_outcome, on_room, on_lost };
    outbox->connection = connection;
    outbox->publisher = publisher_new(connection, WINDOW, &events, outbox);
    turn_soon(outbox);
}

void outbox_free(struct outbox *outbox)
{
    if (!outbox) return;
    publisher_free(outbox->publisher);
    timer_fini(&outbox->timer);
    mail_fini(&outbox->mail);
    for (struct list *link; (link = list_take_first(&outbox->sides));)
        side_free(LIST_ENTRY(link, struct outbox_side, link));
    for (struct list *link; (link = list_take_first(&outbox->members));)
        free(LIST_ENTRY(link, struct outbox_member, link));
    free(outbox->room.properties);
    free(outbox);
}

static struct mail_bundle *begin(struct outbox *outbox, struct delivery *delivery, unsigned n,
                                 outbox_on_sent *on_sent, void *owner)
{
    struct mail_bundle *bundle = mail_bundle_new(delivery, n);
    bundle->on_sent = on_sent;
    bundle->owner = owner;
    bundle->member = member_of(outbox, owner);
    list_remove(&delivery->link);
    turn_soon(outbox);
    return bundle;
}

static void copy_texts(struct mail_bundle *bundle, struct wr_text detail, struct wr_text code,
                       const char *handler)
{
    struct arena *arena = &bundle->delivery->arena;
    bundle->detail = arena_copy(arena, detail);
    bundle->code = arena_copy(arena, code);
    bundle->handler = text_of(handler);
    bundle->items[0].kind = MAIL_COPY;
}

void outbox_bury(struct outbox *outbox, struct delivery *delivery,
                 const struct outbox_letter *letter, outbox_on_sent *on_sent, void *owner)
{
    struct mail_bundle *bundle = begin(outbox, delivery, 1, on_sent, owner);
    bundle->side = side_of(outbox, letter->queue, 0);
    bundle->attempt = delivery->attempt;
    bundle->reason = text_of(dead_reason_name(letter->reason));
    copy_texts(bundle, letter->detail, letter->code, letter->handler);
    mail_post(&outbox->mail, bundle);
}

void outbox_retry_later(struct outbox *outbox, struct delivery *delivery,
                        const struct outbox_retry *retry, outbox_on_sent *on_sent, void *owner)
{
    struct mail_bundle *bundle = begin(outbox, delivery, 1, on_sent, owner);
    bundle->side = side_of(outbox, retry->queue, retry->delay_ms);
    bundle->attempt = retry->next_attempt;
    bundle->reason = text_of("");
    copy_texts(bundle, retry->detail, retry->code, retry->handler);
    mail_post(&outbox->mail, bundle);
}

void outbox_publish(struct outbox *outbox, struct delivery *delivery, outbox_on_sent *on_sent,
                    void *owner)
{
    const struct effects *effects = &delivery->outcome.effects;
    struct mail_bundle *bundle = begin(outbox, delivery, effects->n_publishes, on_sent, owner);
    unsigned n = 0;
    for (const struct effect_publish *publish = effects->publishes; publish;
         publish = publish->next, n++) {
        bundle->items[n].publish = publish;
        bundle->items[n].nth = n;
        bundle->items[n].kind = publish->is_reply ? MAIL_REPLY : MAIL_OWN;
    }
    CHECK(n == effects->n_publishes);
    mail_post(&outbox->mail, bundle);
}

void outbox_forget(struct outbox *outbox, const void *owner, struct list *into)
{
    mail_forget(&outbox->mail, owner, into);
    LIST_EACH (link, &outbox->sides) { /* whose faults nobody waits for */
        struct outbox_side *side = LIST_ENTRY(link, struct outbox_side, link);
        if (list_is_empty(&side->stuck)) side->fault[0] = '\0';
    }
}

size_t outbox_count(const struct outbox *outbox)
{
    return outbox->mail.n_deliveries;
}

bool outbox_is_blocked(const struct outbox *outbox)
{
    return !outbox->publisher || !amqp_connection_is_ready(outbox->connection) ||
           amqp_connection_is_blocked(outbox->connection);
}

static const struct outbox_side *side_at_fault(const struct outbox *outbox)
{
    LIST_EACH (link, &outbox->sides) {
        const struct outbox_side *side = LIST_ENTRY(link, struct outbox_side, link);
        if (side->fault[0]) return side;
    }
    return NULL;
}

const char *outbox_fault(struct outbox *outbox)
{
    const struct outbox_side *side = side_at_fault(outbox);
    const size_t n = outbox_count(outbox);
    if (!n) return "";
    if (outbox_is_blocked(outbox))
        (void)snprintf(outbox->fault, sizeof outbox->fault, "publishing: %zu messages wait, %s", n,
                       outbox->connection && amqp_connection_is_ready(outbox->connection)
                           ? "the broker blocks publishers (an alarm of its memory or disk)"
                           : "there is no connection to publish on");
    else if (side)
        (void)snprintf(outbox->fault, sizeof outbox->fault,
                       "publishing: queue '%s' does not take what is sent there: %s", side->name,
                       side->fault);
    else
        return "";
    return outbox->fault;
}
