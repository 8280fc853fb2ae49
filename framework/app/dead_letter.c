/* SPDX-License-Identifier: Apache-2.0
 *
 * A letter in hand: one piece of memory with its properties and its body, and what becomes of the
 * original. Acks for a walk that is over are dropped: its letters are with the broker again. */
#include <stdlib.h>

#include "amqp/properties.h"
#include "app/dead_inside.h"
#include "base/check.h"

static struct wr_text put_down(char **at, struct wr_text text)
{
    const struct wr_text copy = text_from(*at, text.len);
    if (text.len) memcpy(*at, text.at, text.len);
    *at += text.len;
    return copy;
}

void dead_read_facts(const struct dead_run *run, const struct amqp_delivery *delivery,
                     struct dead_facts *facts)
{
    dead_facts_read(delivery, text_of(run->task->queue), run->task->max_message_bytes, facts);
}

struct letter *letter_new(struct dead_run *run, const struct amqp_delivery *from,
                          enum letter_fate fate)
{
    const struct wr_text encoded = from->properties.encoded;
    const size_t texts = encoded.len + from->exchange.len + from->routing_key.len;
    struct letter *letter = memory_new(1, sizeof *letter + texts + from->body_bytes + 1);
    char *at = letter->bytes;
    list_init(&letter->link);
    letter->walk = run->walks;
    letter->tag = from->tag;
    letter->fate = fate;
    letter->delivery = *from;
    letter->delivery.exchange = put_down(&at, from->exchange);
    letter->delivery.routing_key = put_down(&at, from->routing_key);
    const bool is_read =
        properties_read(put_down(&at, encoded), &letter->delivery.properties); /* it was before */
    CHECK(is_read);
    letter->body = at;
    dead_read_facts(run, &letter->delivery, &letter->facts);
    return letter;
}

void letter_free(struct letter *letter)
{
    list_remove(&letter->link);
    free(letter);
}

struct wr_text letter_body(const struct letter *letter)
{
    return text_from(letter->body, letter->delivery.body_bytes);
}

void dead_count_done(struct dead_run *run, const struct dead_facts *facts)
{
    run->result->done++;
    dead_values_note(&run->result->reasons, facts->reason);
}

void dead_keep(struct dead_run *run, const struct letter *letter)
{
    if (!run->walk || letter->walk != run->walks) return;
    run->has_kept = true;
    walk_keep(run->walk, letter->tag);
}

void dead_ack(struct dead_run *run, const struct letter *letter)
{
    if (!run->walk || letter->walk != run->walks) return;
    run->acked_ms = errand_now_ms(&run->errand);
    walk_ack(run->walk, letter->tag);
}
