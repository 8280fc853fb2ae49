/* SPDX-License-Identifier: Apache-2.0
 *
 * How often the system has killed for want of memory: a SIGKILL is that, or somebody's wish. */
#ifndef APP_OOM_H
#define APP_OOM_H

#include <stddef.h>
#include <stdint.h>

/* Of our control group, or of the machine where there is none to be read. */
uint64_t oom_kills(void);
/* Of the machine; for comparing across containers. */
uint64_t oom_kills_of_machine(void);
void oom_boot_id(char *id, size_t bytes);

#endif
