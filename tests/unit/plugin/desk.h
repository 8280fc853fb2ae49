/* SPDX-License-Identifier: Apache-2.0
 *
 * A desk for one job: a handler of the test's own is run on one message at a time, and what came of it
 * lies here until the next. */
#ifndef UNIT_PLUGIN_DESK_H
#define UNIT_PLUGIN_DESK_H

#include "plugin/job.h"

typedef enum wr_verdict desk_act(struct wr_job *job, const struct wr_message *message);

struct desk {
    struct job_message message; /* set by the test; all texts begin as "" */
    struct job_outcome outcome;
    struct job_settings settings; /* likewise, before desk_open */
    uint64_t deadline_ms;
    struct arena arena;
    struct job *job;
    char space[256]; /* small, so that the heap is used too */
};

/* The desk there is; each test has a process of its own. */
extern struct desk desk;

/* A desk whose handler does `act`; what else it declares is the test's to set in desk_handler. */
extern struct wr_handler desk_handler;
void desk_open(desk_act *act);
void desk_close(void);

/* Runs it on the message, with another act if that is not NULL. */
enum wr_verdict desk_run(desk_act *act);
enum wr_verdict desk_run_body(desk_act *act, const char *body);

/* The message must have been rejected for this reason. */
void desk_expect_rejected(const char *reason);

#define expect_text(text, expected)                                                                \
    cr_expect(text_is((text), (expected)), "\"%.*s\" is not \"%s\"", TEXT_ARGS(text), (expected))

#endif
