/* SPDX-License-Identifier: Apache-2.0
 *
 * The last warnings and errors of the log, for the page: what an operator who comes late wants to see
 * first. Lines that say the same of the same queue or server are one entry that is counted. Nothing
 * is kept until it is asked for. From any thread; who finds it taken for too long goes without. */
#ifndef BASE_LOG_KEPT_H
#define BASE_LOG_KEPT_H

#include "base/log.h"

#define LOG_KEPT_MOST 24

struct log_kept {
    int64_t first_unix_us, last_unix_us;
    uint64_t count; /* times; a line that stands for several counts for them all */
    int level;      /* enum wr_level */
    char room[16], what[128];
    char about[200];  /* the queue or server; "": none */
    char reason[400]; /* the last one; "": none */
};

void log_kept_begin(void);

/* Newest first. Returns how many. */
size_t log_kept_copy(struct log_kept out[LOG_KEPT_MOST]);

/* For log_write. */
bool log_kept_wants(int level);
void log_kept_add(int64_t unix_us, int level, const char *room, struct wr_text what,
                  const struct log_field *fields, size_t n);

#endif
