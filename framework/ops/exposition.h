/* SPDX-License-Identifier: Apache-2.0
 *
 * /metrics: which of the two formats a scraper gets. */
#ifndef OPS_EXPOSITION_H
#define OPS_EXPOSITION_H

#include "metrics/metrics.h"
#include "ops/http.h"

void exposition_answer(const struct metrics *metrics, const struct http_request *request,
                       struct http_answer *answer);

/* OpenMetrics 1.0 is asked for, and text/plain is not liked better. */
bool exposition_wants_openmetrics(struct wr_text accept);

#endif
