/* SPDX-License-Identifier: Apache-2.0
 *
 * How `memory` is cut among the consumers; config.h says the rule. Pure arithmetic. */
#ifndef CONFIG_MEMORY_H
#define CONFIG_MEMORY_H

#include "config/config.h"

struct memory_shares {
    int64_t fixed_bytes; /* prefetch x max_message of the enabled consumers that say a prefetch */
    int64_t each_bytes;  /* what each enabled consumer on auto may use; 0 where nothing is left */
};

struct memory_shares memory_share(const struct config *config);

/* prefetch x max_message as configured; 0 on auto. */
int64_t memory_in_hand(const struct config_consumer *consumer);

#endif
