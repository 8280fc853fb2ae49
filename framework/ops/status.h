/* SPDX-License-Identifier: Apache-2.0
 *
 * /status: the host as JSON, for the page, for `warrener top`, and for scripts. Its fields are only
 * ever added to. */
#ifndef OPS_STATUS_H
#define OPS_STATUS_H

#include "metrics/metrics_text.h"
#include "ops/board.h"
#include "ops/history.h"

struct status_health {
    bool live, ready;
    const char *words; /* the probes': one line a reason */
};

/* `snapshot` may be NULL: nothing was published yet; so may `history`. */
void status_write(const struct board *board, const struct board_snapshot *snapshot,
                  const struct history *history, const struct status_health *health,
                  int64_t now_unix_us, struct metrics_text *out);

#endif
