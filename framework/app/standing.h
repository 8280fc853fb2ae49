/* SPDX-License-Identifier: Apache-2.0
 *
 * How the host stands with one of its servers: since when, what went wrong last, and what the board and
 * the metrics are told of it. */
#ifndef APP_STANDING_H
#define APP_STANDING_H

#include "metrics/metrics.h"
#include "ops/board.h"

struct standing {
    bool is_ready;
    int64_t since_unix_us; /* of the present state; 0: not yet */
    char last_error[448];  /* "": none */
};

/* What the metrics say of a server; `told` is what the counter has. */
struct standing_metrics {
    struct gauge *connected;
    struct counter *reconnects;
    uint64_t told;
};

void standing_note(struct standing *standing, bool is_ready);
void standing_blame(struct standing *standing, const char *why);

struct standing_names {
    const char *kind, *name, *address;
};
void standing_tell(const struct standing *standing, const struct standing_names *names,
                   uint64_t reconnects, struct board_server *out);

void standing_metrics_init(struct standing_metrics *out, struct metrics *metrics, const char *kind);
void standing_metrics_tell(struct standing_metrics *out, bool is_ready, uint64_t reconnects);

#endif
