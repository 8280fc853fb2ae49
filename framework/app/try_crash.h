/* SPDX-License-Identifier: Apache-2.0
 *
 * A handler that crashes in a trial: the message it had is named before the process dies of it. */
#ifndef APP_TRY_CRASH_H
#define APP_TRY_CRASH_H

#include <stdint.h>

#include "base/text.h"

void try_crash_watch(void); /* signals that a sanitizer watches are left to it */
/* What the handler has in hand from now on. */
void try_crash_note(const char *source, uint64_t nth, struct wr_text id);

#endif
