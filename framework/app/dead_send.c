/* SPDX-License-Identifier: Apache-2.0
 *
 * Letters that leave: their copies, sent until they are confirmed; only then the original is acked. */
#include <stdio.h>
#include <stdlib.h>

#include "amqp/copy.h"
#include "app/dead_inside.h"
#include "base/check.h"

#define NACK_PAUSE_MS 1000 /* before what the broker would not take is tried again */

/* A letter on its way back is at its first attempt; one that is renewed stays what it is. */
static bool write_copy(struct dead_run *run, const struct letter *letter, struct wr_text *out)
{
    const struct dead_facts *facts = &letter->facts;
    const bool is_retry = letter->fate == FATE_SEND;
    const struct wr_text none = text_of("");
    const struct copy_notes notes = {
        .attempt = is_retry || !facts->attempt ? 1 : (uint32_t)facts->attempt,
        .reason = is_retry ? none : facts->reason,
        .detail = is_retry ? none : facts->detail,
        .code = is_retry ? none : facts->code,
        .handler = facts->handler,
        .host = is_retry ? text_of(run->config->name) : facts->host,
        .exchange = facts->exchange,
        .routing_key = facts->routing_key,
        .at_ms = is_retry ? 0 : facts->died_ms,
        .mark = is_retry && run->is_marked ? text_of(amqp_connection_user(run->errand.connection))
                                           : none,
    };
    const size_t most = publisher_most_bytes(run->errand.publisher);
    size_t bytes;
    if (run->room_bytes < most) run->room = memory_grow(run->room, run->room_bytes = most, 1);
    if (!copy_write(letter->delivery.properties.encoded, facts->is_copy, &notes, run->room, most,
                    &bytes))
        return false;
    *out = text_from(run->room, bytes);
    return true;
}

static bool send(struct dead_run *run, struct letter *letter)
{
    const char *to = letter->fate == FATE_RENEW ? run->task->dead
                     : run->task->to            ? run->task->to
                                                : run->task->queue;
    struct amqp_outgoing message = { .exchange = text_of(""),
                                     .routing_key = text_of(to),
                                     .body = letter_body(letter),
                                     .message_id = letter->facts.id,
                                     .mandatory = true };
    if (!write_copy(run, letter, &message.encoded))
        return status_fail(run->errand.status, EXIT_INTERNAL,
                           "message '%.*s': its properties do not fit a frame: raise the broker's "
                           "frame_max",
                           TEXT_ARGS(letter->facts.id));
    return publisher_send(run->errand.publisher, &message, letter, run->errand.status);
}

static bool is_its_time(const struct dead_run *run, const struct letter *letter)
{
    const uint64_t rate = run->task->rate, now_ms = errand_now_ms(&run->errand);
    if (now_ms < run->nacked_ms + NACK_PAUSE_MS) return false;
    if (!rate || letter->fate == FATE_RENEW) return true;
    return run->sent_out < (now_ms - run->begun_ms) * rate / 1000 + 1;
}

void dead_send_some(struct dead_run *run)
{
    while (!run->errand.is_over && !list_is_empty(&run->waiting) &&
           publisher_has_room(run->errand.publisher)) {
        struct letter *letter = LIST_ENTRY(run->waiting.next, struct letter, link);
        if (!is_its_time(run, letter)) return;
        list_remove(&letter->link);
        list_append(&run->sent, &letter->link);
        run->sent_out += letter->fate == FATE_SEND;
        if (!send(run, letter)) errand_finish(&run->errand, false);
    }
}

void dead_forget_waiting(struct dead_run *run)
{
    for (struct list *link; (link = list_take_first(&run->waiting));)
        letter_free(LIST_ENTRY(link, struct letter, link));
}

static void on_returned(struct dead_run *run, const struct letter *letter, const char *why)
{
    char id[128];
    status_fail(
        run->errand.status, EXIT_USAGE,
        "queue '%s' does not take message '%s': %s; the letter stays in '%s'. Make the queue "
        "(`warrener run` does), or name another with --to",
        run->task->to ? run->task->to : run->task->queue,
        text_show(letter->facts.id, id, sizeof id), why, run->task->dead);
    errand_finish(&run->errand, false);
}

/* Our user is another than the broker has it (a token's, say): such copies carry no mark. All that
 * were on their way are told of with the same words. */
static void on_refused(struct dead_run *run, struct letter *letter, const char *why)
{
    if (strstr(why, "user_id"))
        run->is_marked = false;
    else
        errand_fail(&run->errand, EXIT_MESSAGE, why);
    list_append(&run->waiting, &letter->link);
}

static void on_outcome(void *own, void *token, enum publish_outcome outcome, const char *why)
{
    struct dead_run *run = own;
    struct letter *letter = token;
    const bool is_of_now = run->walk && letter->walk == run->walks;
    list_remove(&letter->link);
    if (outcome == PUBLISH_CONFIRMED) {
        run->refused_ms = 0;
        if (letter->fate == FATE_SEND)
            dead_count_done(run, &letter->facts);
        else
            run->result->renewed++;
        dead_ack(run, letter);
    } else if (is_of_now && outcome == PUBLISH_REFUSED) {
        on_refused(run, letter, why);
        return;
    } else if (is_of_now && outcome != PUBLISH_RETURNED) {
        if (outcome == PUBLISH_NACKED) run->nacked_ms = errand_now_ms(&run->errand);
        if (outcome == PUBLISH_NACKED && !run->refused_ms)
            run->refused_ms = errand_now_ms(&run->errand);
        list_append(&run->waiting, &letter->link);
        return;
    } else if (outcome == PUBLISH_RETURNED) {
        dead_keep(run, letter);
        on_returned(run, letter, why);
    }
    letter_free(letter);
}

static void on_room(void *own)
{
    dead_send_some(own);
}

const struct publisher_events dead_publisher_events = { on_outcome, on_room, NULL };
