/* SPDX-License-Identifier: Apache-2.0
 *
 * The states of a delivery, as one table, and the pool; see delivery.h. */
#include "flow/delivery.h"

#include <stdlib.h>

#include "base/check.h"

#define TO(state) (1u << DELIVERY_##state)

/* What may follow. A delivery is given up (FREE) from wherever it is when its subscription ends. */
static const unsigned next[] = {
    [DELIVERY_FREE] = TO(RECEIVED),
    [DELIVERY_RECEIVED] = TO(HANDLING) | TO(FREE),
    [DELIVERY_HANDLING] = TO(STAGED) | TO(HELD) | TO(RECEIVED) | TO(FETCHING) | TO(FREE),
    [DELIVERY_FETCHING] = TO(RECEIVED) | TO(STAGED) | TO(HELD) | TO(FREE),
    [DELIVERY_HELD] = TO(RECEIVED) | TO(FREE),
    [DELIVERY_STAGED] = TO(STORED) | TO(HELD) | TO(RECEIVED) | TO(FETCHING) | TO(FREE),
    [DELIVERY_STORED] = TO(CACHED) | TO(FREE),
    [DELIVERY_CACHED] = TO(PUBLISHED) | TO(FREE),
    [DELIVERY_PUBLISHED] = TO(SETTLED) | TO(FREE),
    [DELIVERY_SETTLED] = TO(FREE),
};

void delivery_move(struct delivery *delivery, enum delivery_state to)
{
    CHECK(next[delivery->state] & (1u << to));
    delivery->state = to;
}

void delivery_pool_init(struct delivery_pool *pool)
{
    list_init(&pool->free);
    pool->made = 0;
}

void delivery_pool_fini(struct delivery_pool *pool)
{
    for (struct list *link; (link = list_take_first(&pool->free)); pool->made--)
        free(LIST_ENTRY(link, struct delivery, link));
    CHECK(pool->made == 0);
}

static struct delivery *make(struct delivery_pool *pool)
{
    struct delivery *delivery = NEW(struct delivery);
    list_init(&delivery->link);
    arena_init(&delivery->arena, delivery->space, sizeof delivery->space);
    pool->made++;
    return delivery;
}

struct delivery *delivery_take(struct delivery_pool *pool)
{
    struct list *link = list_take_first(&pool->free);
    struct delivery *delivery = link ? LIST_ENTRY(link, struct delivery, link) : make(pool);
    if (!list_is_empty(&pool->free)) /* whoever took one takes another soon */
        delivery_foresee_all(LIST_ENTRY(pool->free.next, struct delivery, link));
    MEMORY_WAKE(delivery->space, sizeof delivery->space);
    delivery_move(delivery, DELIVERY_RECEIVED);
    delivery->is_skipped = delivery->is_parked = delivery->is_head = delivery->is_suspect = false;
    delivery->is_prepared = delivery->is_fetched = false;
    delivery->wanted = NULL;
    delivery->attempt = 1;
    delivery->took_ms = 0;
    return delivery;
}

/* To the front of the pool, where its memory is still warm. */
void delivery_give(struct delivery_pool *pool, struct delivery **delivery)
{
    struct delivery *gone = *delivery;
    *delivery = NULL;
    delivery_move(gone, DELIVERY_FREE);
    arena_reset(&gone->arena);
    MEMORY_REST(gone->space, sizeof gone->space); /* a handler may have kept what it was lent */
    CHECK(!gone->fetch);
    list_remove(&gone->link);
    list_append(pool->free.next, &gone->link);
}
