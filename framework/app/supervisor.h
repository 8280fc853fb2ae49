/* SPDX-License-Identifier: Apache-2.0
 *
 * The supervisor: the process that `warrener run` begins as. It forks the host while it has one thread,
 * passes signals on to it, starts it again when it dies, and judges what it died of. It runs no library
 * but libc, reads no configuration, and reaps whatever is left to it (it may be PID 1). */
#ifndef APP_SUPERVISOR_H
#define APP_SUPERVISOR_H

#include <stdatomic.h>

#include "base/log.h"
#include "base/status.h"
#include "flow/crash_record.h"

/* What the host tells its supervisor; shared memory. */
struct supervised {
    struct crash_record *record;  /* at the same place in both */
    char record_path[4096];       /* the file behind it; "": none, it ends with the supervisor */
    bool is_followed;             /* the supervisor has mapped that file as well */
    _Atomic bool is_up, has_left; /* of the present life */
    bool has_log;
    enum wr_level log_level;
    enum log_format log_format;
};

/* Runs `host` in a process of its own until it ends in good order, and returns its status. A host that
 * does not come up returns its status too, and is not started again. */
enum exit_status supervisor_run(enum exit_status (*host)(void *own, struct supervised *self),
                                void *own);

/* In the host: all handlers are open. */
void supervised_is_up(struct supervised *self);
/* In the host: the end, in good order or for want of time; never by exit(). */
_Noreturn void supervised_leave(struct supervised *self, enum exit_status status);

#endif
