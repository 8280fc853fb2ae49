/* SPDX-License-Identifier: Apache-2.0
 *
 * Faults in words; see status.h. */
#include "base/status.h"

#include <stdio.h>

bool status_vfail(struct status *status, enum exit_status exit, const char *format, va_list args)
{
    if (!status) return false;
    status->exit = exit;
    vsnprintf(status->text, sizeof status->text, format, args);
    return false;
}

bool status_fail(struct status *status, enum exit_status exit, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    status_vfail(status, exit, format, args);
    va_end(args);
    return false;
}
