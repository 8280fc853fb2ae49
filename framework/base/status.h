/* SPDX-License-Identifier: Apache-2.0
 *
 * What went wrong, in words for people, and the exit status it would end a command with.
 * A function that can fail takes a `struct status *` last, returns bool, and is MUST_USE. */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <stdarg.h>
#include <stdbool.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(nth, first) __attribute__((format(printf, nth, first)))
#define UNUSED __attribute__((unused))

enum exit_status {
    EXIT_WELL = 0,
    EXIT_MESSAGE = 1,      /* `try`: a message failed */
    EXIT_USAGE = 64,       /* the command line */
    EXIT_UNREACHABLE = 69, /* a server is out of reach */
    EXIT_INTERNAL = 70,    /* ours */
    EXIT_CONFIG = 78,      /* the configuration or a handler */
};

struct status {
    enum exit_status exit;
    char text[1000]; /* one or more lines, no newline at the end; "" while all is well */
};

/* Notes a fault and returns false, so that `return status_fail(...)` reads well. */
bool status_fail(struct status *status, enum exit_status exit, const char *format, ...)
    PRINTF_LIKE(3, 4);
bool status_vfail(struct status *status, enum exit_status exit, const char *format, va_list args)
    PRINTF_LIKE(3, 0);

#endif
