/* SPDX-License-Identifier: Apache-2.0
 *
 * `warrener dead` at work: one walk through a dead queue, and what is done with its letters. A letter
 * that leaves is confirmed where it goes to before it is acked here; all others are put back. */
#ifndef APP_DEAD_RUN_H
#define APP_DEAD_RUN_H

#include "app/dead_filter.h"
#include "app/dead_values.h"
#include "config/config.h"

enum dead_verb { DEAD_LIST, DEAD_SHOW, DEAD_EXPORT, DEAD_RETRY, DEAD_DROP };

struct dead_task {
    enum dead_verb verb;
    const char *queue, *dead; /* the work queue, and its dead queue */
    const char *to;           /* retry: where the letters go; NULL: `queue` */
    struct dead_filter filter;
    uint64_t max_message_bytes; /* of the queue's consumer; 0: not known */
    uint64_t limit, rate;       /* 0: none */
    bool dry_run, json;
};

#define DEAD_WHERES_TOLD 4

struct dead_result {
    uint64_t ready; /* in the dead queue at the beginning */
    uint64_t seen, matched;
    uint64_t done;      /* retried, dropped or shown; with dry_run: would be */
    uint64_t renewed;   /* put to the queue's end, with their deliveries forgotten */
    uint64_t missed;    /* were there at the beginning, and did not come */
    uint64_t cut;       /* headers that an exported line cannot hold */
    uint32_t consumers; /* others, whose letters were not seen */
    int64_t limit;      /* of the queue, where letters were renewed */
    uint64_t took_ms;
    struct dead_values reasons; /* of those matched */
    /* Of all that were seen while none matched: what they have where --where asks for something, the
     * first times it does. */
    struct dead_values has[DEAD_WHERES_TOLD];
};

/* Runs to the end. False where it could not go on; what was done is in `result` all the same. */
MUST_USE bool dead_run(const struct config *config, const struct dead_task *task,
                       struct dead_result *result, struct status *status);

#endif
