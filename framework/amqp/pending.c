/* SPDX-License-Identifier: Apache-2.0
 *
 * A ring of publishes; see pending.h. Numbers that were settled singly leave holes, which the first
 * number passes over once those before them are settled too. */
#include "amqp/pending.h"

#include <stdlib.h>

#include "base/check.h"

void pending_init(struct pending *pending, size_t window)
{
    CHECK(window > 0);
    *pending = (struct pending){ .window = window };
    pending->entries = memory_new(window, sizeof *pending->entries);
    pending_restart(pending);
}

void pending_fini(struct pending *pending)
{
    free(pending->entries);
    pending->entries = NULL;
}

void pending_restart(struct pending *pending)
{
    pending->first = pending->next = 1;
    pending->n_open = 0;
}

static uint64_t mix(uint64_t looks, uint64_t value)
{
    return (looks ^ value) * 0x9e3779b97f4a7c15u + (looks >> 29);
}

uint64_t pending_looks(struct wr_text exchange, struct wr_text routing_key,
                       struct wr_text message_id, uint64_t body_bytes, struct wr_text body)
{
    if (body.len > PENDING_LOOK_BYTES) body.len = PENDING_LOOK_BYTES;
    uint64_t looks = text_hash(exchange);
    looks = mix(looks, text_hash(routing_key));
    looks = mix(looks, text_hash(message_id));
    looks = mix(looks, body_bytes);
    looks = mix(looks, text_hash(body));
    return looks ? looks : 1;
}

static struct pending_entry *at(const struct pending *pending, uint64_t number)
{
    return &pending->entries[number % pending->window];
}

bool pending_has_room(const struct pending *pending)
{
    return pending->next - pending->first < pending->window;
}

void pending_add(struct pending *pending, uint64_t looks, void *token)
{
    CHECK(pending_has_room(pending));
    *at(pending, pending->next++) =
        (struct pending_entry){ .token = token, .looks = looks, .is_open = true };
    pending->n_open++;
}

bool pending_return(struct pending *pending, uint64_t looks, uint16_t code)
{
    for (uint64_t number = pending->first; number < pending->next; number++) {
        struct pending_entry *entry = at(pending, number);
        if (!entry->is_open || entry->returned || entry->looks != looks) continue;
        entry->returned = code ? code : 1;
        return true;
    }
    return false;
}

static bool take(struct pending *pending, uint64_t number, struct pending_entry *out)
{
    struct pending_entry *entry = at(pending, number);
    if (!entry->is_open) return false;
    *out = *entry;
    entry->is_open = false;
    pending->n_open--;
    while (pending->first < pending->next && !at(pending, pending->first)->is_open)
        pending->first++;
    return true;
}

bool pending_settle(struct pending *pending, uint64_t number, bool multiple,
                    struct pending_entry *out)
{
    if (number >= pending->next || number < pending->first) return false;
    return take(pending, multiple ? pending->first : number, out);
}

bool pending_take_any(struct pending *pending, struct pending_entry *out)
{
    return pending->n_open > 0 && take(pending, pending->first, out);
}
