/* SPDX-License-Identifier: Apache-2.0
 *
 * How the registry lies in memory, for the two files that know: metrics.c makes it, write.c reads
 * it. Lists grow at their end by one release store, so that a scrape may walk them meanwhile. */
#ifndef METRICS_REGISTRY_H
#define METRICS_REGISTRY_H

#include <stdatomic.h>

#include "metrics/metrics.h"

struct series {
    union {
        struct counter counter;
        struct gauge gauge;
        struct histogram histogram;
    };
    struct series *_Atomic next; /* NULL: the last */
    char *labels;                /* escaped: queue="orders",outcome="done"; "" without any */
};

struct family {
    struct metric_about about;
    struct family *_Atomic next; /* NULL: the last */
    struct series *_Atomic series;
    struct histogram_bounds bounds; /* of histograms */
};

struct metrics {
    struct family catalog[METRIC_FAMILY_COUNT];
    struct family *_Atomic handlers; /* families of the handlers' own counters */
};

#endif
