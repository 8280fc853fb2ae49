/* SPDX-License-Identifier: Apache-2.0
 *
 * What configuration keys mean together: servers that can be reached as described, memory that
 * suffices, names that are nobody else's. Each rule adds its own faults. */
#ifndef CONFIG_RULES_H
#define CONFIG_RULES_H

#include "config/config.h"

void rules_check_servers(const struct config *config, struct config_faults *faults);
void rules_check_consumers(const struct config *config, struct config_faults *faults);

#endif
