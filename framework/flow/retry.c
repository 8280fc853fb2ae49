/* SPDX-License-Identifier: Apache-2.0
 *
 * Again, later, or never; see retry.h. */
#include "flow/retry.h"

#define WAIT_FIRST_MS 250u
#define WAIT_MOST_MS 5000u

struct retry_choice retry_choose(const struct retry_policy *policy, uint32_t attempt)
{
    if (attempt >= policy->attempts) return (struct retry_choice){ .is_dead = true };
    const unsigned rung = attempt <= policy->n_delays ? attempt - 1 : policy->n_delays - 1;
    return (struct retry_choice){ .after_ms = policy->delays_ms[rung] };
}

uint32_t retry_wait_ms(uint32_t nth)
{
    uint32_t ms = WAIT_FIRST_MS;
    while (nth-- > 1 && ms < WAIT_MOST_MS) ms *= 2;
    return ms < WAIT_MOST_MS ? ms : WAIT_MOST_MS;
}

void hold_init(struct hold *hold)
{
    list_init(&hold->deliveries);
    hold->n = 0;
}

/* From the back: a new one is due later than most. Equal times keep their order. */
void hold_add(struct hold *hold, struct delivery *delivery, uint64_t due_ms)
{
    delivery->due_ms = due_ms;
    struct list *after = hold->deliveries.previous;
    while (after != &hold->deliveries && LIST_ENTRY(after, struct delivery, link)->due_ms > due_ms)
        after = after->previous;
    list_append(after->next, &delivery->link);
    hold->n++;
}

struct delivery *hold_take_due(struct hold *hold, uint64_t now_ms)
{
    const uint64_t due_ms = hold_due_ms(hold);
    if (!hold->n || due_ms > now_ms) return NULL;
    hold->n--;
    return LIST_ENTRY(list_take_first(&hold->deliveries), struct delivery, link);
}

uint64_t hold_due_ms(const struct hold *hold)
{
    if (!hold->n) return 0;
    return LIST_ENTRY(hold->deliveries.next, const struct delivery, link)->due_ms;
}
