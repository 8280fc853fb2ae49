/* SPDX-License-Identifier: Apache-2.0
 *
 * The host's site: /livez, /readyz, /metrics, /status and the page, served from the board and the
 * registry by a thread of its own. That thread keeps the board's counted clock, so a board without
 * a site accuses nobody. */
#ifndef OPS_SITE_H
#define OPS_SITE_H

#include <stdint.h>

#include "base/status.h"
#include "metrics/metrics.h"
#include "ops/board.h"

struct site;

/* `listen` is host:port. NULL where the address cannot be had, with the way out in the status. Both
 * board and metrics must outlive the site. */
struct site *site_open(const char *listen, struct board *board, const struct metrics *metrics,
                       struct status *status) MUST_USE;
uint16_t site_port(const struct site *site);
void site_close(struct site *site);

#endif
