/* SPDX-License-Identifier: Apache-2.0
 *
 * Questions about a trial's last message. One that makes no sense is a fault of the test's and ends it
 * with words: an empty answer would only be puzzled over. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "plugin/trial_parts.h"

void trial_refuse(const char *function, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fprintf(stderr, "warrener: %s: ", function);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    abort();
}

static void check_sink(const struct wr_trial *trial, const char *function, unsigned sink)
{
    if (sink >= trial->n_sinks)
        trial_refuse(function, "there is no sink %u, the handler declares %u", sink,
                     trial->n_sinks);
}

/* Answers are made in it: what a question adds changes nothing that is asked for. */
static struct arena *arena_of(const struct wr_trial *trial)
{
    return (struct arena *)(uintptr_t)&trial->kept;
}

/* ---- for warrener try ------------------------------------------------------------------------------- */

const struct wr_handler *trial_handler(const struct wr_trial *trial)
{
    return declaration_handler(trial->declaration);
}

unsigned trial_count_counters(const struct wr_trial *trial)
{
    return trial->n_counters;
}

const char *trial_table(const struct wr_trial *trial, unsigned sink)
{
    return trial->tables[sink];
}

const struct wr_column *trial_column(const struct wr_trial *trial, const struct row *row,
                                     unsigned i)
{
    const struct sink *const sink = trial->sinks[row->sink];
    return &sink->columns[row->is_delete ? sink->key[i] : i];
}

const struct job_outcome *trial_outcome(const struct wr_trial *trial)
{
    return &trial->outcome;
}

uint64_t trial_took_ns(const struct wr_trial *trial)
{
    return trial->took_ns;
}

/* ---- the verdict's words ---------------------------------------------------------------------------- */

static struct wr_text never_null(struct wr_text text)
{
    return text.at ? text : text_of("");
}

struct wr_text wr_trial_reason(const struct wr_trial *trial)
{
    return never_null(trial->outcome.reason);
}

struct wr_text wr_trial_code(const struct wr_trial *trial)
{
    return never_null(trial->outcome.code);
}

/* ---- rows ------------------------------------------------------------------------------------------- */

size_t wr_trial_rows(const struct wr_trial *trial, unsigned sink)
{
    size_t n = 0;
    check_sink(trial, "wr_trial_rows", sink);
    for (const struct row *row = trial->outcome.effects.rows; row; row = row->next)
        n += row->sink == sink;
    return n;
}

static const struct row *find_row(const struct wr_trial *trial, const char *function, unsigned sink,
                                  size_t i)
{
    size_t n = 0;
    check_sink(trial, function, sink);
    for (const struct row *row = trial->outcome.effects.rows; row; row = row->next)
        if (row->sink == sink && n++ == i) return row;
    trial_refuse(function, "there is no row %zu for the sink %u (%s), the message put %zu", i, sink,
                 trial->tables[sink], n);
}

bool wr_trial_is_delete(const struct wr_trial *trial, unsigned sink, size_t row)
{
    return find_row(trial, "wr_trial_is_delete", sink, row)->is_delete;
}

static unsigned find_column(const struct wr_trial *trial, const struct sink *sink, const char *name)
{
    const char *names[SINK_COLUMNS_MOST + 1] = { NULL };
    for (unsigned i = 0; i < sink->n; i++) {
        names[i] = sink->columns[i].name;
        if (text_is(text_of(name), names[i])) return i;
    }
    const char *const near = text_nearest(name, names);
    trial_refuse("wr_trial_value", "the sink %u (%s) has no column \"%s\"%s%s%s", sink->nth,
                 trial->tables[sink->nth], name, near ? "; did you mean \"" : "", near ? near : "",
                 near ? "\"?" : "");
}

/* Where the column's value is among those of the row: a delete has its key's alone. */
static unsigned place_of(const struct wr_trial *trial, const struct sink *sink,
                         const struct row *row, unsigned column)
{
    if (!row->is_delete) return column;
    for (unsigned i = 0; i < sink->n_key; i++)
        if (sink->key[i] == column) return i;
    trial_refuse("wr_trial_value", "\"%s\" is not of the key of %s, and the row is a delete",
                 sink->columns[column].name, trial->tables[sink->nth]);
}

struct wr_text wr_trial_value(const struct wr_trial *trial, unsigned sink, size_t row,
                              const char *column)
{
    const struct row *const found = find_row(trial, "wr_trial_value", sink, row);
    const struct sink *const declared = trial->sinks[sink];
    const unsigned nth = find_column(trial, declared, column);
    uint32_t at = 0;
    struct row_value value = { NULL, -1 };
    for (unsigned i = place_of(trial, declared, found, nth) + 1; i > 0; i--)
        value = row_next_value(found, &at);
    struct arena *const arena = arena_of(trial);
    return trial_keep_text(arena, row_show(arena, declared->columns[nth].type, value));
}

/* ---- messages, cache, counters ---------------------------------------------------------------------- */

size_t wr_trial_published(const struct wr_trial *trial)
{
    return trial->outcome.effects.n_publishes;
}

const struct wr_outgoing *wr_trial_publish(const struct wr_trial *trial, size_t i)
{
    const struct effect_publish *publish = trial->outcome.effects.publishes;
    const size_t n = trial->outcome.effects.n_publishes;
    if (i >= n)
        trial_refuse("wr_trial_publish", "there is no message %zu, %zu were published", i, n);
    while (i-- > 0) publish = publish->next;
    return &publish->message;
}

const struct wr_entry *wr_trial_cached(const struct wr_trial *trial, struct wr_text key)
{
    const struct effect_cache *found = NULL;
    for (const struct effect_cache *at = trial->outcome.effects.caches; at; at = at->next)
        if (text_equal(at->key, key)) found = at;
    if (!found) return NULL;
    struct arena *const arena = arena_of(trial);
    struct wr_entry *const entry = arena_take(arena, sizeof *entry);
    *entry =
        (struct wr_entry){ found->key, found->value, found->version, found->ttl_s, found->is_drop };
    return entry;
}

uint64_t wr_trial_counted(const struct wr_trial *trial, unsigned counter)
{
    if (counter >= trial->n_counters)
        trial_refuse("wr_trial_counted", "there is no counter %u, the handler declares %u", counter,
                     trial->n_counters);
    return counter_read(&trial->counters[counter]);
}
