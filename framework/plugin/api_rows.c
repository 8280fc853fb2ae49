/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows: every value is held against the column it falls on as it is put, so that the fault is named
 * where it is made, and encoded at once. A delete's values fall on the columns of the sink's key, in the
 * key's order. */
#include <stdint.h>
#include <string.h>

#include "plugin/api.h"
#include "plugin/job_parts.h"
#include "store/array_text.h"

static const struct wr_sink *sink_of(const struct job *job)
{
    return &job->settings.handler->sinks[job->row->sink];
}

static const char *table_of(const struct wr_sink *sink)
{
    return sink->table ? sink->table : "(none)";
}

/* ---- columns ---------------------------------------------------------------------------------------- */

/* The i-th name in "user_id, sku"; false past the last. */
static bool key_name(const char *key, unsigned i, struct wr_text *name)
{
    for (const char *at = key ? key : "";; i--) {
        at += strspn(at, ", ");
        *name = text_from(at, strcspn(at, ", "));
        if (name->len == 0 || i == 0) return name->len > 0;
        at += name->len;
    }
}

static const struct wr_column *find_column(const struct wr_sink *sink, struct wr_text name)
{
    const struct wr_column *column = sink->columns;
    while (column->name && !text_is(name, column->name)) column++;
    return column->name ? column : NULL;
}

/* What the i-th value of the row in hand falls on. */
static inline const struct wr_column *column_at(const struct job *job, unsigned i)
{
    const struct wr_sink *const sink = sink_of(job);
    struct wr_text name;
    if (LIKELY(!job->row->is_delete)) return &sink->columns[i];
    return key_name(sink->key, i, &name) ? find_column(sink, name) : NULL;
}

static unsigned count_values(const struct wr_sink *sink, bool is_delete)
{
    unsigned n = 0;
    struct wr_text name;
    if (is_delete)
        while (key_name(sink->key, n, &name) && find_column(sink, name)) n++;
    else
        while (sink->columns[n].name) n++;
    return n;
}

/* ---- rows ------------------------------------------------------------------------------------------- */

void job_end_row(struct job *job)
{
    const struct row *const row = job->row;
    if (row->n < job->n_values)
        job_fail(job, "the row for %s has %u values of %u: \"%s\" is the first that was not put",
                 table_of(sink_of(job)), row->n, job->n_values, column_at(job, row->n)->name);
    job->row = NULL;
}

/* `once` knows messages by their ids, which PostgreSQL has to take as text. */
static bool is_once_possible(struct job *job, const char *function, const struct wr_sink *sink)
{
    const struct wr_text id = given_text(job->given->message.id);
    if (!sink->once) return true;
    if (id.len > 0 && !memchr(id.at, '\0', id.len) && text_is_utf8(id)) return true;
    job_fail(job, "%s: the sink for %s is `once`, which needs a message id, and the message %s",
             function, table_of(sink), id.len == 0 ? "has none" : "has one that is no text");
    return false;
}

static void begin_row(struct wr_job *face, const char *function, unsigned sink, bool is_delete)
{
    struct job *const job = job_of(face);
    if (job->row) job_end_row(job);
    if (sink >= job->n_sinks) {
        job_fail(job, "%s: there is no sink %u, the handler declares %u", function, sink,
                 job->n_sinks);
        return;
    }
    const struct wr_sink *const declared = &job->settings.handler->sinks[sink];
    const unsigned n_values = count_values(declared, is_delete);
    if (n_values == 0) {
        job_fail(job, "%s: the sink for %s has no %s", function, table_of(declared),
                 is_delete ? "key to delete by" : "columns");
        return;
    }
    if (!is_once_possible(job, function, declared) ||
        !job_is_within_memory(job, sizeof(struct row)))
        return;
    struct row *const row = row_new(job->arena, sink, is_delete, n_values);
    *job->last_row = row;
    job->last_row = &row->next;
    job->effects.n_rows++;
    job->row = row;
    job->n_values = n_values;
}

void api_row(struct wr_job *face, unsigned sink)
{
    begin_row(face, "wr_row", sink, false);
}

void api_row_delete(struct wr_job *face, unsigned sink)
{
    begin_row(face, "wr_delete", sink, true);
}

/* ---- values ----------------------------------------------------------------------------------------- */

/* A value on its way: the row and column it goes to. */
struct put {
    struct job *job;
    const char *function;
    struct row *row;
    struct arena *arena;
    const struct wr_column *column;
};

static inline bool begin_put(struct put *put, struct wr_job *face, const char *function)
{
    struct job *const job = job_of(face);
    *put = (struct put){ job, function, job->row, job->arena, NULL };
    if (UNLIKELY(!job->row))
        job_fail(job, "%s: there is no row to put it in: call wr_row first", function);
    else if (UNLIKELY(job->row->n == job->n_values))
        job_fail(job, "%s: the row for %s is full, it has %u values", function,
                 table_of(sink_of(job)), job->n_values);
    else
        put->column = column_at(job, job->row->n);
    return put->column != NULL;
}

/* Something stands in for a value that is refused, so that what follows falls on its own column. */
static void refuse(const struct put *put)
{
    row_put_null(put->row, put->arena);
}

/* False where the next value does not belong there, or `most` bytes more are too many. */
static bool begin_value(struct put *put, struct wr_job *face, const char *function,
                        enum put_kind kind, size_t most)
{
    if (!begin_put(put, face, function)) return false;
    const struct row_type *const type = row_type(put->column->type);
    const bool fits = type && type->put == kind;
    if (!fits)
        job_fail(put->job, "%s: the column \"%s\" of %s is %s, which takes %s", function,
                 put->column->name, table_of(sink_of(put->job)), type ? type->brief : "unknown",
                 type ? type->put_name : "nothing");
    const size_t grown = most < SIZE_MAX - put->row->bytes ? most + put->row->bytes : SIZE_MAX;
    if (fits && job_is_within_memory(put->job, grown)) return true;
    refuse(put);
    return false;
}

static void refuse_value(const struct put *put, const char *fault)
{
    job_fail(put->job, "%s: the value for \"%s\" of %s %s", put->function, put->column->name,
             table_of(sink_of(put->job)), fault);
    refuse(put);
}

enum { FIXED_BYTES = 16 };

void api_put_null(struct wr_job *face)
{
    struct put put;
    if (begin_put(&put, face, "wr_put_null")) row_put_null(put.row, put.arena);
}

void api_put_bool(struct wr_job *face, bool value)
{
    struct put put;
    if (begin_value(&put, face, "wr_put_bool", PUT_BOOL, FIXED_BYTES))
        row_put_bool(put.row, put.arena, value);
}

void api_put_int(struct wr_job *face, int64_t value)
{
    struct put put;
    const char *fault;
    if (!begin_value(&put, face, "wr_put_int", PUT_INT, FIXED_BYTES)) return;
    if (!row_put_int(put.row, put.arena, put.column->type, value, &fault))
        refuse_value(&put, fault);
}

void api_put_float(struct wr_job *face, double value)
{
    struct put put;
    if (begin_value(&put, face, "wr_put_float", PUT_FLOAT, FIXED_BYTES))
        row_put_float(put.row, put.arena, value);
}

void api_put_time_us(struct wr_job *face, int64_t unix_us)
{
    struct put put;
    const char *fault;
    if (!begin_value(&put, face, "wr_put_time_us", PUT_TIME_US, FIXED_BYTES)) return;
    if (!row_put_time_us(put.row, put.arena, unix_us, &fault)) refuse_value(&put, fault);
}

void api_put_date(struct wr_job *face, int32_t unix_day)
{
    struct put put;
    const char *fault;
    if (!begin_value(&put, face, "wr_put_date", PUT_DATE, FIXED_BYTES)) return;
    if (!row_put_date(put.row, put.arena, unix_day, &fault)) refuse_value(&put, fault);
}

void api_put_text(struct wr_job *face, struct wr_text value)
{
    struct put put;
    const char *fault;
    const struct wr_text given = given_text(value);
    if (!begin_value(&put, face, "wr_put_text", PUT_TEXT, given.len)) return;
    if (!row_put_text(put.row, put.arena, put.column->type, given, &fault))
        refuse_value(&put, fault);
}

void api_put_uuid(struct wr_job *face, struct wr_text value)
{
    struct put put;
    const char *fault;
    if (!begin_value(&put, face, "wr_put_uuid", PUT_UUID, FIXED_BYTES)) return;
    if (!row_put_uuid(put.row, put.arena, given_text(value), &fault)) refuse_value(&put, fault);
}

void api_put_texts(struct wr_job *face, const struct wr_text *values, size_t n)
{
    struct put put;
    const char *fault;
    size_t most;
    if (__builtin_mul_overflow(n, sizeof *values, &most)) most = SIZE_MAX;
    if (!begin_value(&put, face, "wr_put_texts", PUT_TEXTS, most)) return;
    struct wr_text *const given = job_take(put.job, n, sizeof *given);
    for (size_t i = 0; given && i < n; i++) given[i] = given_text(values[i]);
    if (!given || !job_is_within_memory(put.job, array_text_room(given, n)))
        refuse(&put);
    else if (!row_put_texts(put.row, put.arena, given, n, &fault))
        refuse_value(&put, fault);
}

void api_put_ints(struct wr_job *face, const int64_t *values, size_t n)
{
    struct put put;
    size_t most;
    if (__builtin_mul_overflow(n, ARRAY_INT_CHARS, &most)) most = SIZE_MAX;
    if (begin_value(&put, face, "wr_put_ints", PUT_INTS, most))
        row_put_ints(put.row, put.arena, values, n);
}
