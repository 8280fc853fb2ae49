/* SPDX-License-Identifier: Apache-2.0
 *
 * When a host that has died is started again. Pure. The first time soon; one that dies young over and
 * over, at longer intervals; one that never came up, not for ever. */
#ifndef OPS_RESTART_H
#define OPS_RESTART_H

#include <stdbool.h>
#include <stdint.h>

#define RESTART_FIRST_MS 100
#define RESTART_MOST_MS 10000
#define RESTART_YOUNG_MS 10000 /* a host that lived for longer begins with a clean sheet */
#define RESTART_FAILED_STARTS 3
#define RESTART_NEVER UINT32_MAX

struct restart {
    unsigned failed_starts; /* in a row */
    uint32_t last_ms;
};

struct restart_death {
    bool was_up;    /* all its handlers were open */
    bool is_killed; /* from outside */
    uint64_t lived_ms;
};

/* After how long, or RESTART_NEVER. */
uint32_t restart_after_ms(struct restart *restart, const struct restart_death *death);

#endif
