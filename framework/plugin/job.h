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
#include "metrics/metrics.h"
#include "plugin/gate.h"
#include "plugin/options.h"

/* What a handler asked for, in the order asked; everything lies in the message's arena. */
struct effect_publish {
    struct effect_publish *next;
    struct wr_outgoing message; /* headers copied too */
    bool is_reply;
};

struct effect_cache {
    struct effect_cache *next;
    struct wr_text key, value; /* value.at is NULL for a drop */
    uint64_t version;
    uint32_t ttl_s;
};

struct effects {
    struct effect_publish *publishes;
    struct effect_cache *caches;
    unsigned n_publishes, n_caches;
};

struct job_outcome {
    enum wr_verdict verdict;     /* one of the four */
    struct wr_text reason, code; /* in the arena; empty: none given */
    struct effects effects; /* of WR_DONE; of other verdicts only what was asked for `always` */
};

struct job_message {
    struct wr_message message;
    struct wr_text headers; /* encoded, see amqp/table.h */
};

struct job_settings {
    const struct plugin *plugin;
    const struct options *options;
    const char *queue; /* the consumer's name, for logs */
    unsigned lane;
    struct counter **counters; /* one for each of the handler's; borrowed */
    int64_t (*unix_us)(void);  /* NULL: the wall clock */
};

struct job;

struct job *job_new(const struct job_settings *settings);
void job_free(struct job *job);

/* The handler's open, in the lane. Its words, or ours, when it declines. */
MUST_USE bool job_open(struct job *job, struct status *status);
void job_close(struct job *job); /* the handler's close; only after job_open said yes */

/* prepare: then what it wants is looked up by others. Nothing to do for handlers without loaders. */
bool job_wants_prepare(const struct job *job);

/* handle. `deadline_ms` (monotonic) is what wr_left_ms counts down to. Never fails: whatever the
 * handler does wrong becomes a verdict and a reason. */
void job_run(struct job *job, struct arena *arena, const struct job_message *message,
             uint64_t deadline_ms, struct job_outcome *outcome);

#endif
