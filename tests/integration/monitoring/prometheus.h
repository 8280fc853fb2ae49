/* SPDX-License-Identifier: Apache-2.0
 *
 * A Prometheus of one test: it scrapes one host twice a second and answers queries. It dies with the
 * test. */
#ifndef MONITORING_PROMETHEUS_H
#define MONITORING_PROMETHEUS_H

#include <stdbool.h>
#include <stdint.h>

#include "support/play.h"

struct prometheus {
    pid_t pid;
    uint16_t port;
    char dir[200];
};

void prometheus_start(struct prometheus *prometheus, const struct play *play);
void prometheus_end(struct prometheus *prometheus);

/* True when the query has a sample, a number, now; a query it cannot read fails the test. */
bool prometheus_has(const struct prometheus *prometheus, const char *query);

#endif
