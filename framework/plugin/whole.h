/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether a library's file is all there. The dynamic linker does not ask: it maps what the file's head
 * promises, and a file that was cut while it was copied ends the process by SIGBUS. */
#ifndef PLUGIN_WHOLE_H
#define PLUGIN_WHOLE_H

#include <stdint.h>

/* The bytes that the head says are to be mapped. 0: it is no library of this machine, for the linker
 * to say so. Moves no file offset. */
uint64_t whole_wanted_bytes(int fd);

#endif
