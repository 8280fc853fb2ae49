/* SPDX-License-Identifier: Apache-2.0
 *
 * A bell from many threads to one: however often it is rung before it is heard, it costs one system
 * call. Who hears it clears it first and looks for work then, so that no ring is lost. It is heard
 * either by a thread that waits for it or by a loop that watches its descriptor. */
#ifndef FLOW_BELL_H
#define FLOW_BELL_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/status.h"

struct bell {
    int fd; /* an eventfd, written when rung */
    _Atomic bool is_rung;
};

MUST_USE bool bell_open(struct bell *bell, struct status *status);
void bell_close(struct bell *bell);
void bell_ring(struct bell *bell);
void bell_clear(struct bell *bell); /* for who watches it */
void bell_wait(struct bell *bell);  /* blocks until rung, and clears it */

#endif
