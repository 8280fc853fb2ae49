/* SPDX-License-Identifier: Apache-2.0
 *
 * The signals a thread other than the loop's blocks: all but those of its own faults. A fault whose
 * signal is blocked ends the process without its handler being asked. */
#ifndef BASE_THREAD_SIGNALS_H
#define BASE_THREAD_SIGNALS_H

#include <signal.h>
#include <stddef.h>

static const int fault_signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGSYS };
#define FAULT_SIGNALS (sizeof fault_signals / sizeof *fault_signals)

static inline void thread_signals_fill(sigset_t *blocked)
{
    sigfillset(blocked);
    for (size_t i = 0; i < FAULT_SIGNALS; i++) sigdelset(blocked, fault_signals[i]);
}

#endif
