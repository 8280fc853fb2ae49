/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of a trial share; for them alone. */
#ifndef PLUGIN_TRIAL_PARTS_H
#define PLUGIN_TRIAL_PARTS_H

#include "base/json.h"
#include "plugin/declaration.h"
#include "plugin/trial.h"
#include "store/sink.h"

/* What a loader finds under a key. */
struct trial_load {
    struct trial_load *next; /* in its bucket, newest first */
    unsigned loader;
    struct wr_text key;
    struct loaded loaded;
};
#define TRIAL_BUCKETS 1024

struct wr_trial {
    struct declaration *declaration;
    struct options *options;
    struct sink **sinks; /* one for each declared: the host would refuse what cannot be made */
    char **tables;       /* their tables, for people: without quotes that say nothing */
    unsigned n_sinks;
    struct counter *counters; /* in one piece */
    struct counter **counter_list;
    unsigned n_counters;
    struct job *job; /* NULL until it is open */
    int64_t unix_us;
    bool is_time_fixed;
    struct wr_text headers; /* encoded, on the heap */

    unsigned n_loaders;
    struct trial_load **loads; /* TRIAL_BUCKETS; NULL until one is given */
    struct arena own;          /* loads, for the trial's life */

    struct arena kept; /* the outcome of the last message, and what it read */
    struct trial_wanted *wanted;
    struct job_outcome outcome;
    uint64_t took_ns;
    struct json json; /* room for CloudEvents */
};

/* A message in memory of its own, each text in exactly as many bytes as it has, so that reading past
 * it or after it is seen. */
struct job_message *trial_message_new(const struct wr_message *message, struct wr_text headers);
void trial_message_free(struct job_message *message);
/* The headers as a broker would send them, on the heap; free(at) frees it. */
struct wr_text trial_encode_headers(const struct wr_pair *headers, size_t n);

/* Ends the test, with words: it asks what makes no sense. */
_Noreturn void trial_refuse(const char *function, const char *format, ...) PRINTF_LIKE(2, 3);

/* Answers what a message wants, in its own arena. */
void trial_answer(struct wr_trial *trial, struct wanted *wanted, struct arena *arena);

/* A copy with a NUL behind it. */
struct wr_text trial_keep_text(struct arena *arena, struct wr_text text);
/* The outcome, out of the message's arena into another, its texts likewise. */
void trial_keep(struct arena *arena, const struct job_outcome *from, struct job_outcome *to);

#endif
