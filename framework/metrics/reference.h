/* SPDX-License-Identifier: Apache-2.0
 *
 * docs/metrics.md, made from the table of metric families. */
#ifndef METRICS_REFERENCE_H
#define METRICS_REFERENCE_H

#include <stdio.h>

void metrics_write_reference(FILE *out);

#endif
