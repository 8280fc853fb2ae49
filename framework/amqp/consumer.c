/* SPDX-License-Identifier: Apache-2.0
 *
 * One subscription and its way back: topology, channel, qos, consume; lost, rest, again. A message's
 * body goes straight to where its owner wants it. An owner may do anything from inside a callback,
 * free the consumer too, so that after each of them the state is looked at again. */
#include "amqp/consumer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "amqp/channel.h"
#include "amqp/refusal.h"
#include "base/check.h"
#include "base/random.h"
#include "net/backoff.h"

#define BACKOFF_FIRST_MS 250
#define BACKOFF_MOST_MS 10000
#define STEADY_MS 10000 /* a subscription that held so long starts the backoff anew */

enum state {
    STATE_IDLE,       /* waits for the connection or the timer */
    STATE_TOPOLOGY,   /* being declared */
    STATE_OPENING,    /* channel, qos, consume */
    STATE_SUBSCRIBED, /* deliveries come */
    STATE_CANCELLING, /* we asked for no more */
    STATE_CANCELLED,  /* none come; the channel is open for acks */
    STATE_PAUSED,
};

struct consumer {
    struct amqp_connection *connection;
    struct consumer_settings settings; /* its tag is ours */
    struct consumer_events events;
    void *owner;
    enum state state;
    bool is_freed, has_plenty;
    struct channel *channel;
    struct topology_work *topology; /* while it is being declared */
    struct timer retry;
    struct backoff backoff;
    uint64_t epoch;
    uint64_t subscribed_ms;
    uint64_t ack_most_ms;
    char fault[1100];

    /* The message that is coming in; `into` is NULL where it is passed over. */
    uint64_t tag;
    char *into;
    void *token;
    size_t filled;
};

static void subscribe(struct consumer *consumer);

/* ---- losing ---------------------------------------------------------------------------------- */

static void tear(struct consumer *consumer)
{
    if (!consumer->into) return;
    consumer->into = NULL;
    consumer->events.on_torn(consumer->owner, consumer->token);
}

static bool has_epoch(const struct consumer *consumer)
{
    return consumer->state == STATE_SUBSCRIBED || consumer->state == STATE_CANCELLING ||
           consumer->state == STATE_CANCELLED;
}

static void retry_later(struct consumer *consumer)
{
    uint64_t now_ms = loop_now_ms(connection_loop(consumer->connection));
    if (consumer->subscribed_ms > 0 && now_ms - consumer->subscribed_ms >= STEADY_MS)
        backoff_reset(&consumer->backoff);
    consumer->subscribed_ms = 0;
    consumer->state = STATE_IDLE;
    if (amqp_connection_is_ready(consumer->connection))
        timer_arm_ms(&consumer->retry, backoff_next_ms(&consumer->backoff, random_u64()));
}

/* The subscription is over, or did not come to be; it is tried again. `why` is copied. What the broker
 * refuses is told once, not at every try; that the connection went is told by the connection. */
static void lose(struct consumer *consumer, const char *why)
{
    bool had_epoch = has_epoch(consumer), was_wanted = consumer->state < STATE_CANCELLING;
    bool is_news =
        amqp_connection_is_ready(consumer->connection) && strcmp(consumer->fault, why) != 0;
    (void)snprintf(consumer->fault, sizeof consumer->fault, "%s", why);
    channel_close(consumer->channel);
    if (was_wanted) {
        retry_later(consumer);
    } else {
        consumer->state = STATE_PAUSED;
    }
    tear(consumer);
    if (consumer->is_freed) return;
    if (had_epoch)
        consumer->events.on_unsubscribed(consumer->owner, consumer->fault);
    else if (is_news && consumer->events.on_warning)
        consumer->events.on_warning(consumer->owner, consumer->fault);
}

static PRINTF_LIKE(2, 3) void lose_in_words(struct consumer *consumer, const char *format, ...)
{
    struct status why = { .exit = EXIT_WELL };
    va_list args;
    va_start(args, format);
    (void)status_vfail(&why, EXIT_UNREACHABLE, format, args);
    va_end(args);
    lose(consumer, why.text);
}

static void on_lost(void *owner, const struct channel_loss *loss)
{
    struct consumer *consumer = owner;
    const char *queue = consumer->settings.topology.queue;
    if (loss->code == 0) {
        lose(consumer, loss->why);
    } else if (loss->method == AMQP_BASIC_CONSUME_METHOD) {
        lose_in_words(consumer, "queue '%s' cannot be consumed: %u %s", queue, loss->code,
                      loss->why);
    } else if (refusal_is_late_ack(loss->code, loss->why, &consumer->ack_most_ms)) {
        lose_in_words(
            consumer,
            "queue '%s': something was not acknowledged within the %llu ms that the "
            "broker gives (consumer_timeout), so it takes back all that was in hand; where "
            "handlers are that slow, lower `prefetch` or raise consumer_timeout in "
            "rabbitmq.conf",
            queue, (unsigned long long)consumer->ack_most_ms);
    } else {
        lose_in_words(consumer, "the broker closed the channel of queue '%s': %u %s", queue,
                      loss->code, loss->why);
    }
}

static void on_method(void *owner, amqp_method_number_t method, void *decoded UNUSED)
{
    struct consumer *consumer = owner;
    if (method != AMQP_BASIC_CANCEL_METHOD) {
        connection_blame(consumer->connection, "the broker sent %s to a consumer",
                         amqp_method_name(method));
    } else if (has_epoch(consumer)) {
        lose_in_words(consumer,
                      "the broker cancelled the consumer of queue '%s': the queue was "
                      "deleted, its leader went, or something was not acknowledged in time",
                      consumer->settings.topology.queue);
    }
}

/* ---- subscribing ----------------------------------------------------------------------------- */

static void on_consume_ok(void *owner, void *decoded UNUSED)
{
    struct consumer *consumer = owner;
    consumer->state = STATE_SUBSCRIBED;
    consumer->subscribed_ms = loop_now_ms(connection_loop(consumer->connection));
    consumer->fault[0] = '\0';
    consumer->events.on_subscribed(consumer->owner, consumer->epoch);
}

static void consume(struct consumer *consumer)
{
    amqp_basic_consume_t consume = { .queue = codec_cstr(consumer->settings.topology.queue),
                                     .consumer_tag = codec_cstr(consumer->settings.tag) };
    if (!channel_call(consumer->channel, AMQP_BASIC_CONSUME_METHOD, &consume,
                      AMQP_BASIC_CONSUME_OK_METHOD, on_consume_ok))
        lose_in_words(consumer, "queue '%s': its name or tag has more than 255 bytes",
                      consumer->settings.topology.queue);
}

static void on_open(void *owner)
{
    struct consumer *consumer = owner;
    consumer->epoch++;
    amqp_basic_qos_t qos = { .prefetch_count = consumer->settings.prefetch };
    bool sent = channel_call(consumer->channel, AMQP_BASIC_QOS_METHOD, &qos,
                             AMQP_BASIC_QOS_OK_METHOD, NULL);
    CHECK(sent);
    consume(consumer);
}

static void on_topology(void *owner, const struct topology_report *report)
{
    struct consumer *consumer = owner;
    consumer->topology = NULL;
    if (report->warning[0] && consumer->events.on_warning) {
        consumer->events.on_warning(consumer->owner, report->warning);
        if (consumer->is_freed || consumer->state != STATE_TOPOLOGY) return;
    }
    if (!report->done) {
        lose(consumer, report->fault.text);
    } else if (amqp_connection_is_ready(consumer->connection)) {
        consumer->state = STATE_OPENING;
        channel_open(consumer->channel);
    } else {
        consumer->state = STATE_IDLE;
    }
}

static void subscribe(struct consumer *consumer)
{
    if (consumer->state != STATE_IDLE || !amqp_connection_is_ready(consumer->connection)) return;
    timer_disarm(&consumer->retry);
    consumer->state = STATE_TOPOLOGY;
    consumer->topology = topology_start(consumer->connection, &consumer->settings.topology,
                                        TOPOLOGY_MAKE, on_topology, consumer);
}

static void on_connected(void *owner)
{
    subscribe(owner);
}

static void on_retry(void *owner)
{
    struct consumer *consumer = owner;
    struct amqp_connection *connection = consumer->connection;
    connection_enter(connection);
    subscribe(consumer);
    connection_leave(connection);
}

/* ---- deliveries ------------------------------------------------------------------------------ */

static void on_content(void *owner, const struct channel_content *content)
{
    struct consumer *consumer = owner;
    struct amqp_delivery delivery;
    if (consumer->state != STATE_SUBSCRIBED && consumer->state != STATE_CANCELLING) {
        connection_blame(consumer->connection, "the broker sent %s to a consumer, unasked",
                         amqp_method_name(content->method));
        return;
    }
    if (!delivery_read(consumer->connection, content, consumer->epoch,
                       consumer->settings.topology.queue, &delivery))
        return;
    consumer->tag = content->tag;
    consumer->filled = 0;
    consumer->into = NULL;
    if (UNLIKELY(content->body_bytes > consumer->settings.most_body_bytes)) {
        if (consumer->events.on_oversize) consumer->events.on_oversize(consumer->owner, &delivery);
        return;
    }
    void *token = NULL;
    const uint64_t epoch = consumer->epoch;
    char *into = consumer->events.on_begin(consumer->owner, &delivery, &token);
    if (!into || consumer->is_freed) return;
    consumer->into = into;
    consumer->token = token;
    /* Its owner paused it meanwhile: nothing more of this message comes. */
    if (!has_epoch(consumer) || consumer->epoch != epoch) tear(consumer);
}

static void on_body(void *owner, struct wr_text piece)
{
    struct consumer *consumer = owner;
    if (!consumer->into) return;
    memcpy(consumer->into + consumer->filled, piece.at, piece.len);
    consumer->filled += piece.len;
}

static void on_content_end(void *owner)
{
    struct consumer *consumer = owner;
    if (!consumer->into) {
        (void)consumer_reject(consumer, consumer->epoch, consumer->tag, false);
        return;
    }
    consumer->into = NULL;
    consumer->events.on_message(consumer->owner, consumer->token);
}

static void on_batch_end(void *owner)
{
    struct consumer *consumer = owner;
    if (consumer->events.on_batch_end) consumer->events.on_batch_end(consumer->owner);
}

/* ---- for owners ------------------------------------------------------------------------------ */

struct consumer *consumer_new(struct amqp_connection *connection,
                              const struct consumer_settings *settings,
                              const struct consumer_events *events, void *owner)
{
    static const struct channel_events channel_events = {
        .on_connected = on_connected,
        .on_open = on_open,
        .on_lost = on_lost,
        .on_method = on_method,
        .on_content = on_content,
        .on_body = on_body,
        .on_content_end = on_content_end,
        .on_batch_end = on_batch_end,
    };
    struct consumer *consumer = NEW(struct consumer);
    consumer->connection = connection;
    consumer->settings = *settings;
    consumer->settings.tag = memory_copy_text(settings->tag);
    consumer->events = *events;
    consumer->owner = owner;
    consumer->backoff = BACKOFF_INIT(BACKOFF_FIRST_MS, BACKOFF_MOST_MS);
    (void)snprintf(consumer->fault, sizeof consumer->fault, "queue '%s' is not subscribed yet",
                   settings->topology.queue);
    timer_init(&consumer->retry, connection_loop(connection), on_retry, consumer);
    consumer->channel = channel_new(connection, &channel_events, consumer);
    timer_arm_ms(&consumer->retry, 0);
    connection_count_consumers(connection, 1, 0);
    return consumer;
}

static void stop_trying(struct consumer *consumer)
{
    timer_disarm(&consumer->retry);
    topology_cancel(consumer->topology);
    consumer->topology = NULL;
}

void consumer_free(struct consumer *consumer)
{
    if (!consumer) return;
    struct amqp_connection *connection = consumer->connection;
    connection_enter(connection);
    consumer_set_plenty(consumer, false);
    connection_count_consumers(connection, -1, 0);
    consumer->is_freed = true;
    consumer->state = STATE_PAUSED;
    stop_trying(consumer);
    timer_fini(&consumer->retry);
    channel_free(consumer->channel);
    tear(consumer);
    connection_bury(connection, (void *)(uintptr_t)consumer->settings.tag);
    connection_bury(connection, consumer);
    connection_leave(connection);
}

bool consumer_ack(struct consumer *consumer, uint64_t epoch, uint64_t tag, bool multiple)
{
    if (epoch != consumer->epoch || !has_epoch(consumer) || !channel_is_open(consumer->channel))
        return false;
    amqp_basic_ack_t ack = { .delivery_tag = tag, .multiple = multiple };
    channel_send(consumer->channel, AMQP_BASIC_ACK_METHOD, &ack);
    return true;
}

bool consumer_reject(struct consumer *consumer, uint64_t epoch, uint64_t tag, bool requeue)
{
    if (epoch != consumer->epoch || !has_epoch(consumer) || !channel_is_open(consumer->channel))
        return false;
    amqp_basic_reject_t reject = { .delivery_tag = tag, .requeue = requeue };
    channel_send(consumer->channel, AMQP_BASIC_REJECT_METHOD, &reject);
    return true;
}

static void on_cancel_ok(void *owner, void *decoded UNUSED)
{
    struct consumer *consumer = owner;
    consumer->state = STATE_CANCELLED;
    consumer->events.on_unsubscribed(consumer->owner, "");
}

void consumer_cancel(struct consumer *consumer)
{
    if (consumer->state != STATE_SUBSCRIBED) {
        if (!has_epoch(consumer)) consumer_pause(consumer);
        return;
    }
    amqp_basic_cancel_t cancel = { .consumer_tag = codec_cstr(consumer->settings.tag) };
    consumer->state = STATE_CANCELLING;
    bool sent = channel_call(consumer->channel, AMQP_BASIC_CANCEL_METHOD, &cancel,
                             AMQP_BASIC_CANCEL_OK_METHOD, on_cancel_ok);
    CHECK(sent);
}

void consumer_pause(struct consumer *consumer)
{
    if (consumer->state == STATE_PAUSED) return;
    struct amqp_connection *connection = consumer->connection;
    bool had_epoch = has_epoch(consumer);
    connection_enter(connection);
    stop_trying(consumer);
    channel_close(consumer->channel);
    consumer->state = STATE_PAUSED;
    (void)snprintf(consumer->fault, sizeof consumer->fault, "queue '%s' is paused",
                   consumer->settings.topology.queue);
    tear(consumer);
    if (had_epoch && !consumer->is_freed) consumer->events.on_unsubscribed(consumer->owner, "");
    connection_leave(connection);
}

void consumer_resume(struct consumer *consumer)
{
    if (consumer->state == STATE_CANCELLED) {
        consume(consumer);
        return;
    }
    if (consumer->state != STATE_PAUSED) return;
    consumer->state = STATE_IDLE;
    timer_arm_ms(&consumer->retry, 0);
}

void consumer_set_prefetch(struct consumer *consumer, uint16_t prefetch)
{
    consumer->settings.prefetch = prefetch;
}

void consumer_set_plenty(struct consumer *consumer, bool has_plenty)
{
    if (has_plenty == consumer->has_plenty) return;
    consumer->has_plenty = has_plenty;
    connection_count_consumers(consumer->connection, 0, has_plenty ? 1 : -1);
}

bool consumer_is_subscribed(const struct consumer *consumer)
{
    return consumer->state == STATE_SUBSCRIBED;
}

uint64_t consumer_ack_most_ms(const struct consumer *consumer)
{
    return consumer->ack_most_ms;
}

const char *consumer_fault(const struct consumer *consumer)
{
    return consumer->fault;
}
