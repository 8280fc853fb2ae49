/* SPDX-License-Identifier: Apache-2.0
 *
 * What the kernel knows of this process: the usual process_* metrics, read from /proc when asked. */
#ifndef METRICS_PROCESS_H
#define METRICS_PROCESS_H

#include "metrics/catalog.h"

/* values[family - METRIC_PROCESS_FIRST]; NaN where the kernel does not say. */
void process_read(double values[METRIC_PROCESS_COUNT]);

#endif
