/* SPDX-License-Identifier: Apache-2.0
 *
 * Handlers that do not come back within their `timeout`. A thread cannot be ended from outside: all
 * that other lanes have is finished and settled, then the host ends and is started again, with the
 * message as a suspect. Time is the board's counted time, which a host that was stopped does not gain. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "app/host_inside.h"
#include "app/supervisor.h"
#include "base/log.h"

static void note(struct host *host, const struct post *post, size_t lane)
{
    snprintf(host->stuck_words, sizeof host->stuck_words,
             "the handler %s did not come back within %lld ms (timeout)", post->handler,
             (long long)post->consumer->timeout_ms);
    host->stuck = post->notes[lane];
    host->has_stuck = true;
    log_error("app", "a lane is stuck: settling all else and starting anew",
              LOG_TEXT(QUEUE, post->consumer->name), LOG_INT(LANE, lane),
              LOG_TEXT(REASON, host->stuck_words));
}

void watchdog_look(struct host *host)
{
    const bool is_first = !host->has_stuck;
    if (is_first && host->drain_step != DRAIN_NOT) return;
    for (size_t i = 0; i < host->n_posts; i++) {
        const struct post *post = &host->posts[i];
        for (size_t lane = 0; lane < (size_t)post->consumer->lanes; lane++) {
            if (!board_lane_is_stuck(host->board, i, lane)) continue;
            if (!host->has_stuck) note(host, post, lane);
            crew_give_up_lane(post->crew, (unsigned)lane);
        }
    }
    if (is_first && host->has_stuck) drain_begin(host);
}

/* Of what came back after all, nobody is accused. */
void watchdog_end(struct host *host)
{
    struct crash_mark *mark = &host->self->record->mark;
    if (host->stuck && atomic_load(&host->stuck->is_busy))
        mark->note = crash_record_number(host->self->record, host->stuck);
    memcpy(mark->detail, host->stuck_words, sizeof host->stuck_words);
    atomic_store(&mark->kind, CRASH_MARK_STUCK);
    _exit(EXIT_INTERNAL);
}
