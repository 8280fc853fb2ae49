/* SPDX-License-Identifier: Apache-2.0
 *
 * Intake: a message as the broker lends it becomes a delivery that stands on its own, with one copy
 * of its properties and room for its body. Pure, but for the memory. */
#ifndef FLOW_INTAKE_H
#define FLOW_INTAKE_H

#include "amqp/consumer.h"
#include "base/json.h"
#include "flow/delivery.h"

/* Fills a delivery just taken from the pool; its body's room is delivery->body. `queue` outlives it. */
void intake_fill(struct delivery *delivery, const struct amqp_delivery *arrived,
                 struct wr_text queue, uint64_t now_ns);

/* Its body is whole and it may be an event (plugin/event.h): read as one. */
void intake_finish(struct delivery *delivery, struct json *json);

#endif
