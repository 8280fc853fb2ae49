/* SPDX-License-Identifier: Apache-2.0
 *
 * What a thread is told before it runs code of handlers: whose note is its own, should it die, and a
 * stack of its own for dying on, since its usual one may be what has run out. */
#ifndef FLOW_CRASH_THREAD_H
#define FLOW_CRASH_THREAD_H

#include <signal.h>

#include "flow/crash_note.h"

extern _Thread_local const struct crash_note *crash_thread_note; /* NULL: no lane */

struct crash_stack {
    void *at; /* NULL: none could be had */
    stack_t before;
};

void crash_stack_open(struct crash_stack *stack);
void crash_stack_close(struct crash_stack *stack); /* by the same thread */

#endif
