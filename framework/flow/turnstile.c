/* SPDX-License-Identifier: Apache-2.0
 *
 * Queues at keys; see turnstile.h. */
#include "flow/turnstile.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

struct gate {
    struct list link; /* in its bucket */
    uint64_t hash;
    uint32_t domain;
    struct wr_text key;
    struct list tickets; /* first come first */
};

void turnstile_init(struct turnstile *turnstile)
{
    for (unsigned i = 0; i < TURNSTILE_BUCKETS; i++) list_init(&turnstile->buckets[i]);
    turnstile->keys = 0;
}

void turnstile_fini(struct turnstile *turnstile)
{
    CHECK(turnstile->keys == 0);
}

static struct gate *find(const struct list *bucket, uint64_t hash, uint32_t domain,
                         struct wr_text key)
{
    LIST_EACH (link, bucket) {
        struct gate *gate = LIST_ENTRY(link, struct gate, link);
        if (gate->hash == hash && gate->domain == domain && text_equal(gate->key, key)) return gate;
    }
    return NULL;
}

static struct gate *make(struct turnstile *turnstile, struct list *bucket, uint64_t hash,
                         uint32_t domain, struct wr_text key)
{
    struct gate *gate = memory_new(1, sizeof *gate + key.len);
    char *const copy = (char *)(gate + 1);
    if (key.len) memcpy(copy, key.at, key.len);
    gate->hash = hash;
    gate->domain = domain;
    gate->key = text_from(copy, key.len);
    list_init(&gate->tickets);
    list_append(bucket, &gate->link);
    turnstile->keys++;
    return gate;
}

enum turn turnstile_enter(struct turnstile *turnstile, struct ticket *ticket, uint32_t domain,
                          struct wr_text key, void *owner)
{
    const uint64_t hash = text_hash(key) ^ domain;
    struct list *const bucket = &turnstile->buckets[hash % TURNSTILE_BUCKETS];
    struct gate *gate = find(bucket, hash, domain, key);
    ticket->owner = owner;
    ticket->gate = NULL;
    list_init(&ticket->link);
    if (!gate) gate = make(turnstile, bucket, hash, domain, key);
    const bool is_first = list_is_empty(&gate->tickets);
    if (!is_first && LIST_ENTRY(gate->tickets.previous, struct ticket, link)->owner == owner)
        return TURN_TWICE;
    ticket->gate = gate;
    list_append(&gate->tickets, &ticket->link);
    return is_first ? TURN_FIRST : TURN_WAITS;
}

void *turnstile_leave(struct turnstile *turnstile, struct ticket *ticket)
{
    struct gate *const gate = ticket->gate;
    if (!gate) return NULL;
    const bool was_first = gate->tickets.next == &ticket->link;
    list_remove(&ticket->link);
    ticket->gate = NULL;
    if (list_is_empty(&gate->tickets)) {
        list_remove(&gate->link);
        free(gate);
        turnstile->keys--;
        return NULL;
    }
    return was_first ? LIST_ENTRY(gate->tickets.next, struct ticket, link)->owner : NULL;
}

bool turnstile_has_next(const struct ticket *ticket)
{
    return ticket->gate && ticket->link.next != &ticket->gate->tickets;
}
