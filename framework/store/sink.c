/* SPDX-License-Identifier: Apache-2.0
 *
 * Declared sinks, checked and made ready; see sink.h. Every check is a line that names what is wrong
 * and, where it is not plain, the way out. */
#include "store/sink.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/text.h"
#include "store/fold.h"
#include "store/name.h"
#include "store/statement.h"

/* Who is being made, and where faults go. */
struct maker {
    struct sink *sink;
    const struct wr_sink *declared;
    struct status *status;
};

PRINTF_LIKE(2, 3) static bool refuse(const struct maker *maker, const char *format, ...)
{
    char words[600];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(words, sizeof words, format, args);
    va_end(args);
    const char *const table = maker->declared->table;
    return status_fail(maker->status, EXIT_CONFIG, "sink %u%s%s%s: %s", maker->sink->nth,
                       table ? " (" : "", table ? table : "", table ? ")" : "", words);
}

/* ---- columns ----------------------------------------------------------------------------------- */

/* -1 where there is none. */
static int find_column(const struct sink *sink, struct wr_text name)
{
    for (unsigned i = 0; i < sink->n; i++)
        if (text_is(name, sink->columns[i].name)) return (int)i;
    return -1;
}

static bool refuse_unknown(const struct maker *maker, const char *what, struct wr_text name)
{
    const char *names[SINK_COLUMNS_MOST + 1] = { NULL };
    for (unsigned i = 0; i < maker->sink->n; i++) names[i] = maker->sink->columns[i].name;
    char word[80];
    const char *const near = text_nearest(text_show(name, word, sizeof word), names);
    return refuse(maker, "%s names \"%s\", which is no column of it%s%s%s", what, word,
                  near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static bool is_number(enum wr_type type)
{
    return type == WR_INT2 || type == WR_INT4 || type == WR_INT8 || type == WR_FLOAT8 ||
           type == WR_NUMERIC;
}

static bool check_column(const struct maker *maker, const struct wr_column *column)
{
    const struct row_type *const type = row_type(column->type);
    if (!*column->name) return refuse(maker, "column %u has an empty name", maker->sink->n);
    if (find_column(maker->sink, text_of(column->name)) >= 0)
        return refuse(maker, "the column \"%s\" is declared twice", column->name);
    if (!type)
        return refuse(maker, "the column \"%s\" has the type %d, which is none of wr_type",
                      column->name, (int)column->type);
    if ((unsigned)column->merge > WR_FILL)
        return refuse(maker, "the column \"%s\" has the merge %d, which is none of wr_merge",
                      column->name, (int)column->merge);
    if (column->as && !*column->as)
        return refuse(maker, "the column \"%s\" is cast to \"\": leave `as` out", column->name);
    if (column->merge == WR_SUM && !is_number(column->type))
        return refuse(maker, "the column \"%s\" is %s, of which WR_SUM makes no sum", column->name,
                      type->brief);
    return true;
}

static bool take_columns(const struct maker *maker)
{
    const struct wr_column *column = maker->declared->columns;
    struct sink *const sink = maker->sink;
    for (; column && column->name; column++) {
        if (sink->n == SINK_COLUMNS_MOST)
            return refuse(maker, "it has more than %d columns", SINK_COLUMNS_MOST);
        if (!check_column(maker, column)) return false;
        sink->columns[sink->n++] = *column;
    }
    return sink->n > 0 || refuse(maker, "it has no columns");
}

/* ---- key and merges ---------------------------------------------------------------------------- */

static bool add_to_key(const struct maker *maker, struct wr_text name)
{
    struct sink *const sink = maker->sink;
    const int column = find_column(sink, name);
    if (column < 0) return refuse_unknown(maker, "key", name);
    if (sink->is_key[column])
        return refuse(maker, "key names \"%s\" twice", sink->columns[column].name);
    if (sink->columns[column].merge != WR_LAST)
        return refuse(maker, "\"%s\" is of the key and cannot be merged: leave its merge out",
                      sink->columns[column].name);
    sink->key[sink->n_key++] = (unsigned)column;
    sink->is_key[column] = true;
    return true;
}

/* "user_id, sku" */
static bool take_key(const struct maker *maker)
{
    const char *at = maker->declared->key;
    if (!at) return true;
    for (at += strspn(at, ", "); *at; at += strspn(at, ", ")) {
        const struct wr_text name = text_from(at, strcspn(at, ", "));
        if (!add_to_key(maker, name)) return false;
        at += name.len;
    }
    return maker->sink->n_key > 0 ||
           refuse(maker, "its key is empty: name columns, or leave it out for plain inserts");
}

/* Merges say nothing where rows are kept: likely on_conflict was forgotten. */
static bool check_merges(const struct maker *maker)
{
    const struct sink *const sink = maker->sink;
    if ((unsigned)sink->on_conflict > WR_MERGE)
        return refuse(maker, "its on_conflict is %d, which is none of wr_conflict",
                      (int)sink->on_conflict);
    if (sink->has_own_sql) return true;
    if (sink->on_conflict == WR_MERGE)
        return sink->n_key > 0 || refuse(maker, "WR_MERGE needs a key to know rows by");
    for (unsigned i = 0; i < sink->n; i++)
        if (sink->columns[i].merge != WR_LAST)
            return refuse(
                maker, "the column \"%s\" has a merge, which needs %s", sink->columns[i].name,
                sink->n_key > 0 ? ".on_conflict = WR_MERGE" : "a key and .on_conflict = WR_MERGE");
    return true;
}

static bool take_newest_by(const struct maker *maker)
{
    struct sink *const sink = maker->sink;
    const char *const name = maker->declared->newest_by;
    sink->newest_by = -1;
    if (!name) return true;
    const int column = find_column(sink, text_of(name));
    if (column < 0) return refuse_unknown(maker, "newest_by", text_of(name));
    if (sink->has_own_sql)
        return refuse(maker, "newest_by is for the made statement: its own sql has to compare");
    if (sink->on_conflict != WR_MERGE)
        return refuse(maker, "newest_by needs .on_conflict = WR_MERGE");
    if (sink->is_key[column])
        return refuse(maker, "newest_by names \"%s\", which is of the key and never newer", name);
    const enum wr_merge merge = sink->columns[column].merge;
    if (merge != WR_LAST && merge != WR_MAX)
        return refuse(maker, "newest_by names \"%s\", whose merge must be WR_LAST or WR_MAX", name);
    sink->newest_by = column;
    return true;
}

/* ---- cache and SQL ----------------------------------------------------------------------------- */

/* Where a row's entry is must not change: the old one would stay where it was. */
static bool is_constant(const struct sink *sink, int column)
{
    return sink->is_key[column] || sink->on_conflict == WR_KEEP ||
           sink->columns[column].merge == WR_FIRST;
}

/* "cart:{user_id}" */
static bool check_cache_key(const struct maker *maker)
{
    for (const char *at = strchr(maker->declared->cache_key, '{'); at; at = strchr(at, '{')) {
        const size_t len = strcspn(++at, "{}");
        if (at[len] != '}') return refuse(maker, "its cache_key has a { that does not end");
        const int column = find_column(maker->sink, text_from(at, len));
        if (column < 0) return refuse_unknown(maker, "cache_key", text_from(at, len));
        if (!is_constant(maker->sink, column))
            return refuse(maker,
                          "cache_key names \"%s\", which may change, and an entry under its old "
                          "key would stay: name columns of the key, or make its merge WR_FIRST",
                          maker->sink->columns[column].name);
    }
    return true;
}

static bool check_cache(const struct maker *maker)
{
    const struct wr_sink *const declared = maker->declared;
    if (!declared->cache_key) {
        if (declared->cache_value || declared->cache_ttl_s > 0 || declared->cache_around)
            return refuse(maker, "it says how to cache, but no cache_key");
        return true;
    }
    if (!*declared->cache_key) return refuse(maker, "its cache_key is empty");
    if (declared->cache_ttl_s == 0)
        return refuse(maker, "it has a cache_key and cache_ttl_s 0, which would keep entries for "
                             "ever: give one");
    if (maker->sink->n_key == 0)
        return refuse(maker, "it has a cache_key, which needs a key to read rows back by");
    if (declared->cache_value && !declared->cache_value[strspn(declared->cache_value, " \t\r\n")])
        return refuse(maker, "its cache_value is empty: leave it out for to_jsonb(t)");
    if (declared->cache_value && declared->cache_around)
        return refuse(maker, "it has a cache_value, and cache_around, which writes none: leave one "
                             "of them out");
    if (find_column(maker->sink, text_of("ver")) >= 0)
        return refuse(maker,
                      "it has a cache_key: the host keeps the column \"ver\", take it out of "
                      "the columns");
    maker->sink->has_version = true;
    maker->sink->is_cached_around = declared->cache_around;
    maker->sink->cache_ttl_s = declared->cache_ttl_s;
    return check_cache_key(maker);
}

static bool check_sql(const struct maker *maker)
{
    const char *const sql = maker->declared->sql;
    if (!sql) return true;
    if (!sql[strspn(sql, " \t\r\n")]) return refuse(maker, "its sql is empty: leave it out");
    if (find_column(maker->sink, text_of("n")) >= 0)
        return refuse(maker, "the column \"n\" of `input` is the arrival order: name yours "
                             "differently");
    return true;
}

/* ---- made -------------------------------------------------------------------------------------- */

/* What the client merges the same way as the server does. */
static bool is_foldable(const struct wr_column *column)
{
    switch (column->merge) {
    case WR_SUM: return column->type != WR_NUMERIC && !column->as;
    case WR_MIN:
    case WR_MAX: return fold_can_compare(column);
    default: return true;
    }
}

static enum sink_fold choose_fold(const struct sink *sink)
{
    if (sink->has_own_sql || sink->n_key == 0) return SINK_KEEPS_ALL;
    bool can_fold = true, is_plain = true;
    for (unsigned i = 0; i < sink->n; i++) {
        const struct wr_column *const column = &sink->columns[i];
        if ((int)i == sink->newest_by)
            can_fold &= fold_can_compare(column);
        else
            can_fold &= is_foldable(column);
        is_plain &=
            (int)i == sink->newest_by || column->merge == WR_LAST || column->merge == WR_FIRST;
    }
    if (sink->newest_by >= 0)
        return !sink->is_once && is_plain && can_fold ? SINK_FOLDS : SINK_WAVES;
    return sink->is_once || !can_fold ? SINK_GROUPS : SINK_FOLDS;
}

static bool fill(const struct maker *maker, const char *(*option)(void *owner, const char *name),
                 void *owner)
{
    struct sink *const sink = maker->sink;
    const struct wr_sink *const declared = maker->declared;
    char fault[400];
    sink->on_conflict = declared->on_conflict;
    sink->is_once = declared->once;
    sink->has_own_sql = declared->sql != NULL;
    if (!declared->table || !*declared->table) return refuse(maker, "it has no table");
    sink->table = name_of_table(declared->table, option, owner, fault, sizeof fault);
    if (!sink->table) return refuse(maker, "its table %s", fault);
    return take_columns(maker) && take_key(maker) && check_merges(maker) && take_newest_by(maker) &&
           check_cache(maker) && check_sql(maker);
}

struct sink *sink_new(const struct wr_sink *declared, unsigned nth,
                      const char *(*option)(void *owner, const char *name), void *owner,
                      struct status *status)
{
    struct sink *const sink = NEW(struct sink);
    sink->nth = nth;
    const struct maker maker = { sink, declared, status };
    if (!fill(&maker, option, owner)) {
        sink_free(sink);
        return NULL;
    }
    sink->fold = choose_fold(sink);
    if (sink->has_version) statement_make_recall(sink, declared->cache_key, declared->cache_value);
    statement_make_upsert(sink, declared->sql);
    if (sink->n_key > 0) statement_make_erase(sink);
    return sink;
}

void sink_leave_cache(struct sink *sink)
{
    free(sink->recall.sql);
    free(sink->reread.sql);
    sink->recall.sql = sink->reread.sql = NULL;
}

void sink_free(struct sink *sink)
{
    if (!sink) return;
    sink_leave_cache(sink);
    free(sink->cache_key);
    free(sink->source);
    free(sink->upsert.sql);
    free(sink->erase.sql);
    free(sink->hold.sql);
    free(sink->table);
    free(sink);
}

const char *sink_column_type(const struct sink *sink, unsigned column)
{
    const struct wr_column *const declared = &sink->columns[column];
    return declared->as ? declared->as : row_type(declared->type)->name;
}

/* CREATE TABLE, with what the declaration knows; limits and indexes beyond the key are its owner's. */
char *sink_mending_sql(const struct sink *sink)
{
    char *sql = NULL;
    size_t bytes;
    FILE *const out = open_memstream(&sql, &bytes);
    CHECK(out);
    (void)fprintf(out, "CREATE TABLE IF NOT EXISTS %s (", sink->table);
    for (unsigned i = 0; i < sink->n; i++) {
        (void)fputs(i > 0 ? ", " : "", out);
        name_quote(out, text_of(sink->columns[i].name));
        (void)fprintf(out, " %s", sink_column_type(sink, i));
    }
    if (sink->has_version) (void)fputs(", ver bigint NOT NULL", out);
    for (unsigned i = 0; i < sink->n_key; i++) {
        (void)fputs(i > 0 ? ", " : ", PRIMARY KEY (", out);
        name_quote(out, text_of(sink->columns[sink->key[i]].name));
    }
    (void)fputs(sink->n_key > 0 ? "));" : ");", out);
    CHECK(fclose(out) == 0);
    return sql;
}
