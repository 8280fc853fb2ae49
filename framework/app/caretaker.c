/* SPDX-License-Identifier: Apache-2.0
 *
 * The caretaker; see caretaker.h. A failure is told and tried again: nothing waits for it. */
#include "app/caretaker.h"

#include <stdio.h>

#include "base/log.h"

#define EVERY_MS 60000
#define FIRST_MS 1000
#define DAY_MS (24 * 60 * 60 * 1000LL)

static bool has_once(const struct handlers *handlers)
{
    for (size_t i = 0; i < handlers->n; i++)
        for (unsigned k = 0; k < handlers->at[i].n_sinks; k++)
            if (handlers->at[i].sinks[k]->is_once) return true;
    return false;
}

static void on_end(void *own, bool is_done, const char *why)
{
    struct caretaker *caretaker = own;
    if (!is_done) log_warn("app", "the inbox was not looked after", LOG_TEXT(REASON, why));
    timer_arm_ms(&caretaker->timer, EVERY_MS);
}

static void on_time(void *own)
{
    struct caretaker *caretaker = own;
    store_ask(caretaker->store, &caretaker->query);
}

void caretaker_start(struct caretaker *caretaker, struct loop *loop, struct store *store,
                     const struct config *config, const struct handlers *handlers)
{
    *caretaker = (struct caretaker){ 0 };
    if (!store || !has_once(handlers)) return;
    const long long days = (config->inbox.keep_ms + DAY_MS - 1) / DAY_MS;
    snprintf(caretaker->sql, sizeof caretaker->sql, "select warrener.tend_inbox(%lld)", days);
    caretaker->store = store;
    caretaker->query = (struct query){
        .step = { .name = "wr_tend_inbox", .sql = caretaker->sql },
        .on_end = on_end,
        .owner = caretaker,
    };
    timer_init(&caretaker->timer, loop, on_time, caretaker);
    timer_arm_ms(&caretaker->timer, FIRST_MS);
}

void caretaker_stop(struct caretaker *caretaker)
{
    if (!caretaker->store) return;
    store_unask(&caretaker->query);
    timer_fini(&caretaker->timer);
    caretaker->store = NULL;
}
