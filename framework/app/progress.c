/* SPDX-License-Identifier: Apache-2.0
 *
 * The progress line; see progress.h. */
#include "app/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BAR_CELLS 30
#define SHOW_EVERY_MS 100

void progress_begin(struct progress *progress, uint64_t total, uint64_t now_ms)
{
    const bool is_terminal = isatty(STDERR_FILENO) == 1;
    *progress = (struct progress){ .is_shown = is_terminal, .total = total, .begun_ms = now_ms };
}

static void draw(const struct progress *progress, uint64_t done, uint64_t now_ms)
{
    const uint64_t took_ms = now_ms > progress->begun_ms ? now_ms - progress->begun_ms : 1;
    const double rate = (double)done * 1000.0 / (double)took_ms;
    char bar[BAR_CELLS + 1] = "";
    if (!progress->total) {
        fprintf(stderr, "\r%llu confirmed, %.0f/s  ", (unsigned long long)done, rate);
        return;
    }
    const uint64_t cells = done * BAR_CELLS / progress->total;
    for (uint64_t i = 0; i < BAR_CELLS; i++) bar[i] = i < cells ? '#' : '.';
    fprintf(stderr, "\r[%s] %3llu %%  %llu of %llu, %.0f/s  ", bar,
            (unsigned long long)(done * 100 / progress->total), (unsigned long long)done,
            (unsigned long long)progress->total, rate);
}

void progress_show(struct progress *progress, uint64_t done, uint64_t now_ms)
{
    if (!progress->is_shown || now_ms - progress->shown_ms < SHOW_EVERY_MS) return;
    progress->shown_ms = now_ms;
    draw(progress, done, now_ms);
}

void progress_end(struct progress *progress, uint64_t done, uint64_t now_ms)
{
    if (!progress->is_shown) return;
    draw(progress, done, now_ms);
    fputc('\n', stderr);
}
