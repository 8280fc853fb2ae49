/* SPDX-License-Identifier: Apache-2.0
 *
 * Crashes; see try_crash.h. The line is made before each message, for in a signal's handler little may be
 * done; the signal then comes a second time and ends the process, with its core where cores are kept. */
#include "app/try_crash.h"

#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static char line[600];
static char stack[1 << 16]; /* the handler's own may be what is used up */

static void on_signal(int number)
{
    const char *const name = sigabbrev_np(number);
    const struct {
        const char *at;
        size_t n;
    } parts[] = { { "warrener: SIG", 13 },
                  { name, name ? strlen(name) : 0 },
                  { line, strlen(line) } };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        const ssize_t written = write(STDERR_FILENO, parts[i].at, parts[i].n);
        (void)written; /* there is nobody left to tell */
    }
}

void try_crash_watch(void)
{
    static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
    const stack_t own = { .ss_sp = stack, .ss_size = sizeof stack };
    sigaltstack(&own, NULL);
    for (size_t i = 0; i < sizeof signals / sizeof *signals; i++) {
        struct sigaction now,
            ours = { .sa_handler = on_signal, .sa_flags = (int)(SA_RESETHAND | SA_ONSTACK) };
        sigaction(signals[i], NULL, &now);
        if (now.sa_handler == SIG_DFL) sigaction(signals[i], &ours, NULL);
    }
}

void try_crash_note(const char *source, uint64_t nth, struct wr_text id)
{
    char shown[200];
    snprintf(line, sizeof line, " in the handler, with the message of %.300s:%llu%s%s%s\n", source,
             (unsigned long long)nth, id.len ? " (" : "", text_show(id, shown, sizeof shown),
             id.len ? ")" : "");
}
