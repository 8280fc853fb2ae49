/* SPDX-License-Identifier: Apache-2.0
 *
 * JSON for handlers: base/json.h with sticky faults in place of returned ones. The body is read at
 * the first call, not before; a fault names the field with the way that was entered to it. */
#include <stdio.h>
#include <string.h>

#include "base/time_text.h"
#include "plugin/api.h"
#include "plugin/job_parts.h"

enum { PLACE_BYTES = 256 }; /* a field with its way, in words */

/* ---- words ------------------------------------------------------------------------------------------ */

static size_t append(char *out, size_t at, struct wr_text text)
{
    const size_t n = text_cut(text, PLACE_BYTES - 1 - at);
    memcpy(out + at, text.at, n);
    return at + n;
}

static size_t append_field(char *out, size_t at, struct wr_text field)
{
    if (at > 0 && field.len > 0) at = append(out, at, text_of("."));
    return append(out, at, field);
}

static size_t append_way(char *out, const struct entered *entered)
{
    if (!entered) return 0;
    size_t at = append_way(out, entered->outer);
    at = append_field(out, at, entered->field);
    if (entered->key.len > 0) return append_field(out, at, entered->key);
    char number[32];
    snprintf(number, sizeof number, "[%zu]", entered->i);
    return append(out, at, text_of(number));
}

/* "items[2].sku"; the depth of what can be entered is bounded, and so is this. */
static const char *place(const struct job *job, const char *field, char out[PLACE_BYTES])
{
    size_t at = append_way(out, job->entered);
    at = append_field(out, at, text_of(field));
    out[at] = '\0';
    return out;
}

static void tell(struct job *job, const char *field, enum json_fault fault)
{
    if (job->has_failed) return;
    char where[PLACE_BYTES], words[JSON_WORDS_BYTES];
    json_words(&job->json, fault, words, sizeof words);
    if (*place(job, field, where))
        job_fail(job, "field \"%s\" %s", where, words);
    else
        job_fail(job, "the %s %s", job->document_name, words);
}

/* ---- the document ----------------------------------------------------------------------------------- */

static void read_document(struct job *job, const char *name, struct wr_text document)
{
    job->document_name = name;
    job->entered = NULL;
    const enum json_fault fault = json_open(&job->json, document);
    job->document = fault == JSON_OK ? DOCUMENT_GOOD : DOCUMENT_BAD;
    if (fault != JSON_OK) tell(job, "", fault);
}

/* The job, where its document is JSON and there is memory for what is taken from it. */
static inline struct job *reader(struct wr_job *face)
{
    struct job *const job = job_of(face);
    if (UNLIKELY(job->document == DOCUMENT_UNREAD))
        read_document(job, "body", job->given->message.body);
    return LIKELY(job->document == DOCUMENT_GOOD) && job_is_within_memory(job, 0) ? job : NULL;
}

void api_json_open(struct wr_job *face, struct wr_text document)
{
    struct job *const job = job_of(face);
    job_copy(job, &document);
    read_document(job, "document", document);
}

/* ---- values ----------------------------------------------------------------------------------------- */

struct wr_text api_json_text(struct wr_job *face, const char *field)
{
    struct wr_text text = { "", 0 };
    struct job *const job = reader(face);
    if (!job) return text;
    const enum json_fault fault = json_text(&job->json, field, job->arena, &text);
    /* A zero byte is the text's own affair: who cannot take it says so, wr_put_text for one. */
    if (UNLIKELY(fault != JSON_OK && fault != JSON_HOLDS_NUL)) tell(job, field, fault);
    return text;
}

int64_t api_json_int(struct wr_job *face, const char *field)
{
    int64_t number = 0;
    struct job *const job = reader(face);
    if (!job) return number;
    const enum json_fault fault = json_int(&job->json, field, &number);
    if (UNLIKELY(fault != JSON_OK)) tell(job, field, fault);
    return number;
}

double api_json_float(struct wr_job *face, const char *field)
{
    double number = 0;
    struct job *const job = reader(face);
    if (!job) return number;
    const enum json_fault fault = json_float(&job->json, field, &number);
    if (UNLIKELY(fault != JSON_OK)) tell(job, field, fault);
    return number;
}

bool api_json_bool(struct wr_job *face, const char *field)
{
    bool is_true = false;
    struct job *const job = reader(face);
    if (!job) return is_true;
    const enum json_fault fault = json_bool(&job->json, field, &is_true);
    if (UNLIKELY(fault != JSON_OK)) tell(job, field, fault);
    return is_true;
}

int64_t api_json_time_us(struct wr_job *face, const char *field)
{
    int64_t unix_us = 0;
    struct wr_text text;
    struct job *const job = reader(face);
    if (!job) return unix_us;
    const enum json_fault fault = json_text(&job->json, field, job->arena, &text);
    char where[PLACE_BYTES];
    if (UNLIKELY(fault != JSON_OK))
        tell(job, field, fault);
    else if (UNLIKELY(!time_from_rfc3339(text, &unix_us)))
        job_fail(job, "field \"%s\" is no RFC 3339 time such as 2026-01-02T03:04:05.678Z",
                 place(job, field, where));
    return unix_us;
}

struct wr_text api_json_raw(struct wr_job *face, const char *field)
{
    struct wr_text source = { "", 0 };
    struct job *const job = reader(face);
    if (!job) return source;
    const enum json_fault fault = json_raw(&job->json, field, &source);
    if (UNLIKELY(fault != JSON_OK)) tell(job, field, fault);
    return source;
}

bool api_json_has(struct wr_job *face, const char *field)
{
    struct job *const job = reader(face);
    return job && json_has(&job->json, field);
}

/* ---- walking ---------------------------------------------------------------------------------------- */

size_t api_json_count(struct wr_job *face, const char *field)
{
    size_t entries = 0;
    struct job *const job = reader(face);
    if (!job) return entries;
    const enum json_fault fault = json_count(&job->json, field, &entries);
    if (UNLIKELY(fault != JSON_OK)) tell(job, field, fault);
    return entries;
}

/* Notes the way for the words of later faults; without memory for it the message has failed, and the
 * way is told no more. */
static void note_entered(struct job *job, const char *field, size_t i, struct wr_text key)
{
    struct entered *const entered = arena_take(job->arena, sizeof *entered);
    *entered = (struct entered){ job->entered, text_of(field), key, i };
    job_copy(job, &entered->field);
    job->entered = entered;
}

bool api_json_enter(struct wr_job *face, const char *field, size_t i, struct wr_text *key)
{
    struct wr_text name = { "", 0 };
    struct job *const job = reader(face);
    if (key) *key = name;
    if (!job) return false;
    const enum json_fault fault = json_enter(&job->json, field, i, job->arena, &name);
    if (key) *key = name;
    if (fault == JSON_OK)
        note_entered(job, field, i, name);
    else if (fault != JSON_PAST_END)
        tell(job, field, fault);
    return fault == JSON_OK;
}

void api_json_leave(struct wr_job *face)
{
    struct job *const job = reader(face);
    if (!job) return;
    if (json_leave(&job->json))
        job->entered = job->entered->outer;
    else
        job_fail(job, "wr_json_leave: nothing was entered");
}
