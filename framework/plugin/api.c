/* SPDX-License-Identifier: Apache-2.0
 *
 * The table of functions, and those of them that are about the message, the clock and the log. The
 * table's order is the header's; nothing in it ever moves. */
#include "plugin/api.h"

#include <stdio.h>
#include <string.h>

#include "amqp/table.h"
#include "base/clock.h"
#include "base/log.h"
#include "plugin/derive.h"
#include "plugin/job_parts.h"
#include "plugin/job_trace.h"

/* ---- verdicts ------------------------------------------------------------------------------------- */

static void set_reason(struct job *job, struct wr_text why)
{
    job->reason_bytes = (unsigned)text_cut(why, sizeof job->reason);
    memcpy(job->reason, why.at, job->reason_bytes);
}

static void fail(struct wr_job *face, struct wr_text why)
{
    struct job *const job = job_of(face);
    if (job->has_failed) return;
    job->has_failed = true;
    set_reason(job, given_text(why));
}

static void because(struct wr_job *face, struct wr_text why)
{
    struct job *const job = job_of(face);
    if (!job->has_failed) set_reason(job, given_text(why));
}

static void code(struct wr_job *face, const char *code)
{
    struct job *const job = job_of(face);
    const struct wr_text text = text_of(code);
    job->code_bytes = (unsigned)text_cut(text, sizeof job->code);
    memcpy(job->code, text.at, job->code_bytes);
}

/* ---- the message and its memory --------------------------------------------------------------------- */

static bool header(struct wr_job *face, const char *name, struct wr_pair *value)
{
    return table_find(job_of(face)->given->headers, name, value);
}

static void *alloc(struct wr_job *face, size_t bytes)
{
    return job_take(job_of(face), 1, bytes);
}

static char *cstr(struct wr_job *face, struct wr_text text)
{
    struct job *const job = job_of(face);
    text = given_text(text);
    const bool has_nul = memchr(text.at, '\0', text.len) != NULL;
    if (has_nul) job_fail(job, "wr_cstr: the text holds a zero byte");
    if (has_nul || !job_is_within_memory(job, text.len + 1)) text.len = 0;
    char *const copy = arena_take_bytes(job->arena, text.len + 1);
    memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    return copy;
}

static struct wr_text uuid_of(struct wr_job *face, uint32_t n)
{
    struct job *const job = job_of(face);
    if (!job_is_within_memory(job, DERIVED_UUID_CHARS)) return text_of("");
    char *const uuid = arena_take_bytes(job->arena, DERIVED_UUID_CHARS);
    derive_uuid(job->settings.handler->name, &job->given->message, n, uuid);
    return text_from(uuid, DERIVED_UUID_CHARS);
}

/* ---- counters, log, clock --------------------------------------------------------------------------- */

static void count(struct wr_job *face, unsigned counter, uint64_t n)
{
    struct job *const job = job_of(face);
    if (UNLIKELY(counter >= job->n_counters))
        job_fail(job, "wr_count: there is no counter %u, the handler declares %u", counter,
                 job->n_counters);
    else if (job->settings.counters)
        counter_add_shared(job->settings.counters[counter], n);
}

static void write_log(struct wr_job *face, enum wr_level level, struct wr_text line)
{
    struct job *const job = job_of(face);
    if ((unsigned)level > WR_ERROR) level = WR_ERROR;
    if (!log_is_on(level)) return;
    struct job_trace_fields trace;
    job_trace_for_log(job->given, &trace);
    const struct log_field fields[] = {
        LOG_TEXT(HANDLER, job->settings.handler->name),
        LOG_TEXT(QUEUE, job->settings.queue),
        LOG_INT(LANE, job->settings.lane),
        LOG_SPAN(MESSAGE_ID, job->given->message.id),
        trace.id,
        trace.span,
    };
    log_write(level, "handler", given_text(line), fields, sizeof fields / sizeof *fields);
}

static int64_t now_us(struct wr_job *face)
{
    const struct job *const job = job_of(face);
    return job->settings.unix_us ? job->settings.unix_us(job->settings.owner) : clock_unix_us();
}

static int64_t left_ms(struct wr_job *face)
{
    const uint64_t deadline_ms = job_of(face)->deadline_ms, now_ms = clock_now_ms();
    if (now_ms >= deadline_ms) return 0;
    const uint64_t left = deadline_ms - now_ms;
    return left < INT64_MAX ? (int64_t)left : INT64_MAX;
}

/* ---- the host, in open ------------------------------------------------------------------------------ */

static struct job *opening(struct wr_host *host)
{
    struct job *const job = OWNER_OF(host, struct job, host);
    if (job->magic != JOB_OPENING) job_misused(job, "host");
    return job;
}

/* The NULL that it gets is easily used as a text. */
static void warn_of_option(const struct wr_handler *handler, const char *name)
{
    char line[300], shown[100];
    snprintf(line, sizeof line,
             "wr_option: the handler asks for the option \"%s\", which it does not declare",
             text_show(text_of(name), shown, sizeof shown));
    log_warn("handler", line, LOG_TEXT(HANDLER, handler->name));
}

static const char *option(struct wr_host *host, const char *name)
{
    const struct job *const job = opening(host);
    const struct options *const options = job->settings.options;
    const char *const value = options ? options_get(options, name) : NULL;
    if (!value) warn_of_option(job->settings.handler, name);
    return value;
}

static void open_because(struct wr_host *host, struct wr_text why)
{
    set_reason(opening(host), given_text(why));
}

/* ---- the table -------------------------------------------------------------------------------------- */

const struct wr_api job_api = {
    .size = sizeof(struct wr_api),
    .abi_major = WR_ABI_MAJOR,
    .abi_minor = WR_ABI_MINOR,
    .row = api_row,
    .row_delete = api_row_delete,
    .put_bool = api_put_bool,
    .put_int = api_put_int,
    .put_float = api_put_float,
    .put_text = api_put_text,
    .put_uuid = api_put_uuid,
    .put_time_us = api_put_time_us,
    .put_date = api_put_date,
    .put_texts = api_put_texts,
    .put_ints = api_put_ints,
    .put_null = api_put_null,
    .cache_set = api_cache_set,
    .cache_drop = api_cache_drop,
    .publish = api_publish,
    .reply = api_reply,
    .want = api_want,
    .got = api_got,
    .json_text = api_json_text,
    .json_int = api_json_int,
    .json_float = api_json_float,
    .json_bool = api_json_bool,
    .json_time_us = api_json_time_us,
    .json_raw = api_json_raw,
    .json_has = api_json_has,
    .json_count = api_json_count,
    .json_enter = api_json_enter,
    .json_leave = api_json_leave,
    .json_open = api_json_open,
    .header = header,
    .alloc = alloc,
    .cstr = cstr,
    .uuid_of = uuid_of,
    .fail = fail,
    .because = because,
    .code = code,
    .count = count,
    .log = write_log,
    .now_us = now_us,
    .left_ms = left_ms,
    .option = option,
    .open_because = open_because,
};
