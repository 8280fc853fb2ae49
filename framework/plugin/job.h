/* SPDX-License-Identifier: Apache-2.0
 *
 * A job: one handler at work in one lane. It owns the handler's state there, answers the table of
 * functions while a message is in the handler's hands, and gives back what was decided. One message at
 * a time; all calls come from the lane's thread, but for job_new and job_free. */
#ifndef PLUGIN_JOB_H
#define PLUGIN_JOB_H

#include <stddef.h>
#include <stdint.h>

#include <warrener/handler.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/trace.h"
#include "metrics/metrics.h"
#include "plugin/effects.h"
#include "plugin/gate.h"
#include "plugin/options.h"
#include "plugin/wanted.h"

#define JOB_MEMORY_BYTES (64u << 20) /* what one message may take of its arena through the table */
#define JOB_REASON_BYTES 1024        /* reasons are cut here, between characters */
#define JOB_CODE_BYTES 64            /* codes likewise */

struct job_outcome {
    enum wr_verdict verdict;     /* one of the four */
    struct wr_text reason, code; /* in the arena; empty: none given */
    struct effects
        effects; /* of WR_DONE; of WR_REJECT only publishes asked for `always`; else none */
};

struct job_message {
    struct wr_message message;
    struct wr_text headers;     /* encoded, see amqp/table.h */
    struct wr_text fault;       /* it cannot be read: rejected with this, unseen by the handler */
    struct trace_context trace; /* of its own span; not there: none is made */
    bool is_id_of_event;        /* AMQP's own property is empty; see event.h */
};

/* Everything is borrowed for the job's life. */
struct job_settings {
    const struct wr_handler *handler; /* plugin_handler's, or a test's own with all lists there */
    const struct options *options;
    const char *queue; /* the consumer's name, for logs */
    unsigned lane;
    struct counter *
        *counters; /* one for each of the handler's, shared by lanes; NULL: not counted */
    int64_t (*unix_us)(const void *owner); /* NULL: the wall clock */
    const void *owner;                     /* of that clock */
};

struct job;

struct job *job_new(const struct job_settings *settings);
void job_free(struct job *job); /* NULL is fine */

/* The handler's open, in the lane. Its words, or ours, when it declines. */
MUST_USE bool job_open(struct job *job, struct status *status);
void job_close(struct job *job); /* the handler's close; only after job_open said yes */

/* Prepare and handle in one, with nothing loaded. `deadline_ms` (monotonic) is what wr_left_ms counts
 * down to. Never fails: whatever the handler does wrong becomes a verdict and a reason. What the outcome
 * points to lives in the arena, the message's texts for as long as the caller keeps them. */
void job_run(struct job *job, struct arena *arena, const struct job_message *message,
             uint64_t deadline_ms, struct job_outcome *outcome);

/* The two halves, for handlers whose wants are loaded in between. False: the message has failed, which
 * the outcome tells, and is not to be handled. */
MUST_USE bool job_prepare(struct job *job, struct arena *arena, const struct job_message *message,
                          uint64_t deadline_ms, struct wanted **wanted,
                          struct job_outcome *outcome);
void job_handle(struct job *job, struct arena *arena, const struct job_message *message,
                uint64_t deadline_ms, struct wanted *wanted, struct job_outcome *outcome);

/* Whether a handler reads: only then are the halves worth their price. */
bool job_reads(const struct wr_handler *handler);

#endif
