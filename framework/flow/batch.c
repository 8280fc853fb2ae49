/* SPDX-License-Identifier: Apache-2.0
 *
 * When a batch is closed; see batch.h. */
#include "flow/batch.h"

struct batch_policy batch_policy_for(uint32_t rows, uint32_t wait_ms, uint32_t prefetch)
{
    const uint32_t most = prefetch > 1 ? prefetch / 2 : 1;
    return (struct batch_policy){ .rows = rows < most ? rows : most, .wait_ms = wait_ms };
}

void batch_init(struct batch *batch)
{
    list_init(&batch->deliveries);
    batch->n = 0;
    batch->since_ms = 0;
}

void batch_add(struct batch *batch, struct delivery *delivery, uint64_t now_ms)
{
    if (batch->n++ == 0) batch->since_ms = now_ms;
    list_append(&batch->deliveries, &delivery->link);
}

uint32_t batch_take_key(struct list *deliveries, uint64_t order_key, struct list *into)
{
    uint32_t n = 0;
    LIST_EACH (link, deliveries) {
        if (LIST_ENTRY(link, struct delivery, link)->order_key != order_key) continue;
        list_remove(link);
        list_append(into, link);
        n++;
    }
    return n;
}

bool batch_is_due(const struct batch *batch, const struct batch_policy *policy, uint64_t now_ms)
{
    if (!batch->n) return false;
    return batch->n >= policy->rows || now_ms - batch->since_ms >= policy->wait_ms;
}

uint64_t batch_due_ms(const struct batch *batch, const struct batch_policy *policy)
{
    return batch->n ? batch->since_ms + policy->wait_ms : 0;
}
