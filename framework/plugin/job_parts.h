/* SPDX-License-Identifier: Apache-2.0
 *
 * A job from inside: for this room's own files only. The handler holds the address of `face`, and the
 * functions it calls through the table get back to the job by it. */
#ifndef PLUGIN_JOB_PARTS_H
#define PLUGIN_JOB_PARTS_H

#include "base/check.h"
#include "base/json.h"
#include "plugin/job.h"

/* A job's magic number says what the handler may do with it now. */
enum {
    JOB_AT_REST = 0x6a6f6230, /* nothing: between messages */
    JOB_OPENING = 0x6a6f6231, /* ask the host, in open */
    JOB_AT_WORK = 0x6a6f6232, /* ask the job, in prepare and handle */
};

/* An array or object that was entered, so that faults can name the way there. */
struct entered {
    struct entered *outer; /* NULL: the document */
    struct wr_text field;  /* as it was entered; may be "" */
    struct wr_text key;    /* of an object's entry; "" in arrays */
    size_t i;
};

/* What one value of a row falls on. */
struct target {
    const struct wr_column *column;
    const struct row_type *type; /* NULL: no type that we know */
};

/* A sink as rows for it are put: what their values, or those of a wr_delete, fall on one after another. */
struct targets {
    struct target *of_row, *of_delete;
    unsigned n_row, n_delete;
};

enum document { DOCUMENT_UNREAD, DOCUMENT_GOOD, DOCUMENT_BAD };

struct job {
    struct wr_job face;
    struct wr_host host;
    uint32_t magic;
    struct job_settings settings;
    unsigned n_sinks, n_loaders, n_counters; /* that the handler declares */
    struct targets *targets;                 /* one a sink */
    void *self;                              /* the handler's state */

    /* Of the message in hand: */
    struct arena *arena;
    size_t heap_before; /* the arena's heap_bytes when it came */
    const struct job_message *given;
    uint64_t deadline_ms;
    bool has_failed; /* sticky: the reason stays, and the verdict is WR_REJECT */
    bool is_preparing;
    enum document document;
    const char *document_name; /* "body" or "document", for words */
    struct entered *entered;   /* NULL: nothing */
    struct wanted *wanted;     /* newest first */
    struct effects effects;
    struct row **last_row; /* where the next of each is linked */
    struct effect_cache **last_cache;
    struct effect_publish **last_publish;
    struct row *row;               /* being put; NULL: none */
    unsigned n_values;             /* that it is to have */
    const struct target *value_on; /* what they fall on */
    unsigned reason_bytes, code_bytes;

    /* Large, never cleared: */
    char reason[JOB_REASON_BYTES];
    char code[JOB_CODE_BYTES];
    struct json json;
};

/* Ends the process: a handler kept its job or its host beyond the call, or made one up. */
_Noreturn void job_misused(const struct job *job, const char *what);

static inline struct job *job_of(struct wr_job *face)
{
    struct job *const job = OWNER_OF(face, struct job, face);
    if (UNLIKELY(job->magic != JOB_AT_WORK)) job_misused(job, "job");
    return job;
}

/* What a handler gives may have a NULL where nothing is. */
static inline struct wr_text given_text(struct wr_text text)
{
    return text_from(text.at, text.len);
}

/* The message is rejected with the first reason. */
void job_fail(struct job *job, const char *format, ...) PRINTF_LIKE(2, 3);

/* Memory of the message's; NULL, and the message fails, beyond JOB_MEMORY_BYTES. */
void *job_take(struct job *job, size_t count, size_t bytes);
/* Replaces a text by its copy, or by "" where there is no memory for it. */
void job_copy(struct job *job, struct wr_text *text);
bool job_takes_too_much(struct job *job); /* fails it; false */
static inline bool job_is_within_memory(struct job *job, size_t bytes)
{
    const size_t used = job->arena->heap_bytes - job->heap_before;
    if (LIKELY(used <= JOB_MEMORY_BYTES && bytes <= JOB_MEMORY_BYTES - used)) return true;
    return job_takes_too_much(job);
}

/* For job_new and job_free. */
void job_make_targets(struct job *job);
void job_free_targets(struct job *job);
/* The row in hand has all its values, or the message fails. */
void job_end_row(struct job *job);

extern const struct wr_api job_api;

#endif
