/* SPDX-License-Identifier: Apache-2.0
 *
 * Rows: every value is held against the column it falls on as it is put, so that the fault is named
 * where it is made. A delete's values fall on the columns of the sink's key, in the key's order. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "plugin/api.h"
#include "plugin/job_parts.h"

/* What each type of column takes, by enum wr_type. */
static const struct column_type {
    const char *name;
    enum effect_cell_kind kind;
} column_types[] = {
    [WR_BOOL] = { "bool", CELL_BOOL },
    [WR_INT2] = { "int2", CELL_INT },
    [WR_INT4] = { "int4", CELL_INT },
    [WR_INT8] = { "int8", CELL_INT },
    [WR_FLOAT8] = { "float8", CELL_FLOAT },
    [WR_NUMERIC] = { "numeric", CELL_TEXT },
    [WR_TEXT] = { "text", CELL_TEXT },
    [WR_BYTEA] = { "bytea", CELL_TEXT },
    [WR_UUID] = { "uuid", CELL_UUID },
    [WR_DATE] = { "date", CELL_DATE },
    [WR_TIMESTAMP] = { "timestamp", CELL_TIME_US },
    [WR_TIMESTAMPTZ] = { "timestamptz", CELL_TIME_US },
    [WR_INET] = { "inet", CELL_TEXT },
    [WR_JSONB] = { "jsonb", CELL_TEXT },
    [WR_TEXT_ARRAY] = { "text[]", CELL_TEXTS },
    [WR_INT8_ARRAY] = { "int8[]", CELL_INTS },
};

/* Which function puts each kind of cell. */
static const char *const putters[] = {
    [CELL_NULL] = "wr_put_null",       [CELL_BOOL] = "wr_put_bool", [CELL_INT] = "wr_put_int",
    [CELL_FLOAT] = "wr_put_float",     [CELL_TEXT] = "wr_put_text", [CELL_UUID] = "wr_put_uuid",
    [CELL_TIME_US] = "wr_put_time_us", [CELL_DATE] = "wr_put_date", [CELL_TEXTS] = "wr_put_texts",
    [CELL_INTS] = "wr_put_ints",
};

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
static const struct wr_column *column_at(const struct job *job, unsigned i)
{
    const struct wr_sink *const sink = sink_of(job);
    struct wr_text name;
    if (!job->row->is_delete) return &sink->columns[i];
    return key_name(sink->key, i, &name) ? find_column(sink, name) : NULL;
}

static unsigned count_cells(const struct wr_sink *sink, bool is_delete)
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
    const struct effect_row *const row = job->row;
    if (job->n_put < row->n_cells)
        job_fail(job, "the row for %s has %u values of %u: \"%s\" is the first that was not put",
                 table_of(sink_of(job)), job->n_put, row->n_cells,
                 column_at(job, job->n_put)->name);
    job->row = NULL;
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
    const unsigned n_cells = count_cells(declared, is_delete);
    if (n_cells == 0) {
        job_fail(job, "%s: the sink for %s has no %s", function, table_of(declared),
                 is_delete ? "key to delete by" : "columns");
        return;
    }
    struct effect_row *const row = job_take(job, 1, sizeof *row);
    struct effect_cell *const cells = job_take(job, n_cells, sizeof *cells);
    if (!row || !cells) return;
    *row = (struct effect_row){ NULL, sink, is_delete, n_cells, cells };
    *job->last_row = row;
    job->last_row = &row->next;
    job->effects.n_rows++;
    job->row = row;
    job->n_put = 0;
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

/* The cell that the next value goes to; NULL where it does not belong there. */
static struct effect_cell *next_cell(struct job *job, enum effect_cell_kind kind,
                                     const struct wr_column **column)
{
    const struct effect_row *const row = job->row;
    if (!row || job->n_put == row->n_cells) {
        if (!row)
            job_fail(job, "%s: there is no row to put it in: call wr_row first", putters[kind]);
        else
            job_fail(job, "%s: the row for %s is full, it has %u values", putters[kind],
                     table_of(sink_of(job)), row->n_cells);
        return NULL;
    }
    *column = column_at(job, job->n_put);
    CHECK(*column); /* n_cells counts what there is */
    const unsigned type = (unsigned)(*column)->type;
    const bool is_known = type < sizeof column_types / sizeof *column_types;
    struct effect_cell *const cell = &row->cells[job->n_put++];
    cell->kind = kind;
    if (kind == CELL_NULL || (is_known && column_types[type].kind == kind)) return cell;
    job_fail(job, "%s: the column \"%s\" of %s is %s, which takes %s", putters[kind],
             (*column)->name, table_of(sink_of(job)),
             is_known ? column_types[type].name : "unknown",
             is_known ? putters[column_types[type].kind] : "nothing");
    return NULL;
}

static void fail_put(struct job *job, enum effect_cell_kind kind, const struct wr_column *column,
                     const char *what)
{
    job_fail(job, "%s: the value for \"%s\" of %s %s", putters[kind], column->name,
             table_of(sink_of(job)), what);
}

/* False where PostgreSQL could not store it in a column of text. */
static bool is_text_good(struct job *job, enum effect_cell_kind kind,
                         const struct wr_column *column, struct wr_text text)
{
    const char *wrong = NULL;
    if (column->type == WR_BYTEA) return true;
    if (memchr(text.at, '\0', text.len)) wrong = "holds a zero byte";
    if (!wrong && !text_is_utf8(text)) wrong = "is not UTF-8";
    if (wrong) fail_put(job, kind, column, wrong);
    return !wrong;
}

void api_put_null(struct wr_job *face)
{
    const struct wr_column *column;
    (void)next_cell(job_of(face), CELL_NULL, &column);
}

void api_put_bool(struct wr_job *face, bool value)
{
    const struct wr_column *column;
    struct effect_cell *const cell = next_cell(job_of(face), CELL_BOOL, &column);
    if (cell) cell->as.is_true = value;
}

void api_put_int(struct wr_job *face, int64_t value)
{
    struct job *const job = job_of(face);
    const struct wr_column *column;
    struct effect_cell *const cell = next_cell(job, CELL_INT, &column);
    if (!cell) return;
    const int64_t most = column->type == WR_INT2   ? INT16_MAX
                         : column->type == WR_INT4 ? INT32_MAX
                                                   : INT64_MAX;
    cell->as.integer = value;
    if (value > most || value < -most - 1)
        fail_put(job, CELL_INT, column, "is beyond the column's range");
}

void api_put_float(struct wr_job *face, double value)
{
    const struct wr_column *column;
    struct effect_cell *const cell = next_cell(job_of(face), CELL_FLOAT, &column);
    if (cell) cell->as.real = value;
}

void api_put_time_us(struct wr_job *face, int64_t unix_us)
{
    const struct wr_column *column;
    struct effect_cell *const cell = next_cell(job_of(face), CELL_TIME_US, &column);
    if (cell) cell->as.integer = unix_us;
}

void api_put_date(struct wr_job *face, int32_t unix_day)
{
    const struct wr_column *column;
    struct effect_cell *const cell = next_cell(job_of(face), CELL_DATE, &column);
    if (cell) cell->as.integer = unix_day;
}

void api_put_text(struct wr_job *face, struct wr_text value)
{
    struct job *const job = job_of(face);
    const struct wr_column *column;
    struct effect_cell *const cell = next_cell(job, CELL_TEXT, &column);
    if (!cell) return;
    cell->as.text = given_text(value);
    if (is_text_good(job, CELL_TEXT, column, cell->as.text)) job_copy(job, &cell->as.text);
}

/* 8-4-4-4-12 hexadecimal digits, in either case. */
static bool parse_uuid(struct wr_text text, uint8_t bytes[16])
{
    if (text.len != 36) return false;
    unsigned digits = 0;
    for (unsigned i = 0; i < 36; i++) {
        const char c = text.at[i];
        if (i == 8 || i == 13 || i == 18 || i == 23) {
            if (c != '-') return false;
            continue;
        }
        const int digit = c >= '0' && c <= '9'   ? c - '0'
                          : c >= 'a' && c <= 'f' ? c - 'a' + 10
                          : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                                 : -1;
        if (digit < 0) return false;
        bytes[digits / 2] = (uint8_t)(digits % 2 ? bytes[digits / 2] << 4 | digit : digit);
        digits++;
    }
    return true;
}

void api_put_uuid(struct wr_job *face, struct wr_text value)
{
    struct job *const job = job_of(face);
    const struct wr_column *column;
    struct effect_cell *const cell = next_cell(job, CELL_UUID, &column);
    if (cell && !parse_uuid(given_text(value), cell->as.uuid))
        fail_put(job, CELL_UUID, column, "is no UUID such as 0194f0c8-7c1e-7a3b-9d2e-5f6071829304");
}

void api_put_texts(struct wr_job *face, const struct wr_text *values, size_t n)
{
    struct job *const job = job_of(face);
    const struct wr_column *column;
    struct effect_cell *const cell = next_cell(job, CELL_TEXTS, &column);
    struct wr_text *const copies = cell ? job_take(job, n, sizeof *copies) : NULL;
    if (!copies) return;
    for (size_t i = 0; i < n; i++) {
        copies[i] = given_text(values[i]);
        if (!is_text_good(job, CELL_TEXTS, column, copies[i])) return;
        job_copy(job, &copies[i]);
    }
    cell->n = n;
    cell->as.texts = copies;
}

void api_put_ints(struct wr_job *face, const int64_t *values, size_t n)
{
    struct job *const job = job_of(face);
    const struct wr_column *column;
    struct effect_cell *const cell = next_cell(job, CELL_INTS, &column);
    int64_t *const copies = cell ? job_take(job, n, sizeof *copies) : NULL;
    if (!copies) return;
    if (n > 0) memcpy(copies, values, n * sizeof *copies);
    cell->n = n;
    cell->as.integers = copies;
}
