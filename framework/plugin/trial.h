/* SPDX-License-Identifier: Apache-2.0
 *
 * A trial from inside: what `warrener try` needs beyond <warrener/testing.h>, which is the same
 * implementation. */
#ifndef PLUGIN_TRIAL_H
#define PLUGIN_TRIAL_H

#include <warrener/testing.h>

#include "base/status.h"
#include "plugin/job.h"

/* `where` is the handler's file, for the words of a refusal; every fault of the options is a line. */
MUST_USE struct wr_trial *trial_open(const struct wr_handler *handler, const char *where,
                                     const struct wr_pair *options, size_t n_options,
                                     struct status *status);

const struct wr_handler *trial_handler(const struct wr_trial *trial);
unsigned trial_count_counters(const struct wr_trial *trial);
const char *trial_table(const struct wr_trial *trial, unsigned sink); /* options filled in */
/* What the i-th value of a row falls on. */
const struct wr_column *trial_column(const struct wr_trial *trial, const struct row *row,
                                     unsigned i);

/* What the last message wanted to read, in the order it was wanted. */
struct trial_wanted {
    struct trial_wanted *next;
    unsigned loader;
    struct wr_text key;
    bool is_found;
};
const struct trial_wanted *trial_wants(const struct wr_trial *trial);

/* Of the last message; lives until the next. */
const struct job_outcome *trial_outcome(const struct wr_trial *trial);
uint64_t trial_took_ns(const struct wr_trial *trial);

#endif
