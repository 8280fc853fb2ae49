/* SPDX-License-Identifier: Apache-2.0
 *
 * Publishes that wait for their confirm, by sequence number, in a ring of the window's size. A return
 * carries no number: it is matched to the oldest publish that looks the same, which is right because
 * returns come in the order of the publishes and before their acks. Pure. Internal to the room. */
#ifndef AMQP_PENDING_H
#define AMQP_PENDING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define PENDING_LOOK_BYTES 64 /* of a body, that its looks are made from */

struct pending_entry {
    void *token;
    uint64_t looks;    /* 0: not mandatory, no return can be its */
    uint16_t returned; /* the reply code; 0: not returned */
    bool is_open;
};

struct pending {
    struct pending_entry *entries; /* by number modulo the window */
    size_t window;
    uint64_t first, next; /* numbers: of the oldest that may be open, of the one to come */
    size_t n_open;
};

void pending_init(struct pending *pending, size_t window);
void pending_fini(struct pending *pending);
void pending_restart(struct pending *pending); /* numbers begin at 1 again; nothing is open */

/* What a message looks like in a return: never 0. `body` may be cut at PENDING_LOOK_BYTES. */
uint64_t pending_looks(struct wr_text exchange, struct wr_text routing_key,
                       struct wr_text message_id, uint64_t body_bytes, struct wr_text body);

bool pending_has_room(const struct pending *pending);
void pending_add(struct pending *pending, uint64_t looks, void *token);
bool pending_return(struct pending *pending, uint64_t looks, uint16_t code); /* false: whose? */

/* Takes one out that the confirm of `number` settles; call it until it is false. */
bool pending_settle(struct pending *pending, uint64_t number, bool multiple,
                    struct pending_entry *out);
bool pending_take_any(struct pending *pending, struct pending_entry *out); /* oldest first */

#endif
