/* SPDX-License-Identifier: Apache-2.0
 *
 * A private folder with plugins copied into it, for tests of the gate: what they break is their own. */
#ifndef UNIT_PLUGIN_FOLDER_H
#define UNIT_PLUGIN_FOLDER_H

#include <limits.h>

#include "support/scratch.h"

struct folder {
    char path[SCRATCH_BYTES];
};

void folder_make(struct folder *folder);
void folder_remove(struct folder *folder);

/* Copies FROM/NAME.so to AS.so, mode 0644; gives its path until the next call. */
const char *folder_add(const struct folder *folder, const char *from, const char *name,
                       const char *as);
/* The path of a file in the folder, until the next call. */
const char *folder_path(const struct folder *folder, const char *file);

#endif
