/* SPDX-License-Identifier: Apache-2.0
 *
 * A progress line on a terminal, and silence anywhere else. */
#ifndef APP_PROGRESS_H
#define APP_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    bool is_shown;
    uint64_t total; /* 0: unknown */
    uint64_t begun_ms, shown_ms;
};

void progress_begin(struct progress *progress, uint64_t total, uint64_t now_ms);
void progress_show(struct progress *progress, uint64_t done,
                   uint64_t now_ms); /* as often as you like */
void progress_end(struct progress *progress, uint64_t done,
                  uint64_t now_ms); /* leaves the line clear */

#endif
