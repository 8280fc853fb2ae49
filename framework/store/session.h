/* SPDX-License-Identifier: Apache-2.0
 *
 * Who answers at the other end: asked once at each connect, and judged: may rows be entrusted to it?
 * What it says of itself later tells its backend from any other, so that it can be ended. Pure. */
#ifndef STORE_SESSION_H
#define STORE_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "store/parcel.h"

#define SESSION_OLDEST 130000 /* xid8 and pg_current_xact_id() came with 13 */

struct session {
    int pid;        /* of the backend; behind a pooler, of whichever answered */
    char began[24]; /* when, by its own clock, in µs: tells it from a later one of that pid */
    char server_began[24];  /* when the server was started, likewise */
    bool is_pooled;         /* the pid is not the one libpq was told: something is in between */
    int64_t clock_ahead_us; /* the server's clock less our monotonic one */
};

/* The question, one step; `asked_pid` and the timeouts live as long as the step. */
struct session_question {
    struct parcel_step step;
    char pid[16], timeout_ms[16];
    const char *values[2];
    int lengths[2];
};
void session_ask(struct session_question *question, int pid_told, uint32_t timeout_ms);

/* The answer's columns as text, in the question's order. */
enum session_column {
    SESSION_PID,
    SESSION_BEGAN,
    SESSION_SERVER_BEGAN,
    SESSION_CLOCK_US,
    SESSION_ISOLATION,
    SESSION_SYNCHRONOUS_COMMIT,
    SESSION_READ_ONLY, /* "on" also where it is a standby */
    SESSION_COLUMNS
};
/* False: it will not do, in words; `is_deployment` where waiting alone will not mend it. */
MUST_USE bool session_judge(const char *const columns[SESSION_COLUMNS], int pid_told,
                            int server_version, bool allow_async_commit, uint64_t now_us,
                            struct session *out, bool *is_deployment, struct status *status);

#endif
