/* SPDX-License-Identifier: Apache-2.0
 *
 * Watching /livez; see watch_livez.h. */
#include "support/watch_livez.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "support/fetch.h"

#define EVERY_MS 50

struct watch_livez {
    pthread_t thread;
    uint16_t port;
    _Atomic bool is_over;
    struct watch_report report;
};

static void note_most(uint64_t *most, uint64_t ms)
{
    if (ms > *most) *most = ms;
}

static void *run(void *own)
{
    struct watch_livez *watch = own;
    const struct timespec pause = { .tv_nsec = EVERY_MS * 1000000L };
    while (!atomic_load(&watch->is_over)) {
        const uint64_t begun_ms = clock_now_ms();
        watch->report.failed += fetch_status(watch->port, "/livez") != 200;
        const uint64_t ended_ms = clock_now_ms();
        note_most(&watch->report.slowest_ms, ended_ms - begun_ms);
        watch->report.asked++;
        nanosleep(&pause, NULL);
        note_most(&watch->report.starved_ms, clock_now_ms() - ended_ms - EVERY_MS);
    }
    return NULL;
}

bool watch_saw_stutter(const struct watch_report *report, uint64_t ms)
{
    return report->starved_ms >= ms || report->slowest_ms >= ms;
}

struct watch_livez *watch_livez_start(uint16_t port)
{
    struct watch_livez *watch = NEW(struct watch_livez);
    watch->port = port;
    CHECK(pthread_create(&watch->thread, NULL, run, watch) == 0);
    return watch;
}

struct watch_report watch_livez_end(struct watch_livez *watch)
{
    atomic_store(&watch->is_over, true);
    pthread_join(watch->thread, NULL);
    const struct watch_report report = watch->report;
    free(watch);
    return report;
}
