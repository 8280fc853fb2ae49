/* SPDX-License-Identifier: Apache-2.0
 *
 * Sending; see sender.h. What is read stays in memory until it is confirmed, so that it can be sent
 * again; there is never more of it than the window. */
#include "app/sender.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/errand.h"
#include "app/message_line.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"

#define TICK_MS 20
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
    struct errand errand;
    struct line_source *source;
    struct progress progress;
    uint64_t begun_ms, nacked_ms;
    uint64_t read, out;  /* messages read; of them unconfirmed */
    bool has_ended;      /* no more lines are read */
    struct status fault; /* of the line that ended it; told once what came before it is confirmed */
    struct list sent, again;
    struct json json;
};

static void free_pending(struct sender *sender, struct pending *pending)
{
    sender->out--;
    arena_reset(&pending->arena);
    free(pending);
}

/* A line cannot be sent, and none behind it is. */
static void end_at_fault(struct sender *sender)
{
    const struct status *const why = sender->errand.status;
    status_fail(&sender->fault, why->exit, "%s; nothing from there on was sent", why->text);
    sender->has_ended = true;
}

/* It cannot be sent: its line is named before what the status says. */
static void drop(struct sender *sender, struct pending *pending)
{
    struct status *status = sender->errand.status;
    const struct status fault = *status;
    status_fail(status, EXIT_USAGE, "%s:%llu: %s", sender->source->name,
                (unsigned long long)pending->line, fault.text);
    free_pending(sender, pending);
    end_at_fault(sender);
}

/* Once all that was sent is confirmed. */
static void finish(struct sender *sender)
{
    const bool is_faulty = sender->fault.text[0];
    if (is_faulty) *sender->errand.status = sender->fault;
    errand_finish(&sender->errand, !is_faulty);
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
    return status_fail(sender->errand.status, EXIT_USAGE,
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
                          sender->errand.status) &&
        complete(sender, pending))
        return pending;
    drop(sender, pending);
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
    enum line_found found = line_source_next(sender->source, &line, sender->errand.status);
    if (found == LINE_END && count && sender->read && line_source_rewind(sender->source))
        found = line_source_next(sender->source, &line, sender->errand.status);
    sender->has_ended = found == LINE_END;
    if (found == LINE_FAULT) end_at_fault(sender);
    if (found != LINE_FOUND) return NULL;
    struct pending *pending = parse(sender, line);
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
    const uint64_t now_ms = errand_now_ms(&sender->errand);
    while (publisher_has_room(sender->errand.publisher) && is_its_time(sender, now_ms)) {
        struct pending *pending = next_message(sender);
        if (!pending) break;
        if (publisher_send(sender->errand.publisher, &pending->message, pending,
                           sender->errand.status)) {
            list_append(&sender->sent, &pending->link);
            continue;
        }
        drop(sender, pending);
    }
    if (!sender->has_ended || sender->out) return;
    if (settings->count && !sender->read && !sender->fault.text[0])
        status_fail(&sender->fault, EXIT_USAGE, "%s holds no message, and --count asks for %llu",
                    sender->source->name, (unsigned long long)settings->count);
    finish(sender);
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
        list_append(&sender->again, &pending->link);
        errand_fail(&sender->errand, EXIT_MESSAGE, why);
        return;
    case PUBLISH_NACKED: sender->nacked_ms = errand_now_ms(&sender->errand); /* fallthrough */
    case PUBLISH_UNKNOWN: list_append(&sender->again, &pending->link); return;
    }
    free_pending(sender, pending);
    if (sender->has_ended && !sender->out) finish(sender);
}

static void on_room(void *own)
{
    send_some(own);
}

/* ---- its life ------------------------------------------------------------------------------ */

static void on_tick(void *own)
{
    struct sender *sender = own;
    progress_show(&sender->progress, sender->result->confirmed, errand_now_ms(&sender->errand));
    send_some(sender);
}

static void on_signal(void *own, int number)
{
    struct sender *sender = own;
    char why[40];
    (void)snprintf(why, sizeof why, "ended by signal %d", number);
    errand_fail(&sender->errand, EXIT_MESSAGE, why);
}

static void open_all(struct sender *sender, const struct config *config, struct status *status)
{
    static const struct publisher_events publisher_events = { on_outcome, on_room, NULL };
    const struct errand_plan plan = { .role = "publish-command",
                                      .tick_ms = TICK_MS,
                                      .publisher_events = &publisher_events,
                                      .on_tick = on_tick,
                                      .on_signal = on_signal,
                                      .owner = sender };
    errand_begin(&sender->errand, config, &plan, status);
    sender->begun_ms = errand_now_ms(&sender->errand);
    progress_begin(&sender->progress, sender->settings->count, sender->begun_ms);
}

static void free_all(struct sender *sender, struct list *messages)
{
    for (struct list *link; (link = list_take_first(messages));)
        free_pending(sender, LIST_ENTRY(link, struct pending, link));
}

static void close_all(struct sender *sender)
{
    sender->result->unsent = sender->out;
    errand_rest(&sender->errand);
    free_all(sender, &sender->sent);
    free_all(sender, &sender->again);
    errand_end(&sender->errand);
}

bool sender_run(const struct config *config, struct line_source *source,
                const struct sender_settings *settings, struct sender_result *result,
                struct status *status)
{
    struct sender *sender = NEW(struct sender);
    *result = (struct sender_result){ 0 };
    sender->settings = settings;
    sender->result = result;
    sender->source = source;
    list_init(&sender->sent);
    list_init(&sender->again);
    open_all(sender, config, status);
    errand_run(&sender->errand);
    const uint64_t now_ms = errand_now_ms(&sender->errand);
    progress_end(&sender->progress, result->confirmed, now_ms);
    result->took_ms = now_ms - sender->begun_ms;
    const bool is_well = sender->errand.is_well;
    close_all(sender);
    free(sender);
    return is_well;
}
