/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages with everything that would get a naive copy dropped, refused or sent twice: a foreign user id,
 * an expiration, a CC, deaths that never were, and lies in headers of ours. Only where the broker is
 * ours: their sender is a user of it. */
#ifndef INTEGRATION_OUTBOX_NASTY_H
#define INTEGRATION_OUTBOX_NASTY_H

#include "integration/outbox/office.h"

#define NASTY_USER "test-alice"

struct nasty {
    const char *key; /* to amq.topic */
    const char
        *died; /* the queue that its stale x-death names; the broker goes by its newest entry */
    const char *id, *body, *cc;
    int64_t attempt; /* that it claims to be */
};

void nasty_make_user(void);
void nasty_send(const struct nasty *nasty);

/* False, and said on stderr, where that header's text is another. */
bool nasty_is(const amqp_message_t *message, const char *header, const char *text);
/* A header's entry, of text. */
amqp_table_entry_t nasty_text(const char *name, const char *text);

#endif
