/* SPDX-License-Identifier: Apache-2.0
 *
 * Exchanges left alone; see shun.h. There are few at any time, and old ones are forgotten. */
#include "flow/shun.h"

#include <stdlib.h>

#define FIRST_MS 1000u
#define MOST_MS 8000u
#define MEMORY_MS 60000u /* after its time; then the next begins with FIRST_MS again */

struct shunned {
    struct list link;
    uint64_t until_ms;
    uint32_t rest_ms;
    char *exchange;
};

void shun_init(struct shun *shun)
{
    list_init(&shun->exchanges);
}

static void drop(struct shunned *shunned)
{
    list_remove(&shunned->link);
    free(shunned->exchange);
    free(shunned);
}

void shun_fini(struct shun *shun)
{
    LIST_EACH (link, &shun->exchanges) {
        drop(LIST_ENTRY(link, struct shunned, link));
    }
}

static struct shunned *find(const struct shun *shun, struct wr_text exchange)
{
    LIST_EACH (link, &shun->exchanges) {
        struct shunned *shunned = LIST_ENTRY(link, struct shunned, link);
        if (text_is(exchange, shunned->exchange)) return shunned;
    }
    return NULL;
}

static void forget_old(struct shun *shun, uint64_t now_ms)
{
    LIST_EACH (link, &shun->exchanges) {
        struct shunned *shunned = LIST_ENTRY(link, struct shunned, link);
        if (now_ms > shunned->until_ms + MEMORY_MS) drop(shunned);
    }
}

void shun_add(struct shun *shun, struct wr_text exchange, uint64_t now_ms)
{
    forget_old(shun, now_ms);
    struct shunned *shunned = find(shun, exchange);
    if (!shunned) {
        shunned = NEW(struct shunned);
        shunned->exchange = text_copy(exchange);
        list_append(&shun->exchanges, &shunned->link);
    }
    shunned->rest_ms = shunned->rest_ms ? shunned->rest_ms * 2 : FIRST_MS;
    if (shunned->rest_ms > MOST_MS) shunned->rest_ms = MOST_MS;
    shunned->until_ms = now_ms + shunned->rest_ms;
}

bool shun_has(const struct shun *shun, struct wr_text exchange, uint64_t now_ms)
{
    if (list_is_empty(&shun->exchanges)) return false;
    const struct shunned *shunned = find(shun, exchange);
    return shunned && now_ms < shunned->until_ms;
}

void shun_forgive(struct shun *shun, struct wr_text exchange)
{
    if (list_is_empty(&shun->exchanges)) return;
    struct shunned *shunned = find(shun, exchange);
    if (shunned) drop(shunned);
}
