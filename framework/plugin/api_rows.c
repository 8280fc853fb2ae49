/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows: every value is held against the column it falls on as it is put, so that the fault is named
 * where it is made, and encoded at once. A delete's values fall on the columns of the sink's key, in the
 * key's order. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/api.h"
#include "plugin/job_parts.h"
#include "store/array_text.h"
#include "store/name.h"

static const struct wr_sink *sink_of(const struct job *job)
{
    return &job->settings.handler->sinks[job->row->sink];
}

static const char *option_of(void *options, const char *name)
{
    return options_get(options, name);
}

/* For words: with its options filled in, as PostgreSQL knows it. */
static const char *table_of(const struct job *job, const struct wr_sink *sink)
{
    char fault[100];
    const struct options *const options = job->settings.options;
    if (!sink->table) return "(none)";
    if (!options || !strchr(sink->table, '$')) return sink->table;
    char *const filled =
        name_of_table(sink->table, option_of, (void *)(uintptr_t)options, fault, sizeof fault);
    if (!filled) return sink->table;
    const char *const kept = arena_copy(job->arena, text_from(filled, strlen(filled) + 1)).at;
    free(filled);
    return kept;
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

static struct target target_of(const struct wr_column *column)
{
    return (struct target){ column, row_type(column->type) };
}

static struct targets make_targets(const struct wr_sink *sink)
{
    struct targets made = { 0 };
    struct wr_text name;
    const struct wr_column *column;
    while (sink->columns[made.n_row].name) made.n_row++;
    while (key_name(sink->key, made.n_delete, &name) && find_column(sink, name)) made.n_delete++;
    made.of_row = memory_new(made.n_row + 1, sizeof *made.of_row);
    made.of_delete = memory_new(made.n_delete + 1, sizeof *made.of_delete);
    for (unsigned i = 0; i < made.n_row; i++) made.of_row[i] = target_of(&sink->columns[i]);
    for (unsigned i = 0; i < made.n_delete; i++)
        if (key_name(sink->key, i, &name) && (column = find_column(sink, name)))
            made.of_delete[i] = target_of(column);
    return made;
}

void job_make_targets(struct job *job)
{
    job->targets = memory_new(job->n_sinks + 1, sizeof *job->targets);
    for (unsigned i = 0; i < job->n_sinks; i++)
        job->targets[i] = make_targets(&job->settings.handler->sinks[i]);
}

void job_free_targets(struct job *job)
{
    for (unsigned i = 0; i < job->n_sinks; i++) {
        free(job->targets[i].of_row);
        free(job->targets[i].of_delete);
    }
    free(job->targets);
}

/* ---- rows ------------------------------------------------------------------------------------------- */

void job_end_row(struct job *job)
{
    const struct row *const row = job->row;
    if (row->n < job->n_values)
        job_fail(job, "the row for %s has %u values of %u: \"%s\" is the first that was not put",
                 table_of(job, sink_of(job)), row->n, job->n_values,
                 job->value_on[row->n].column->name);
    job->row = NULL;
}

/* `once` knows messages by their ids, which PostgreSQL has to take as text. */
static bool is_once_possible(struct job *job, const char *function, const struct wr_sink *sink)
{
    if (!sink->once) return true;
    const struct wr_text id = given_text(job->given->message.id);
    if (id.len > 0 && !memchr(id.at, '\0', id.len) && text_is_utf8(id)) return true;
    job_fail(job, "%s: the sink for %s is `once`, which needs a message id, and the message %s",
             function, table_of(job, sink), id.len == 0 ? "has none" : "has one that is no text");
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
    const struct targets *const targets = &job->targets[sink];
    const unsigned n_values = is_delete ? targets->n_delete : targets->n_row;
    if (n_values == 0) {
        job_fail(job, "%s: the sink for %s has no %s", function, table_of(job, declared),
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
    job->value_on = is_delete ? targets->of_delete : targets->of_row;
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

/* What the next value falls on; NULL: there is no place for it. */
static inline const struct target *begin_put(struct job *job, const char *function)
{
    const struct row *const row = job->row;
    if (LIKELY(row && row->n < job->n_values)) return &job->value_on[row->n];
    if (!row)
        job_fail(job, "%s: there is no row to put it in: call wr_row first", function);
    else
        job_fail(job, "%s: the row for %s is full, it has %u values", function,
                 table_of(job, sink_of(job)), job->n_values);
    return NULL;
}

/* Something stands in for a value that is refused, so that what follows falls on its own column. */
static void refuse(struct job *job)
{
    row_put_null(job->row, job->arena);
}

static void refuse_kind(struct job *job, const struct target *target, const char *function)
{
    const struct row_type *const type = target->type;
    job_fail(job, "%s: the column \"%s\" of %s is %s, which takes %s", function,
             target->column->name, table_of(job, sink_of(job)), type ? type->brief : "unknown",
             type ? type->put_name : "nothing");
    refuse(job);
}

/* What the next value falls on; NULL where it does not belong there, or `most` bytes more are too many. */
static inline const struct target *begin_value(struct job *job, const char *function,
                                               enum put_kind kind, size_t most)
{
    const struct target *const target = begin_put(job, function);
    if (UNLIKELY(!target)) return NULL;
    if (UNLIKELY(!target->type || target->type->put != kind)) {
        refuse_kind(job, target, function);
        return NULL;
    }
    const size_t bytes = job->row->bytes, grown = most < SIZE_MAX - bytes ? most + bytes : SIZE_MAX;
    if (LIKELY(job_is_within_memory(job, grown))) return target;
    refuse(job);
    return NULL;
}

static void refuse_value(struct job *job, const struct target *target, const char *function,
                         const char *fault)
{
    job_fail(job, "%s: the value for \"%s\" of %s %s", function, target->column->name,
             table_of(job, sink_of(job)), fault);
    refuse(job);
}

enum { FIXED_BYTES = 16 };

void api_put_null(struct wr_job *face)
{
    struct job *const job = job_of(face);
    if (begin_put(job, "wr_put_null")) row_put_null(job->row, job->arena);
}

void api_put_bool(struct wr_job *face, bool value)
{
    struct job *const job = job_of(face);
    if (begin_value(job, "wr_put_bool", PUT_BOOL, FIXED_BYTES))
        row_put_bool(job->row, job->arena, value);
}

void api_put_int(struct wr_job *face, int64_t value)
{
    static const char function[] = "wr_put_int";
    struct job *const job = job_of(face);
    const struct target *const target = begin_value(job, function, PUT_INT, FIXED_BYTES);
    const char *fault;
    if (target && !row_put_int(job->row, job->arena, target->column->type, value, &fault))
        refuse_value(job, target, function, fault);
}

void api_put_float(struct wr_job *face, double value)
{
    struct job *const job = job_of(face);
    if (begin_value(job, "wr_put_float", PUT_FLOAT, FIXED_BYTES))
        row_put_float(job->row, job->arena, value);
}

void api_put_time_us(struct wr_job *face, int64_t unix_us)
{
    static const char function[] = "wr_put_time_us";
    struct job *const job = job_of(face);
    const struct target *const target = begin_value(job, function, PUT_TIME_US, FIXED_BYTES);
    const char *fault;
    if (target && !row_put_time_us(job->row, job->arena, unix_us, &fault))
        refuse_value(job, target, function, fault);
}

void api_put_date(struct wr_job *face, int32_t unix_day)
{
    static const char function[] = "wr_put_date";
    struct job *const job = job_of(face);
    const struct target *const target = begin_value(job, function, PUT_DATE, FIXED_BYTES);
    const char *fault;
    if (target && !row_put_date(job->row, job->arena, unix_day, &fault))
        refuse_value(job, target, function, fault);
}

/* A mistake, and no empty text: that would be stored. */
static const char no_bytes[] = "has a length, but is NULL";

static bool has_no_bytes(struct wr_text value)
{
    return !value.at && value.len > 0;
}

void api_put_text(struct wr_job *face, struct wr_text value)
{
    static const char function[] = "wr_put_text";
    struct job *const job = job_of(face);
    const struct wr_text given = given_text(value);
    const struct target *const target = begin_value(job, function, PUT_TEXT, given.len);
    const char *fault = no_bytes;
    if (target && (has_no_bytes(value) ||
                   !row_put_text(job->row, job->arena, target->column->type, given, &fault)))
        refuse_value(job, target, function, fault);
}

void api_put_uuid(struct wr_job *face, struct wr_text value)
{
    static const char function[] = "wr_put_uuid";
    struct job *const job = job_of(face);
    const struct target *const target = begin_value(job, function, PUT_UUID, FIXED_BYTES);
    const char *fault;
    if (target && !row_put_uuid(job->row, job->arena, given_text(value), &fault))
        refuse_value(job, target, function, fault);
}

void api_put_texts(struct wr_job *face, const struct wr_text *values, size_t n)
{
    static const char function[] = "wr_put_texts";
    struct job *const job = job_of(face);
    const char *fault;
    size_t most;
    if (__builtin_mul_overflow(n, sizeof *values, &most)) most = SIZE_MAX;
    const struct target *const target = begin_value(job, function, PUT_TEXTS, most);
    if (!target) return;
    struct wr_text *const given = job_take(job, n, sizeof *given);
    bool is_whole = true;
    for (size_t i = 0; given && i < n; i++) {
        is_whole &= !has_no_bytes(values[i]);
        given[i] = given_text(values[i]);
    }
    if (given && !is_whole)
        refuse_value(job, target, function, no_bytes);
    else if (!given || !job_is_within_memory(job, array_text_room(given, n)))
        refuse(job);
    else if (!row_put_texts(job->row, job->arena, given, n, &fault))
        refuse_value(job, target, function, fault);
}

void api_put_ints(struct wr_job *face, const int64_t *values, size_t n)
{
    struct job *const job = job_of(face);
    size_t most;
    if (__builtin_mul_overflow(n, ARRAY_INT_CHARS, &most)) most = SIZE_MAX;
    if (begin_value(job, "wr_put_ints", PUT_INTS, most))
        row_put_ints(job->row, job->arena, values, n);
}
