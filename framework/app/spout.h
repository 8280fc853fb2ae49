/* SPDX-License-Identifier: Apache-2.0
 *
 * Standard output without blocking the loop: what a reader does not take yet waits here. */
#ifndef APP_SPOUT_H
#define APP_SPOUT_H

#include <stdbool.h>

#include "metrics/metrics_text.h"

struct spout {
    struct metrics_text text; /* written to by its owner */
    size_t done;              /* of it, on its way */
    int fd;
    bool is_regular;
    bool is_broken; /* nobody reads any more, or the disk is full: see fault */
    int fault;      /* errno */
};

void spout_init(struct spout *spout, int fd);
void spout_fini(struct spout *spout);
size_t spout_waiting(const struct spout *spout); /* bytes */
void spout_flush(struct spout *spout);           /* as much as goes at once */

#endif
