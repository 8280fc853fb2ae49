/* SPDX-License-Identifier: Apache-2.0
 *
 * A configuration with what stands behind it: its memory, and where each field came from. Shared by
 * the files that make one; everyone else sees struct config. */
#ifndef CONFIG_LOADED_H
#define CONFIG_LOADED_H

#include "base/arena.h"
#include "base/check.h"
#include "config/config.h"

struct loaded {
    struct arena arena;
    char first_bytes[4096];
    struct config config;
    struct config_place *places; /* in the order of `field` once reading is done */
    size_t n_places, room;
};

static inline struct loaded *loaded_of(const struct config *config)
{
    return OWNER_OF(config, struct loaded, config);
}

void loaded_add_place(struct loaded *loaded, const void *field, const char *path, int line,
                      int column, bool is_given);
void loaded_sort_places(struct loaded *loaded);

#endif
