/* SPDX-License-Identifier: Apache-2.0
 *
 * How a dying host leaves word: handlers for the signals of faults, and for an exit that is not main's.
 * They write who died and where into the crash record, and nothing else. Installed in the host before
 * any handler is loaded. */
#ifndef APP_CRASH_SIGNALS_H
#define APP_CRASH_SIGNALS_H

#include "flow/crash_record.h"

void crash_signals_install(struct crash_record *record);

#endif
