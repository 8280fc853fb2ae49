/* SPDX-License-Identifier: Apache-2.0
 *
 * Calls posted to a loop by other threads. A mailbox is counted: a thread that may outlive the loop
 * (a resolver that hangs) holds its own reference and is refused once the loop has gone. */
#ifndef NET_MAILBOX_H
#define NET_MAILBOX_H

#include <stdbool.h>

#include "base/list.h"
#include "base/status.h"

struct loop_call;
struct mailbox;

struct mailbox *mailbox_open(int wake_fd); /* an eventfd, which stays the caller's */
void mailbox_close(struct mailbox *box);   /* refuses from now on; gives the reference back */
struct mailbox *mailbox_hold(struct mailbox *box);
void mailbox_release(struct mailbox *box);

/* From any thread. The first call in an empty box writes to the eventfd. False: the loop has gone
 * and the call stays the caller's. */
MUST_USE bool mailbox_post(struct mailbox *box, struct loop_call *call);

/* On the loop's thread, for a call that was posted: it will not run. Harmless where it has. */
void mailbox_withdraw(struct mailbox *box, struct loop_call *call);

/* Moves what has been posted to `out`, in the order of posting. */
void mailbox_empty(struct mailbox *box, struct list *out);

#endif
