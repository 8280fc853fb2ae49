/* SPDX-License-Identifier: Apache-2.0
 *
 * Sending; see sender.h. What is read stays in memory until it is confirmed, so that it can be sent
 * again; there is never more of it than the window. */
#include "app/sender.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "amqp/publisher.h"
#include "app/brokers.h"
#include "app/message_line.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"
#include "net/loop.h"

#define WINDOW 2000
#define TICK_MS 20
#define GIVE_UP_MS 30000   /* without a connection */
#define NACK_PAUSE_MS 1000 /* before what the broker would not take is tried again */
#define PENDING_SPACE 1024

/* A message that was read and is not yet confirmed. */
struct pending {
    struct list link; /* in `sent`, or in `again` while it waits to be sent again */
    uint64_t line;
    struct amqp_outgoing message;
    char id[UUID_CHARS + 1];
    struct arena arena;
    char space[PENDING_SPACE];
};

struct sender {
    const struct sender_settings *settings;
    struct sender_result *result;
    struct status *status;
    bool is_well;
    struct line_source *source;
    struct loop *loop;
    struct brokers brokers;
    struct amqp_connection *connection;
    struct publisher *publisher;
    struct timer tick;
    struct signal_watch on_int, on_term;
    struct progress progress;
    uint64_t begun_ms, connected_ms, nacked_ms;
    uint64_t read, out; /* messages read; of them unconfirmed */
    bool has_ended;     /* no more lines */
    struct list sent, again;
    struct json json;
};

static void finish(struct sender *sender, bool is_well)
{
    sender->is_well = is_well;
    loop_stop(sender->loop);
}

static void free_pending(struct sender *sender, struct pending *pending)
{
    sender->out--;
    arena_reset(&pending->arena);
    free(pending);
}

/* ---- reading ------------------------------------------------------------------------------- */

static bool complete(struct sender *sender, struct pending *pending)
{
    struct amqp_outgoing *message = &pending->message;
    const struct sender_settings *settings = sender->settings;
    if (settings->exchange) message->exchange = text_of(settings->exchange);
    if (settings->key) message->routing_key = text_of(settings->key);
    message->mandatory = true;
    if (!message->timestamp_ms) message->timestamp_ms = clock_unix_us() / 1000;
    if (!message->message_id.len) {
        random_uuid_v7(clock_unix_us(), pending->id);
        message->message_id = text_of(pending->id);
    }
    if (message->exchange.len || message->routing_key.len) return true;
    return status_fail(sender->status, EXIT_USAGE,
                       "the message names neither \"exchange\" nor \"key\", and neither does the "
                       "command line");
}

static struct pending *parse(struct sender *sender, struct wr_text line)
{
    struct pending *pending = NEW(struct pending);
    list_init(&pending->link);
    arena_init(&pending->arena, pending->space, sizeof pending->space);
    pending->line = sender->source->line;
    sender->out++;
    const struct wr_text kept = arena_copy(&pending->arena, line);
    if (message_line_read(kept, &sender->json, &pending->arena, &pending->message,
                          sender->status) &&
        complete(sender, pending))
        return pending;
    const struct status fault = *sender->status;
    status_fail(sender->status, EXIT_USAGE, "%s:%llu: %s", sender->source->name,
                (unsigned long long)pending->line, fault.text);
    free_pending(sender, pending);
    return NULL;
}

/* NULL: nothing now, or an end; `has_ended` and the loop's state tell which. */
static struct pending *next_message(struct sender *sender)
{
    struct list *link = list_take_first(&sender->again);
    if (link) return LIST_ENTRY(link, struct pending, link);
    const uint64_t count = sender->settings->count;
    if (sender->has_ended) return NULL;
    if (count && sender->read == count) {
        sender->has_ended = true;
        return NULL;
    }
    struct wr_text line;
    enum line_found found = line_source_next(sender->source, &line, sender->status);
    if (found == LINE_END && count && sender->read && line_source_rewind(sender->source))
        found = line_source_next(sender->source, &line, sender->status);
    sender->has_ended = found == LINE_END;
    if (found == LINE_FAULT) finish(sender, false);
    if (found != LINE_FOUND) return NULL;
    struct pending *pending = parse(sender, line);
    if (!pending) finish(sender, false);
    sender->read += pending != NULL;
    return pending;
}

/* ---- sending ------------------------------------------------------------------------------- */

static bool is_its_time(const struct sender *sender, uint64_t now_ms)
{
    if (now_ms < sender->nacked_ms + NACK_PAUSE_MS) return false;
    const uint64_t rate = sender->settings->rate;
    if (!rate || !list_is_empty(&sender->again)) return true;
    return sender->read < (now_ms - sender->begun_ms) * rate / 1000 + 1;
}

static void send_some(struct sender *sender)
{
    const struct sender_settings *const settings = sender->settings;
    const uint64_t now_ms = loop_now_ms(sender->loop);
    while (publisher_has_room(sender->publisher) && is_its_time(sender, now_ms)) {
        struct pending *pending = next_message(sender);
        if (!pending) break;
        if (publisher_send(sender->publisher, &pending->message, pending, sender->status)) {
            list_append(&sender->sent, &pending->link);
            continue;
        }
        const struct status fault = *sender->status;
        status_fail(sender->status, EXIT_USAGE, "%s:%llu: %s", sender->source->name,
                    (unsigned long long)pending->line, fault.text);
        free_pending(sender, pending);
        finish(sender, false);
        return;
    }
    if (!sender->has_ended || sender->out) return;
    const bool is_short = settings->count && !sender->read;
    if (is_short)
        status_fail(sender->status, EXIT_USAGE, "%s holds no message, and --count asks for %llu",
                    sender->source->name, (unsigned long long)settings->count);
    finish(sender, !is_short);
}

static void on_outcome(void *own, void *token, enum publish_outcome outcome, const char *why)
{
    struct sender *sender = own;
    struct pending *pending = token;
    list_remove(&pending->link);
    switch (outcome) {
    case PUBLISH_CONFIRMED: sender->result->confirmed++; break;
    case PUBLISH_RETURNED:
        sender->result->returned++;
        sender->settings->on_failed(sender->settings->owner, pending->line,
                                    pending->message.message_id, why);
        break;
    case PUBLISH_REFUSED: /* no such exchange, most likely: it would be so for ever */
        status_fail(sender->status, EXIT_MESSAGE, "%s", why);
        list_append(&sender->again, &pending->link);
        finish(sender, false);
        return;
    case PUBLISH_NACKED: sender->nacked_ms = loop_now_ms(sender->loop); /* fallthrough */
    case PUBLISH_UNKNOWN: list_append(&sender->again, &pending->link); return;
    }
    free_pending(sender, pending);
    if (sender->has_ended && !sender->out) finish(sender, true);
}

static void on_room(void *own)
{
    send_some(own);
}

static void on_publisher_lost(void *own, const char *why)
{
    (void)own;
    (void)why; /* the connection tells */
}

/* ---- the connection ------------------------------------------------------------------------ */

static bool on_server(void *own, struct amqp_server *out, struct status *status)
{
    struct sender *sender = own;
    return brokers_next(&sender->brokers, out, status);
}

static void on_ready(void *own)
{
    struct sender *sender = own;
    brokers_forget(&sender->brokers);
    sender->connected_ms = UINT64_MAX;
}

static void on_lost(void *own, const char *why, bool is_refusal)
{
    struct sender *sender = own;
    if (sender->connected_ms == UINT64_MAX) sender->connected_ms = loop_now_ms(sender->loop);
    status_fail(sender->status, EXIT_UNREACHABLE, "%s", why);
    if (!is_refusal) brokers_say_away(&sender->brokers, why, GIVE_UP_MS / 1000);
    if (is_refusal) finish(sender, false);
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
    (void)own;
}

static void on_tick(void *own)
{
    struct sender *sender = own;
    const uint64_t now_ms = loop_now_ms(sender->loop);
    progress_show(&sender->progress, sender->result->confirmed, now_ms);
    timer_arm_ms(&sender->tick, TICK_MS);
    if (sender->connected_ms != UINT64_MAX && now_ms - sender->connected_ms > GIVE_UP_MS)
        finish(sender, false);
    else
        send_some(sender);
}

static void on_signal(void *own, int number)
{
    struct sender *sender = own;
    status_fail(sender->status, EXIT_MESSAGE, "ended by signal %d", number);
    finish(sender, false);
}

static void open_all(struct sender *sender, const struct config *config)
{
    static const struct amqp_connection_events events = {
        on_server, on_ready, on_lost, on_blocked, on_closed,
    };
    static const struct publisher_events publisher_events = { on_outcome, on_room,
                                                              on_publisher_lost };
    char name[BROKERS_NAME_BYTES];
    struct amqp_connection_settings settings;
    brokers_init(&sender->brokers, config);
    brokers_settings(config, "publish-command", name, &settings);
    sender->connection = amqp_connection_new(sender->loop, &settings, &events, sender);
    sender->publisher = publisher_new(sender->connection, WINDOW, &publisher_events, sender);
    timer_init(&sender->tick, sender->loop, on_tick, sender);
    timer_arm_ms(&sender->tick, 0);
    signal_watch_init(&sender->on_int, sender->loop, SIGINT, on_signal, sender);
    signal_watch_init(&sender->on_term, sender->loop, SIGTERM, on_signal, sender);
}

static void free_all(struct sender *sender, struct list *messages)
{
    for (struct list *link; (link = list_take_first(messages));)
        free_pending(sender, LIST_ENTRY(link, struct pending, link));
}

static void close_all(struct sender *sender)
{
    sender->result->unsent = sender->out;
    signal_watch_fini(&sender->on_int);
    signal_watch_fini(&sender->on_term);
    timer_fini(&sender->tick);
    publisher_free(sender->publisher);
    free_all(sender, &sender->sent);
    free_all(sender, &sender->again);
    amqp_connection_free(sender->connection);
    brokers_fini(&sender->brokers);
    loop_free(sender->loop);
}

bool sender_run(const struct config *config, struct line_source *source,
                const struct sender_settings *settings, struct sender_result *result,
                struct status *status)
{
    struct sender *sender = NEW(struct sender);
    *result = (struct sender_result){ 0 };
    sender->settings = settings;
    sender->result = result;
    sender->status = status;
    sender->source = source;
    list_init(&sender->sent);
    list_init(&sender->again);
    sender->loop = loop_new();
    CHECK(sender->loop);
    sender->begun_ms = sender->connected_ms = loop_now_ms(sender->loop);
    progress_begin(&sender->progress, settings->count, sender->begun_ms);
    open_all(sender, config);
    loop_run(sender->loop);
    const uint64_t now_ms = loop_now_ms(sender->loop);
    progress_end(&sender->progress, result->confirmed, now_ms);
    result->took_ms = now_ms - sender->begun_ms;
    const bool is_well = sender->is_well;
    close_all(sender);
    free(sender);
    return is_well;
}
