/* SPDX-License-Identifier: Apache-2.0
 *
 * /status: the host as JSON, for the page, for `warrener top`, and for scripts. Its fields are only
 * ever added to. */
#ifndef OPS_STATUS_H
#define OPS_STATUS_H

#include "metrics/metrics_text.h"
#include "ops/health.h"

/* The snapshot may be NULL: nothing was published yet. */
void status_write(const struct health_facts *given, int64_t now_unix_us, struct metrics_text *out);

#endif
