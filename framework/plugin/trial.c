/* SPDX-License-Identifier: Apache-2.0
 *
 * A trial: a job without a host. It is opened as a lane opens a handler, and refuses what the host would
 * refuse; what the handler asked for is copied out of the message's memory, which is freed before
 * anybody looks. */
#include "plugin/trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "plugin/event.h"
#include "plugin/trial_parts.h"
#include "store/loader.h"

enum { CALL_MS = 30000 }; /* what wr_left_ms counts down from */

static _Thread_local char last_fault[sizeof(struct status)];

static int64_t unix_us(const void *own)
{
    const struct wr_trial *const trial = own;
    return trial->is_time_fixed ? trial->unix_us : clock_unix_us();
}

/* ---- options ---------------------------------------------------------------------------------------- */

static char *option_text(const struct wr_pair *pair)
{
    char number[24];
    if (pair->kind == WR_H_TEXT) return text_copy(text_from(pair->text.at, pair->text.len));
    if (pair->kind == WR_H_BOOL) return memory_copy_text(pair->number ? "true" : "false");
    snprintf(number, sizeof number, "%lld", (long long)pair->number);
    return memory_copy_text(number);
}

/* One fault a line, as far as there is room. */
static void add_fault(void *owner, int index, const char *text)
{
    struct status *const status = owner;
    const size_t used = status->text[0] ? strlen(status->text) : 0;
    (void)index;
    status->exit = EXIT_CONFIG;
    snprintf(status->text + used, sizeof status->text - used, "%s%s", used ? "\n" : "", text);
}

static bool bind_options(struct wr_trial *trial, const struct wr_pair *pairs, size_t n,
                         struct status *status)
{
    struct option_given *const given = memory_new(n + 1, sizeof *given);
    for (size_t i = 0; i < n; i++) {
        given[i].name = text_copy(text_from(pairs[i].name.at, pairs[i].name.len));
        given[i].value = option_text(&pairs[i]);
    }
    trial->options = options_bind(trial_handler(trial), given, n, add_fault, status);
    for (size_t i = 0; i < n; i++) {
        free((void *)(uintptr_t)given[i].name);
        free((void *)(uintptr_t)given[i].value);
    }
    free(given);
    return trial->options != NULL;
}

/* ---- opening ---------------------------------------------------------------------------------------- */

static const char *option_of(void *own, const char *name)
{
    return options_get(own, name);
}

/* The quotes go where the name would be the same without them. */
static char *name_for_people(const char *quoted)
{
    char *const name = memory_copy_text(quoted ? quoted : "(its own sql)"), *to = name;
    if (name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.\"")])
        return name;
    for (const char *from = name; *from; from++)
        if (*from != '"') *to++ = *from;
    *to = '\0';
    return name;
}

static bool make_sinks(struct wr_trial *trial, const char *where, struct status *status)
{
    const struct wr_sink *const declared = trial_handler(trial)->sinks;
    unsigned n = 0;
    while (declared[n].table || declared[n].columns) n++;
    trial->sinks = memory_new(n + 1, sizeof *trial->sinks);
    trial->tables = memory_new(n + 1, sizeof *trial->tables);
    for (; trial->n_sinks < n; trial->n_sinks++) {
        struct status fault = { 0 };
        struct sink *const sink =
            sink_new(&declared[trial->n_sinks], trial->n_sinks, option_of, trial->options, &fault);
        if (!sink) return status_fail(status, EXIT_CONFIG, "%s: %s", where, fault.text);
        trial->sinks[trial->n_sinks] = sink;
        trial->tables[trial->n_sinks] = name_for_people(sink->table);
    }
    return true;
}

/* Only to be refused: what they find is a table here. */
static bool check_loaders(struct wr_trial *trial, const char *where, struct status *status)
{
    const struct wr_handler *const handler = trial_handler(trial);
    for (; handler->loaders[trial->n_loaders].name; trial->n_loaders++) {
        struct status fault = { 0 };
        struct loader *const loader =
            loader_new(&handler->loaders[trial->n_loaders], trial->n_loaders, handler->sinks,
                       trial->sinks, trial->n_sinks, &fault);
        if (!loader) return status_fail(status, EXIT_CONFIG, "%s: %s", where, fault.text);
        loader_free(loader);
    }
    return true;
}

static void make_counters(struct wr_trial *trial)
{
    const struct wr_counter *const declared = trial_handler(trial)->counters;
    while (declared[trial->n_counters].name) trial->n_counters++;
    const size_t n = trial->n_counters, align = _Alignof(struct counter);
    trial->counters = aligned_alloc(align, (n + 1) * sizeof *trial->counters);
    CHECK(trial->counters);
    memset(trial->counters, 0, n * sizeof *trial->counters);
    trial->counter_list = memory_new(n + 1, sizeof *trial->counter_list);
    for (size_t i = 0; i < n; i++) trial->counter_list[i] = &trial->counters[i];
}

static bool open_job(struct wr_trial *trial, struct status *status)
{
    const struct job_settings settings = {
        .handler = trial_handler(trial),
        .options = trial->options,
        .queue = "trial",
        .counters = trial->counter_list,
        .unix_us = unix_us,
        .owner = trial,
    };
    trial->job = job_new(&settings);
    if (job_open(trial->job, status)) return true;
    job_free(trial->job);
    trial->job = NULL;
    return false;
}

struct wr_trial *trial_open(const struct wr_handler *handler, const char *where,
                            const struct wr_pair *options, size_t n_options, struct status *status)
{
    struct wr_trial *const trial = NEW(struct wr_trial);
    *status = (struct status){ 0 };
    arena_init(&trial->own, NULL, 0);
    arena_init(&trial->kept, NULL, 0);
    trial->declaration = declaration_read(handler, 0, where, status);
    if (trial->declaration && bind_options(trial, options, n_options, status) &&
        make_sinks(trial, where, status) && check_loaders(trial, where, status)) {
        make_counters(trial);
        if (open_job(trial, status)) return trial;
    }
    wr_trial_close(trial);
    return NULL;
}

struct wr_trial *wr_trial_open(const struct wr_handler *handler, const struct wr_pair *options,
                               size_t n_options)
{
    struct status status;
    struct wr_trial *const trial = trial_open(handler, "the handler", options, n_options, &status);
    snprintf(last_fault, sizeof last_fault, "%s", trial ? "" : status.text);
    if (!trial) fprintf(stderr, "warrener: wr_trial_open: %s\n", last_fault);
    return trial;
}

const char *wr_trial_fault(void)
{
    return last_fault;
}

void wr_trial_close(struct wr_trial *trial)
{
    if (!trial) return;
    if (trial->job) job_close(trial->job);
    job_free(trial->job);
    for (unsigned i = 0; i < trial->n_sinks; i++) {
        sink_free(trial->sinks[i]);
        free(trial->tables[i]);
    }
    free(trial->sinks);
    free(trial->tables);
    free(trial->counters);
    free(trial->counter_list);
    free((void *)(uintptr_t)trial->headers.at);
    free(trial->loads);
    arena_reset(&trial->own);
    arena_reset(&trial->kept);
    options_free(trial->options);
    declaration_free(trial->declaration);
    free(trial);
}

/* ---- messages --------------------------------------------------------------------------------------- */

void wr_trial_now(struct wr_trial *trial, int64_t us)
{
    trial->unix_us = us;
    trial->is_time_fixed = true;
}

void wr_trial_headers(struct wr_trial *trial, const struct wr_pair *headers, size_t n_headers)
{
    free((void *)(uintptr_t)trial->headers.at);
    trial->headers = trial_encode_headers(headers, n_headers);
}

/* As a lane does: what prepare wants is answered in between. */
static void call(struct wr_trial *trial, struct arena *arena, const struct job_message *lent,
                 struct job_outcome *outcome)
{
    const uint64_t deadline_ms = clock_now_ms() + CALL_MS;
    struct wanted *wanted;
    if (!job_reads(trial_handler(trial))) {
        job_run(trial->job, arena, lent, deadline_ms, outcome);
    } else if (job_prepare(trial->job, arena, lent, deadline_ms, &wanted, outcome)) {
        trial_answer(trial, wanted, arena);
        job_handle(trial->job, arena, lent, deadline_ms, wanted, outcome);
    }
}

enum wr_verdict wr_trial_handle(struct wr_trial *trial, struct wr_message message)
{
    struct arena arena; /* on the heap alone: what it lends is seen to be gone */
    struct job_outcome outcome;
    struct job_message *const lent = trial_message_new(&message, trial->headers);
    arena_init(&arena, NULL, 0);
    const struct job_message as_given = *lent;
    arena_reset(&trial->kept);
    trial->wanted = NULL;
    if (event_is_possible(lent)) event_read(lent, &trial->json, &arena);
    const uint64_t before_ns = clock_now_ns();
    call(trial, &arena, lent, &outcome);
    trial->took_ns = clock_now_ns() - before_ns;
    trial_keep(&trial->kept, &outcome, &trial->outcome);
    arena_reset(&arena);
    *lent = as_given;
    trial_message_free(lent);
    return trial->outcome.verdict;
}
