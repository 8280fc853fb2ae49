/* SPDX-License-Identifier: Apache-2.0
 *
 * Every metric family the host has: name, help, unit, labels, bucket bounds, in one table. A new
 * family is an entry here and nothing else. Only handlers' own counters are not in it: their names
 * are known when a plugin is loaded (see metrics_handler_counter). */
#ifndef METRICS_CATALOG_H
#define METRICS_CATALOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum metric_family {
    METRIC_RECEIVED,             /* queue */
    METRIC_SETTLED,              /* queue, outcome: done, retry, dead */
    METRIC_DEAD,                 /* queue, reason */
    METRIC_DUPLICATES,           /* queue */
    METRIC_BATCHES,              /* queue, outcome: committed, retried, split */
    METRIC_CACHE_WRITES,         /* queue, outcome: stored, stale, failed */
    METRIC_CACHE_READS,          /* queue, outcome: hit, miss, absent */
    METRIC_PUBLISHED,            /* queue, outcome: confirmed, returned, nacked */
    METRIC_RECONNECTS,           /* server */
    METRIC_PAUSED_SECONDS,       /* queue */
    METRIC_LANE_BUSY_SECONDS,    /* queue */
    METRIC_HANDLER_CRASHES,      /* queue; kept by the supervisor, like the next */
    METRIC_HOST_RESTARTS,        /* why */
    METRIC_TRACE_SPANS,          /* outcome: exported, dropped; only where spans are made */
    METRIC_MESSAGES_IN_FLIGHT,   /* queue */
    METRIC_BYTES_IN_FLIGHT,      /* queue */
    METRIC_QUEUE_READY,          /* queue */
    METRIC_DEAD_READY,           /* queue */
    METRIC_RETRY_READY,          /* queue, delay: as in the retry queue's name, "10s" */
    METRIC_LANES,                /* queue */
    METRIC_PREFETCH,             /* queue */
    METRIC_PAUSED,               /* queue, why */
    METRIC_LAST_DONE,            /* queue; Unix time */
    METRIC_CACHE_REPAIR_PENDING, /* no labels */
    METRIC_CONNECTED,            /* server: amqp, postgres, redis */
    METRIC_BUILD_INFO,           /* version, abi; there from metrics_new on */
    METRIC_HANDLER_SECONDS,      /* queue */
    METRIC_SETTLE_SECONDS,       /* queue; received to acked */
    METRIC_MESSAGE_AGE_SECONDS,  /* queue; published to acked */
    METRIC_LOOP_LAG_SECONDS,     /* no labels */
    METRIC_BATCH_ROWS,           /* queue */
    METRIC_COMMIT_SECONDS,       /* queue */

    METRIC_PROCESS_CPU_SECONDS, /* process_*: read when asked for, there are no series to update */
    METRIC_PROCESS_RESIDENT_BYTES,
    METRIC_PROCESS_VIRTUAL_BYTES,
    METRIC_PROCESS_OPEN_FDS,
    METRIC_PROCESS_MAX_FDS,
    METRIC_PROCESS_START_TIME,
    METRIC_FAMILY_COUNT
};
#define METRIC_PROCESS_FIRST METRIC_PROCESS_CPU_SECONDS
#define METRIC_PROCESS_COUNT (METRIC_FAMILY_COUNT - METRIC_PROCESS_FIRST)

enum metric_type { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM, METRIC_INFO };

#define METRIC_LABELS_MAX 2
#define METRIC_BOUNDS_MAX 20

struct metric_about {
    const char *name; /* as it is exposed, "_total" and "_info" included */
    const char *help;
    const char *unit; /* the name's last word but for "_total"; NULL: none */
    enum metric_type type;
    bool is_nanoseconds;                   /* inside; seconds outside */
    const char *labels[METRIC_LABELS_MAX]; /* NULL: no more */
    const uint64_t
        *bounds; /* of a histogram's buckets, inclusive, each at least twice the one before;
                               ends with 0 */
};

const struct metric_about *metric_about(enum metric_family family);

#endif
