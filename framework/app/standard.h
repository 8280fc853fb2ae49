/* SPDX-License-Identifier: Apache-2.0
 *
 * Standard input, output and error as whoever started us left them: closed ones are taken, or the first
 * socket or plugin would get their numbers and what is printed; and whether all that was printed has
 * arrived is asked at the end, for the status is all that a script looks at. */
#ifndef APP_STANDARD_H
#define APP_STANDARD_H

#include <stdbool.h>

#include "base/status.h"

void standard_hold(void); /* before anything else is opened */
/* Whether we may open what every command needs; said on standard error where not. */
MUST_USE bool standard_has_room(void);
/* What is printed only reports what was done: losing it is told, but no failure, for whoever runs it again
 * would do it again. */
void standard_is_report(void);
/* The status to end with. Output whose reader has gone is no fault: it has seen enough. */
MUST_USE enum exit_status standard_end(enum exit_status status);

#endif
