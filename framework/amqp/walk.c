/* SPDX-License-Identifier: Apache-2.0
 *
 * The walk; see walk.h. One channel: it looks at the queue, then opens one consumer after another, each
 * cancelled before the next begins, so that letters come in their order. Consumers have tags that
 * sort in their order: by that the broker gives back what they hold. */
#include "amqp/walk.h"

#include <stdio.h>
#include <stdlib.h>

#include "amqp/arguments.h"
#include "amqp/late_zero.h"
#include "amqp/refusal.h"
#include "amqp/walk_inside.h"
#include "base/check.h"

#define SETTLE_MS 100       /* between two looks at the beginning */
#define SETTLE_MOST_MS 2000 /* for the letters of one that was killed to come back */

static void note_asked(struct walk *walk)
{
    walk->asked_ms = walk_now_ms(walk);
    walk->missed_ms = 0;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void cancel(struct walk *walk, void (*on_ok)(void *, void *))
{
    amqp_basic_cancel_t method = { .consumer_tag = codec_cstr(walk->tag) };
    const bool sent = channel_call(walk->channel, AMQP_BASIC_CANCEL_METHOD, &method,
                                   AMQP_BASIC_CANCEL_OK_METHOD, on_ok);
    CHECK(sent);
}

void walk_stop(struct walk *walk)
{
    if (walk->state >= STATE_ENDED) return;
    const bool is_taking = walk->state == STATE_TAKING;
    walk->state = STATE_ENDED;
    timer_disarm(&walk->tick);
    if (is_taking && channel_is_open(walk->channel)) cancel(walk, NULL);
}

static void end(struct walk *walk, enum walk_end end, const char *why)
{
    if (walk->state >= STATE_ENDED) return;
    walk_stop(walk);
    walk->events.on_end(walk->owner, end, why);
}

static PRINTF_LIKE(3, 4) void end_in_words(struct walk *walk, enum walk_end how, const char *format,
                                           ...)
{
    struct status why = { .exit = EXIT_WELL };
    va_list args;
    va_start(args, format);
    (void)status_vfail(&why, EXIT_UNREACHABLE, format, args);
    va_end(args);
    end(walk, how, why.text);
}

static void tear(struct walk *walk)
{
    if (!walk->is_told) return;
    walk->is_told = false;
    walk->events.on_torn(walk->owner, walk->token);
}

/* ---- windows --------------------------------------------------------------------------------- */

static void on_consume_ok(void *owner, void *decoded UNUSED)
{
    struct walk *walk = owner;
    if (walk->state != STATE_OPENING) return;
    walk->state = STATE_TAKING;
    walk_plan_opened(&walk->plan, walk_now_ms(walk));
}

static void open_window(struct walk *walk)
{
    if (walk_plan_is_done(&walk->plan)) { /* the last ones came while a window was cancelled */
        end(walk, WALK_DONE, "");
        return;
    }
    if (!walk->events.has_room(walk->owner)) {
        walk->state = STATE_RESTING;
        return;
    }
    amqp_basic_qos_t qos = { .prefetch_count = walk_plan_open(&walk->plan, walk_now_ms(walk)) };
    walk->state = STATE_OPENING;
    note_asked(walk);
    (void)snprintf(walk->tag, sizeof walk->tag, "%.120s.%.100s.%06u", walk->settings.name,
                   walk->settings.queue, ++walk->windows);
    amqp_basic_consume_t consume = { .queue = codec_cstr(walk->settings.queue),
                                     .consumer_tag = codec_cstr(walk->tag) };
    const bool sent =
        channel_call(walk->channel, AMQP_BASIC_QOS_METHOD, &qos, AMQP_BASIC_QOS_OK_METHOD, NULL) &&
        channel_call(walk->channel, AMQP_BASIC_CONSUME_METHOD, &consume,
                     AMQP_BASIC_CONSUME_OK_METHOD, on_consume_ok);
    CHECK(sent); /* the queue's name was encoded before */
}

static void on_cancel_ok(void *owner, void *decoded UNUSED)
{
    struct walk *walk = owner;
    if (walk->state == STATE_TURNING) open_window(walk);
}

static void turn(struct walk *walk)
{
    walk->state = STATE_TURNING;
    note_asked(walk);
    cancel(walk, on_cancel_ok);
}

/* After each letter and each settling. */
static void look_around(struct walk *walk)
{
    if (walk->state != STATE_TAKING) return;
    if (walk_plan_is_done(&walk->plan))
        end(walk, WALK_DONE, "");
    else if (walk_plan_turns(&walk->plan))
        turn(walk);
}

/* ---- looking at the queue -------------------------------------------------------------------- */

void walk_count(struct walk *walk, void (*on_ok)(void *, void *))
{
    note_asked(walk);
    amqp_queue_declare_t method = { .queue = codec_cstr(walk->settings.queue), .passive = 1 };
    if (!channel_call(walk->channel, AMQP_QUEUE_DECLARE_METHOD, &method,
                      AMQP_QUEUE_DECLARE_OK_METHOD, on_ok))
        end_in_words(walk, WALK_REFUSED, "queue '%s': its name has more than 255 bytes",
                     walk->settings.queue);
}

static void begin(struct walk *walk)
{
    const uint64_t most = walk->settings.most;
    const uint64_t least = walk->settings.least, ready = walk->facts.ready;
    walk->is_unsure = walk->is_unsure && !least;
    const uint64_t there = walk->is_unsure ? 1 : ready > least ? ready : least;
    const uint64_t expected = most && most < there ? most : there;
    walk_plan_begin(&walk->plan, expected, walk->settings.hand_bytes, walk_now_ms(walk));
    walk->events.on_begun(walk->owner, &walk->facts);
    if (walk->is_freed || walk->state >= STATE_ENDED) return;
    timer_arm_ms(&walk->tick, WALK_TICK_MS);
    open_window(walk);
}

static void on_settling(void *owner, void *decoded)
{
    struct walk *walk = owner;
    const amqp_queue_declare_ok_t *ok = decoded;
    const uint64_t now_ms = walk_now_ms(walk), age_ms = now_ms - walk->begun_ms;
    const bool is_known = !is_late_zero(ok->message_count, now_ms - walk->asked_ms);
    const bool is_same = walk->facts.ready == ok->message_count && !ok->consumer_count && is_known;
    walk->is_asking = false;
    walk->facts.ready = ok->message_count;
    walk->facts.consumers = ok->consumer_count;
    if (walk->state != STATE_SETTLING) return;
    walk->is_unsure = !is_known;
    if (is_same || age_ms > SETTLE_MOST_MS)
        begin(walk);
    else
        timer_arm_ms(&walk->tick, SETTLE_MS);
}

static void settle(struct walk *walk)
{
    walk->state = STATE_SETTLING;
    walk->begun_ms = walk_now_ms(walk);
    walk->facts.ready = UINT64_MAX;
    walk->is_asking = true;
    walk_count(walk, on_settling);
}

static void on_limit_ok(void *owner, void *decoded UNUSED)
{
    struct walk *walk = owner;
    if (walk->state != STATE_LIMIT) return;
    walk->facts.limit = DELIVERY_LIMIT_DEAD;
    settle(walk);
}

/* It is there: declared as ours it is not made, only compared, and a difference tells the limit. */
static void on_look_ok(void *owner, void *decoded UNUSED)
{
    struct walk *walk = owner;
    struct arguments arguments;
    if (walk->state != STATE_LOOKING) return;
    walk->state = STATE_LIMIT;
    note_asked(walk);
    arguments_make(&arguments, QUEUE_DEAD, "", DELIVERY_LIMIT_DEAD);
    amqp_queue_declare_t method = { .queue = codec_cstr(walk->settings.queue),
                                    .durable = 1,
                                    .arguments = arguments.table };
    const bool sent = channel_call(walk->channel, AMQP_QUEUE_DECLARE_METHOD, &method,
                                   AMQP_QUEUE_DECLARE_OK_METHOD, on_limit_ok);
    CHECK(sent);
}

static void read_limit(struct walk *walk, const struct channel_loss *loss)
{
    char warning[600];
    const struct refusal refusal = { .code = loss->code,
                                     .words = loss->why,
                                     .queue = walk->settings.queue,
                                     .vhost = connection_vhost(walk->connection) };
    if (!refusal_is_limit(&refusal, DELIVERY_LIMIT_DEAD, &walk->facts.limit, warning,
                          sizeof warning))
        walk->facts.limit = WALK_LIMIT_UNKNOWN;
}

/* The channel; it is asked for once. */
static void knock(struct walk *walk)
{
    walk->state = STATE_LOOKING;
    note_asked(walk);
    channel_open(walk->channel);
}

static void on_open(void *owner)
{
    struct walk *walk = owner;
    if (walk->state == STATE_LOOKING)
        walk_count(walk, on_look_ok);
    else if (walk->state == STATE_LIMIT)
        settle(walk);
}

static void on_left(void *owner, void *decoded)
{
    struct walk *walk = owner;
    const amqp_queue_declare_ok_t *ok = decoded;
    walk->is_asking = false;
    if (walk->state != STATE_TAKING) return;
    switch (walk_plan_answer(&walk->plan, ok->message_count, walk_now_ms(walk))) {
    case WALK_GO_ON: return;
    case WALK_NO_MORE: end(walk, WALK_DONE, ""); return;
    case WALK_STALLS:
        end_in_words(walk, WALK_STALLED,
                     "queue '%s' has %u messages and gives none of them: another consumer is its "
                     "single active one, or its leader is away; end that consumer and try again",
                     walk->settings.queue, ok->message_count);
    }
}

/* ---- the clock --------------------------------------------------------------------------------- */

static bool is_asking(const struct walk *walk)
{
    return walk->is_asking || (walk->state > STATE_IDLE && walk->state < STATE_SETTLING) ||
           walk->state == STATE_OPENING || walk->state == STATE_TURNING;
}

static bool give_up(struct walk *walk)
{
    if (walk->state >= STATE_ENDED || !is_asking(walk) ||
        !walk_plan_gives_up(&walk->plan, walk->asked_ms + walk->missed_ms, walk_now_ms(walk)))
        return false;
    end_in_words(walk, WALK_STALLED,
                 "the broker has not answered about queue '%s' for %d s: the queue's leader is "
                 "away, or the broker has too much to do; nothing is lost, try again",
                 walk->settings.queue, WALK_ANSWER_MS / 1000);
    return true;
}

static void ask(struct walk *walk, void (*on_ok)(void *owner, void *decoded))
{
    walk->is_asking = true;
    walk_count(walk, on_ok);
}

static void take_step(struct walk *walk)
{
    if (walk->state == STATE_SETTLING) ask(walk, on_settling);
    if (walk->state != STATE_TAKING) return;
    switch (walk_plan_step(&walk->plan, walk_now_ms(walk))) {
    case WALK_WAITS: return;
    case WALK_TURNS: turn(walk); return;
    case WALK_ASKS: ask(walk, on_left); return;
    }
}

static void on_tick(void *owner)
{
    struct walk *walk = owner;
    struct amqp_connection *connection = walk->connection;
    connection_enter(connection);
    walk->missed_ms += standstill_tick(&walk->standstill, SETTLE_MS, walk_now_ms(walk));
    timer_arm_ms(&walk->tick, WALK_TICK_MS);
    if (walk->state == STATE_IDLE) {
        if (amqp_connection_is_ready(connection)) knock(walk);
    } else if (walk->state == STATE_COUNTING) {
        walk_be_back(walk);
    } else if (walk->state == STATE_RETURNING) {
        if (channel_is_open(walk->channel) && !walk->is_asking) walk_ask_returned(walk);
    } else if (!give_up(walk) && channel_is_open(walk->channel) && !walk->is_asking) {
        take_step(walk);
    }
    connection_leave(connection);
}

/* ---- losing ---------------------------------------------------------------------------------- */

static void on_lost(void *owner, const struct channel_loss *loss)
{
    struct walk *walk = owner;
    const char *queue = walk->settings.queue;
    walk->is_asking = false;
    tear(walk);
    if (walk->is_freed) return;
    if (walk->state == STATE_ENDED) {
        if (walk->plan.received == walk->plan.settled) return;
        walk->plan.settled = walk->plan.received; /* told once */
        walk->events.on_end(walk->owner, WALK_LOST, loss->why);
    } else if (walk->state > STATE_ENDED) {
        walk_be_back(walk);
    } else if (loss->code && walk->state == STATE_LIMIT) {
        read_limit(walk, loss);
        channel_open(walk->channel);
    } else if (loss->code == AMQP_NOT_FOUND) {
        end_in_words(walk, WALK_MISSING, "there is no queue '%s' in vhost '%s'", queue,
                     connection_vhost(walk->connection));
    } else if (loss->code && walk->state < STATE_TAKING) {
        end_in_words(walk, WALK_REFUSED, "queue '%s' cannot be read: %u %s", queue, loss->code,
                     loss->why);
    } else if (loss->code) {
        end_in_words(walk, WALK_LOST, "the broker closed the channel of queue '%s': %u %s", queue,
                     loss->code, loss->why);
    } else {
        end(walk, WALK_LOST, loss->why);
    }
}

static void on_method(void *owner, amqp_method_number_t method, void *decoded UNUSED)
{
    struct walk *walk = owner;
    if (method != AMQP_BASIC_CANCEL_METHOD)
        connection_blame(walk->connection, "the broker sent %s to a consumer",
                         amqp_method_name(method));
    else
        end_in_words(walk, WALK_LOST,
                     "the broker cancelled the consumer of queue '%s': the queue was deleted, or "
                     "its leader went",
                     walk->settings.queue);
}

static void on_connected(void *owner)
{
    struct walk *walk = owner;
    if (walk->state == STATE_IDLE) knock(walk);
}

/* ---- letters --------------------------------------------------------------------------------- */

static void on_content(void *owner, const struct channel_content *content)
{
    struct walk *walk = owner;
    struct amqp_delivery delivery;
    if (!delivery_read(walk->connection, content, 1, walk->settings.queue, &delivery)) return;
    walk->into = NULL;
    walk->filled = 0;
    if (walk->is_unsure) {
        end_in_words(walk, WALK_STALLED,
                     "the broker does not know how many messages queue '%s' has, and it has some: "
                     "its leader was away, or the broker has too much to do; try again",
                     walk->settings.queue);
        return;
    }
    walk->is_told = walk->state < STATE_ENDED &&
                    walk_plan_take(&walk->plan, content->body_bytes + content->properties.len,
                                   walk_now_ms(walk));
    if (walk->is_told) walk->into = walk->events.on_begin(walk->owner, &delivery, &walk->token);
}

static void on_body(void *owner, struct wr_text piece)
{
    struct walk *walk = owner;
    if (!walk->into) return;
    memcpy(walk->into + walk->filled, piece.at, piece.len);
    walk->filled += piece.len;
}

static void on_content_end(void *owner)
{
    struct walk *walk = owner;
    if (!walk->is_told) return;
    walk->is_told = false;
    walk->into = NULL;
    walk->events.on_letter(walk->owner, walk->token);
    if (!walk->is_freed) look_around(walk);
}

/* Tags count the letters of the channel from 1, and so does the plan. */
void walk_ack(struct walk *walk, uint64_t tag)
{
    if (!channel_is_open(walk->channel)) return;
    amqp_basic_ack_t ack = { .delivery_tag = tag };
    channel_send(walk->channel, AMQP_BASIC_ACK_METHOD, &ack);
    walk_plan_settle(&walk->plan, tag, false, walk_now_ms(walk));
    look_around(walk);
}

void walk_keep(struct walk *walk, uint64_t tag)
{
    walk_plan_settle(&walk->plan, tag, true, walk_now_ms(walk));
    look_around(walk);
}

void walk_nudge(struct walk *walk)
{
    struct amqp_connection *connection = walk->connection;
    if (walk->state != STATE_RESTING || !channel_is_open(walk->channel)) return;
    connection_enter(connection);
    open_window(walk);
    connection_leave(connection);
}

/* ---- for owners ------------------------------------------------------------------------------ */

struct walk *walk_new(struct amqp_connection *connection, const struct walk_settings *settings,
                      const struct walk_events *events, void *owner)
{
    static const struct channel_events channel_events = {
        .on_connected = on_connected,
        .on_open = on_open,
        .on_lost = on_lost,
        .on_method = on_method,
        .on_content = on_content,
        .on_body = on_body,
        .on_content_end = on_content_end,
    };
    struct walk *walk = NEW(struct walk);
    walk->connection = connection;
    walk->settings = *settings;
    walk->events = *events;
    walk->owner = owner;
    timer_init(&walk->tick, connection_loop(connection), on_tick, walk);
    walk->channel = channel_new(connection, &channel_events, walk);
    timer_arm_ms(&walk->tick, 0);
    return walk;
}

void walk_free(struct walk *walk)
{
    if (!walk) return;
    struct amqp_connection *connection = walk->connection;
    connection_enter(connection);
    walk->is_freed = true;
    walk->state = STATE_ENDED;
    timer_fini(&walk->tick);
    channel_free(walk->channel);
    tear(walk);
    connection_bury(connection, walk);
    connection_leave(connection);
}
