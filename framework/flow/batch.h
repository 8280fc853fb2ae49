/* SPDX-License-Identifier: Apache-2.0
 *
 * A batch: decided deliveries that become durable, and are acked, together. It is closed when it is
 * full, when its oldest has waited long enough, or, with no wait at all, whenever what comes next is
 * free to take it. Pure: it is told the time. */
#ifndef FLOW_BATCH_H
#define FLOW_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/delivery.h"

struct batch_policy {
    uint32_t rows;    /* messages that make it full */
    uint32_t wait_ms; /* 0: never waits for company */
};

/* A prefetch smaller than the batch would let no batch ever fill: the batch shrinks to half of it. */
struct batch_policy batch_policy_for(uint32_t rows, uint32_t wait_ms, uint32_t prefetch);

struct batch {
    struct list deliveries;
    uint32_t n;
    uint64_t since_ms; /* when its first came */
};

void batch_init(struct batch *batch);
void batch_add(struct batch *batch, struct delivery *delivery, uint64_t now_ms);
bool batch_is_due(const struct batch *batch, const struct batch_policy *policy, uint64_t now_ms);
/* Moves those of one order key to the end of `into`, in order; how many they were. */
uint32_t batch_take_key(struct list *deliveries, uint64_t order_key, struct list *into);
/* When it becomes due though nothing else comes; 0: not at all. */
uint64_t batch_due_ms(const struct batch *batch, const struct batch_policy *policy);

#endif
