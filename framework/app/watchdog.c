/* SPDX-License-Identifier: Apache-2.0
 *
 * Handlers that do not come back within their `timeout`. A thread cannot be ended from outside: all
 * that other lanes have is finished and settled, then the host ends and is started again, with the
 * message as a suspect. Time is the board's counted time, which a host that was stopped does not gain. */
#include <stdio.h>
#include <unistd.h>

#include "app/host_inside.h"
#include "app/supervisor.h"
#include "base/log.h"

#define ALARM_AFTER_DRAIN_S 10 /* what hangs a lane may hang the loop */

/* From here on any end of the host is of this lane's making, should it still be stuck then. */
static void mark(struct host *host, const struct post *post, size_t lane)
{
    struct crash_record *record = host->self->record;
    struct crash_mark *mark = &record->mark;
    snprintf(mark->detail, sizeof mark->detail,
             "the handler %s did not come back within %lld ms (timeout)", post->handler,
             (long long)post->consumer->timeout_ms);
    mark->note = crash_record_number(record, post->notes[lane]);
    atomic_store(&mark->kind, CRASH_MARK_STUCK);
    host->has_stuck = true;
    alarm((unsigned)(host->config->drain_ms / 1000) + ALARM_AFTER_DRAIN_S);
    log_error("app", "a lane is stuck: settling all else and starting anew",
              LOG_TEXT(QUEUE, post->consumer->name), LOG_INT(LANE, lane),
              LOG_TEXT(REASON, mark->detail));
}

void watchdog_look(struct host *host)
{
    const bool is_first = !host->has_stuck;
    if (is_first && host->drain_step != DRAIN_NOT) return;
    for (size_t i = 0; i < host->n_posts; i++) {
        const struct post *post = &host->posts[i];
        for (size_t lane = 0; lane < (size_t)post->consumer->lanes; lane++) {
            if (!board_lane_is_stuck(host->board, i, lane)) continue;
            if (!host->has_stuck) mark(host, post, lane);
            crew_give_up_lane(post->crew, (unsigned)lane);
        }
    }
    if (is_first && host->has_stuck) drain_begin(host);
}

void watchdog_end(void)
{
    _exit(EXIT_INTERNAL);
}
