/* SPDX-License-Identifier: Apache-2.0
 *
 * From the tree of a file to struct config, by the table of keys: unknown keys, wrong types, limits,
 * what is missing, and defaults. What keys mean together is judged in rules.h. */
#ifndef CONFIG_READER_H
#define CONFIG_READER_H

#include "config/faults.h"
#include "config/loaded.h"
#include "config/yaml.h"

/* Fills loaded->config and its places; faults are added for whatever is wrong. */
void reader_read(struct loaded *loaded, const struct yaml_node *root, struct config_faults *faults);

#endif
