/* SPDX-License-Identifier: Apache-2.0
 *
 * The crash record as a file in `state:`, so that it outlives the supervisor. The host reads the
 * configuration, so it is the host that maps the file, where the shared memory was; the supervisor
 * follows when the host is dead. */
#ifndef APP_RECORD_FILE_H
#define APP_RECORD_FILE_H

#include "app/supervisor.h"

/* In the host: STATE/NAME.crash. A last life in it that nobody has judged is judged now. */
MUST_USE bool record_file_open(struct supervised *self, const char *state, const char *name,
                               struct status *status);
/* In the supervisor, once the host is dead. */
void record_file_follow(struct supervised *self);

/* Where a life begins, and whether memory has run out since. */
void record_file_stamp(struct crash_record *record);
bool record_file_oom_rose(const struct crash_record *record);

#endif
