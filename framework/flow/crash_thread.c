/* SPDX-License-Identifier: Apache-2.0
 *
 * The stack is mapped with a page below it that nobody may touch. What was there before is put back at
 * the end: sanitizers free what they find. */
#include "flow/crash_thread.h"

#include <sys/mman.h>

#define STACK_BYTES (128u << 10)
#define GUARD_BYTES (64u << 10) /* a page on any machine */

_Thread_local const struct crash_note *crash_thread_note;

void crash_stack_open(struct crash_stack *stack)
{
    void *at = mmap(NULL, GUARD_BYTES + STACK_BYTES, PROT_NONE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
    stack->at = NULL;
    if (at == MAP_FAILED) return;
    const stack_t own = { .ss_sp = (char *)at + GUARD_BYTES, .ss_size = STACK_BYTES };
    if (mprotect(own.ss_sp, STACK_BYTES, PROT_READ | PROT_WRITE) == 0 &&
        sigaltstack(&own, &stack->before) == 0)
        stack->at = at;
    else
        munmap(at, GUARD_BYTES + STACK_BYTES);
}

void crash_stack_close(struct crash_stack *stack)
{
    if (!stack->at) return;
    sigaltstack(&stack->before, NULL);
    munmap(stack->at, GUARD_BYTES + STACK_BYTES);
    stack->at = NULL;
}
