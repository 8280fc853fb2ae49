/* SPDX-License-Identifier: Apache-2.0
 *
 * What `warrener top` shows, taken from a host's /status. Texts are ready for a terminal: what steers
 * one is shown as \xNN. Fields that the host does not tell are zero. */
#ifndef APP_TOP_VIEW_H
#define APP_TOP_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

#define TOP_TEXT 160
#define TOP_LINES 8
#define TOP_SERVERS 8
#define TOP_FAULTS 24
#define TOP_STEPS 300

enum top_level { TOP_BAD, TOP_WARN, TOP_GOOD }; /* what is not told is bad */

enum top_stage {
    TOP_READY,
    TOP_WAITING,
    TOP_HANDLING,
    TOP_STAGED,
    TOP_STORING,
    TOP_CACHING,
    TOP_SENDING,
    TOP_ACKING,
    TOP_STAGES
};

struct top_consumer {
    char name[TOP_TEXT];
    char word[24]; /* "flowing" */
    enum top_level level;
    unsigned trouble; /* above 0: the more the worse */
    size_t nth;       /* as configured */
    double done_rate, lanes_busy;
    int64_t done, retried, dead, in_flight, prefetch, ready, retry_ready, dead_ready, late_us,
        median_us, held;
    int64_t stages[TOP_STAGES]; /* the first is `ready` */
    unsigned lanes;
};

struct top_server {
    char kind[16], name[32], last_error[TOP_TEXT];
    bool is_connected, is_broken; /* its breaker lets nothing through */
};

struct top_fault {
    char what[TOP_TEXT], about[TOP_TEXT], reason[TOP_TEXT];
    bool is_error;
    int64_t count, ago_s;
};

struct top_death {
    int64_t restarts, ago_s;
    char words[4 * TOP_TEXT]; /* of the last, and whose message it was */
};

struct top_view {
    char name[TOP_TEXT], version[32], clock[9];
    int64_t up_s;
    char verdict[TOP_TEXT]; /* "All is well" */
    enum top_level level;
    char lines[TOP_LINES][TOP_TEXT];
    unsigned n_lines, n_servers, n_faults, n_steps;
    struct top_consumer *consumers; /* those in trouble first */
    size_t n_consumers;
    struct top_consumer sum;
    struct top_death death; /* of the host, by the supervisor's record */
    struct top_server servers[TOP_SERVERS];
    struct top_fault faults[TOP_FAULTS];
    double done[TOP_STEPS]; /* a second, from the oldest */
};

/* False: that is no status. */
bool top_view_read(struct top_view *view, struct wr_text document);
void top_view_fini(struct top_view *view); /* harmless on a zeroed one */

#endif
