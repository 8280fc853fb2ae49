/* SPDX-License-Identifier: Apache-2.0
 *
 * What an item of the outbox looks like on the wire: a copy of its original, or what a handler asked
 * for. Pure. */
#ifndef FLOW_LETTER_H
#define FLOW_LETTER_H

#include "flow/mail.h"
#include "plugin/derive.h"

/* Room for what a message of the outbox is made of, until it is sent. */
struct letter_room {
    char *properties; /* of `bytes`: as much as a frame may hold */
    size_t bytes;
    char id[DERIVED_UUID_CHARS], source[300];
};

struct letter_terms {
    const char *host, *consumer;
    const char *target; /* of a copy: the queue it goes to */
    int64_t unix_ms;
};

/* False where it cannot be encoded; says why. */
MUST_USE bool letter_write(const struct mail_item *item, const struct letter_terms *terms,
                           struct letter_room *room, struct amqp_outgoing *out,
                           struct status *status);

#endif
