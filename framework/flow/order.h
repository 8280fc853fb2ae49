/* SPDX-License-Identifier: Apache-2.0
 *
 * order_by: what in a message is the key that keeps its place. Messages with no such key are in order
 * among themselves, as if they shared one. */
#ifndef FLOW_ORDER_H
#define FLOW_ORDER_H

#include <stdint.h>

#include "base/json.h"
#include "plugin/job.h"

enum order_kind { ORDER_NONE, ORDER_ROUTING_KEY, ORDER_HEADER, ORDER_JSON };

struct order_by {
    enum order_kind kind;
    const char *field; /* of HEADER and JSON */
};

/* The key's hash. `json` is room to work in, of the caller's. */
uint64_t order_key_of(const struct order_by *order, const struct job_message *message,
                      struct json *json);

#endif
