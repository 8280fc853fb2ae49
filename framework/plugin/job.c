/* SPDX-License-Identifier: Apache-2.0
 *
 * A job's life: made, opened, run once a message, closed. Between messages its magic number is changed,
 * so that a handler that kept its job is caught at the first call. Nothing large is cleared per
 * message, and nothing is allocated unless the handler asks for it. */
#include "plugin/job.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/job_parts.h"

/* ---- what the functions behind the table share ---------------------------------------------------- */

/* The handler's fault and not the host's, so it is not called a bug of ours; but after it nothing the
 * handler does can be believed. */
void job_misused(const struct job *job, const char *what)
{
    const bool is_ours =
        job->magic == JOB_AT_REST || job->magic == JOB_OPENING || job->magic == JOB_AT_WORK;
    dprintf(STDERR_FILENO,
            "warrener: the handler %s calls with a %s that is not its own now: it kept the pointer "
            "beyond the call it was given for (in its state, or in a thread of its own); ending\n",
            is_ours ? job->settings.handler->name : "(unknown)", what);
    abort();
}

void job_fail(struct job *job, const char *format, ...)
{
    if (job->has_failed) return;
    job->has_failed = true;
    char line[JOB_REASON_BYTES + 1];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    const struct wr_text text = text_of(line);
    const bool is_cut = text.len == JOB_REASON_BYTES; /* perhaps inside a character */
    job->reason_bytes = (unsigned)text_cut(text, JOB_REASON_BYTES - (is_cut ? 1 : 0));
    memcpy(job->reason, line, job->reason_bytes);
}

bool job_takes_too_much(struct job *job)
{
    job_fail(job, "the handler took more than %u MiB of memory for one message",
             JOB_MEMORY_BYTES >> 20);
    return false;
}

void *job_take(struct job *job, size_t count, size_t bytes)
{
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total)) total = SIZE_MAX;
    return job_is_within_memory(job, total) ? arena_take(job->arena, total) : NULL;
}

void job_copy(struct job *job, struct wr_text *text)
{
    const struct wr_text given = given_text(*text);
    *text = job_is_within_memory(job, given.len) ? arena_copy(job->arena, given) : text_of("");
}

/* ---- made and opened ------------------------------------------------------------------------------ */

struct job *job_new(const struct job_settings *settings)
{
    struct job *const job = NEW(struct job);
    const struct wr_handler *const handler = settings->handler;
    job->face.api = job->host.api = &job_api;
    job->magic = JOB_AT_REST;
    job->settings = *settings;
    while (handler->sinks && handler->sinks[job->n_sinks].columns) job->n_sinks++;
    while (handler->loaders && handler->loaders[job->n_loaders].name) job->n_loaders++;
    while (handler->counters && handler->counters[job->n_counters].name) job->n_counters++;
    job_make_targets(job);
    return job;
}

void job_free(struct job *job)
{
    if (job) job_free_targets(job);
    free(job);
}

bool job_open(struct job *job, struct status *status)
{
    const struct job_settings *const settings = &job->settings;
    if (!settings->handler->open) return true;
    job->reason_bytes = 0;
    job->magic = JOB_OPENING;
    const bool is_open = settings->handler->open(&job->host, &job->self);
    job->magic = JOB_AT_REST;
    if (is_open) return true;
    const struct wr_text why = job->reason_bytes > 0
                                   ? text_from(job->reason, job->reason_bytes)
                                   : text_of("it gave no reason (wr_open_because)");
    return status_fail(status, EXIT_CONFIG, "the handler %s did not open in lane %u of %s: %.*s",
                       settings->handler->name, settings->lane, settings->queue, TEXT_ARGS(why));
}

void job_close(struct job *job)
{
    if (job->settings.handler->close) job->settings.handler->close(job->self);
    job->self = NULL;
}

/* ---- one message ---------------------------------------------------------------------------------- */

static void begin(struct job *job, struct arena *arena, const struct job_message *message,
                  uint64_t deadline_ms)
{
    job->arena = arena;
    job->heap_before = arena->heap_bytes;
    job->given = message;
    job->deadline_ms = deadline_ms;
    job->has_failed = false;
    job->is_preparing = false;
    job->document = DOCUMENT_UNREAD;
    job->entered = NULL;
    job->wanted = NULL;
    job->effects = (struct effects){ 0 };
    job->last_row = &job->effects.rows;
    job->last_cache = &job->effects.caches;
    job->last_publish = &job->effects.publishes;
    job->row = NULL;
    job->reason_bytes = job->code_bytes = 0;
    job->magic = JOB_AT_WORK;
    if (UNLIKELY(message->fault.len)) job_fail(job, "%.*s", TEXT_ARGS(message->fault));
}

/* What it does beyond saying what to load would be lost, or done twice. */
static void check_preparation(struct job *job)
{
    const struct effects *const effects = &job->effects;
    if (job->row || effects->rows || effects->caches || effects->publishes)
        job_fail(job, "prepare says what to load; rows, cache entries and messages are for handle");
    job->row = NULL;
    job->effects = (struct effects){ 0 };
}

/* False: the message has failed. */
static bool prepare(struct job *job)
{
    if (job->has_failed) return false;
    job->is_preparing = true;
    job->settings.handler->prepare(job->self, &job->face, &job->given->message);
    job->is_preparing = false;
    job->document = DOCUMENT_UNREAD; /* handle begins at the body again */
    job->entered = NULL;
    check_preparation(job);
    return !job->has_failed;
}

static enum wr_verdict handle(struct job *job)
{
    if (UNLIKELY(job->has_failed)) return WR_REJECT;
    return job->settings.handler->handle(job->self, &job->face, &job->given->message);
}

/* What is kept with WR_REJECT. */
static void keep_always(struct effects *effects)
{
    struct effect_publish *publish = effects->publishes, **last;
    *effects = (struct effects){ 0 };
    for (last = &effects->publishes; publish; publish = publish->next) {
        if (!publish->message.always) continue;
        *last = publish;
        last = &publish->next;
        effects->n_publishes++;
    }
    *last = NULL;
}

static enum wr_verdict judge(struct job *job, enum wr_verdict verdict)
{
    if (job->row) job_end_row(job);
    if ((unsigned)verdict > WR_WAIT)
        job_fail(job, "the handler returned %d, which is no verdict", (int)verdict);
    if (job->has_failed) verdict = WR_REJECT;
    if (verdict == WR_REJECT)
        keep_always(&job->effects);
    else if (verdict != WR_DONE)
        job->effects = (struct effects){ 0 };
    return verdict;
}

static void end(struct job *job, enum wr_verdict verdict, struct job_outcome *outcome)
{
    outcome->verdict = judge(job, verdict);
    outcome->effects = job->effects;
    outcome->reason = arena_copy(job->arena, text_from(job->reason, job->reason_bytes));
    outcome->code = arena_copy(job->arena, text_from(job->code, job->code_bytes));
    job->magic = JOB_AT_REST;
}

void job_run(struct job *job, struct arena *arena, const struct job_message *message,
             uint64_t deadline_ms, struct job_outcome *outcome)
{
    begin(job, arena, message, deadline_ms);
    const bool goes_on = !job->settings.handler->prepare || prepare(job);
    end(job, goes_on ? handle(job) : WR_REJECT, outcome);
}

bool job_prepare(struct job *job, struct arena *arena, const struct job_message *message,
                 uint64_t deadline_ms, struct wanted **wanted, struct job_outcome *outcome)
{
    begin(job, arena, message, deadline_ms);
    const bool goes_on = prepare(job);
    *wanted = job->wanted;
    if (!goes_on) end(job, WR_REJECT, outcome);
    job->magic = JOB_AT_REST;
    return goes_on;
}

void job_handle(struct job *job, struct arena *arena, const struct job_message *message,
                uint64_t deadline_ms, struct wanted *wanted, struct job_outcome *outcome)
{
    begin(job, arena, message, deadline_ms);
    job->wanted = wanted;
    end(job, handle(job), outcome);
}

bool job_reads(const struct wr_handler *handler)
{
    return handler->prepare && handler->loaders && handler->loaders[0].name;
}
