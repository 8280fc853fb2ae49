/* SPDX-License-Identifier: Apache-2.0
 *
 * Statements; see statement.h. Where no grouping is needed, unnest stands in the target list: that is
 * the fastest form. Elsewhere the arrays become `r` with columns c1, c2... and `o`, the place in the
 * arrays: rows come sorted by key and, within one, in arrival order, so that `o` tells both. The table
 * is always `t`. */
#include "store/statement.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/text.h"
#include "store/statement_making.h"

static char inbox_sql[] =
    "INSERT INTO warrener.inbox (consumer, message_id, day)"
    " SELECT $3::text, unnest($1::text[]), unnest($2::date[]) ON CONFLICT DO NOTHING";

static const struct sink_statement inbox = {
    .sql = inbox_sql,
    .name = "wr_inbox",
    .n_values = 3,
    .types = { OID_TEXT_ARRAY, OID_DATE_ARRAY, OID_TEXT },
};

static char seek_sql[] = "SELECT set_config('enable_seqscan', 'off', true)";

static const struct sink_statement seek = { .sql = seek_sql, .name = "wr_seek" };

const struct sink_statement *statement_seek(void)
{
    return &seek;
}

const struct sink_statement *statement_inbox(void)
{
    return &inbox;
}

/* ---- grouping ---------------------------------------------------------------------------------- */

/* MIN and MAX that every server has for the type; others are taken from a sorted array. */
static bool has_aggregate(const struct wr_column *column)
{
    switch (column->type) {
    case WR_BOOL:
    case WR_BYTEA:
    case WR_UUID:
    case WR_JSONB: return false;
    case WR_TEXT_ARRAY:
    case WR_INT8_ARRAY: return true; /* an array of arrays has no first element */
    default: return !column->as;
    }
}

static void put_extreme(const struct making *making, unsigned i, bool is_max)
{
    if (has_aggregate(&making->sink->columns[i])) {
        making_put(making, is_max ? "max(" : "min(");
        making_put_value(making, i);
        making_put(making, ")");
        return;
    }
    making_put(making, "(array_agg(");
    making_put_value(making, i);
    making_put(making, " ORDER BY ");
    making_put_value(making, i);
    making_put(making, "%s) FILTER (WHERE r.c%u IS NOT NULL))[1]", is_max ? " DESC" : "", i + 1);
}

/* A group's value; those of the key are what it is grouped by. */
static void put_aggregate(const struct making *making, unsigned i)
{
    switch (making->sink->columns[i].merge) {
    case WR_SUM:
        making_put(making, "sum(");
        making_put_value(making, i);
        making_put(making, ")");
        return;
    case WR_MIN: put_extreme(making, i, false); return;
    case WR_MAX: put_extreme(making, i, true); return;
    case WR_FILL:
        making_put(making,
                   "(array_agg(r.c%u ORDER BY r.o DESC) FILTER (WHERE r.c%u IS NOT NULL))[1]",
                   i + 1, i + 1);
        break;
    case WR_FIRST: making_put(making, "(array_agg(r.c%u ORDER BY r.o))[1]", i + 1); break;
    default: making_put(making, "(array_agg(r.c%u ORDER BY r.o DESC))[1]", i + 1); break;
    }
    making_put_cast(making, i);
}

/* ---- rows -------------------------------------------------------------------------------------- */

/* Grouping is for merges: what is kept or inserted plainly comes row by row. */
static bool is_grouped(const struct sink *sink)
{
    return sink->fold == SINK_GROUPS && sink->on_conflict == WR_MERGE;
}

static bool is_from_arrays(const struct sink *sink)
{
    return sink->is_once || is_grouped(sink);
}

/* GROUP BY takes all NULLs for one, a unique index none of them: such a row is a group of its own. */
static void put_groups(const struct making *making)
{
    const struct sink *const sink = making->sink;
    making_put(making, " GROUP BY ");
    for (unsigned i = 0; i < sink->n_key; i++) {
        making_put_value(making, sink->key[i]);
        making_put(making, ", ");
    }
    making_put(making, "CASE WHEN ");
    for (unsigned i = 0; i < sink->n_key; i++)
        making_put(making, "%sr.c%u IS NULL", i > 0 ? " OR " : "", sink->key[i] + 1);
    making_put(making, " THEN r.o END");
}

static void put_select(const struct making *making)
{
    const struct sink *const sink = making->sink;
    making_put(making, " SELECT ");
    for (unsigned i = 0; i < sink->n; i++) {
        if (i > 0) making_put(making, ", ");
        if (is_grouped(sink) && !sink->is_key[i]) {
            put_aggregate(making, i);
        } else if (is_from_arrays(sink)) {
            making_put_value(making, i);
        } else {
            making_put(making, "unnest($%u::%s)", i + 1, making_type(making, i)->sent_array);
            making_put_cast(making, i);
        }
    }
    if (sink->has_version)
        making_put(making, ", (extract(epoch FROM clock_timestamp()) * 1000000)::int8");
    if (!is_from_arrays(sink)) return;
    making_put_from(making);
    if (is_grouped(sink)) put_groups(making);
    making_put(making, " ORDER BY %s", is_grouped(sink) ? "min(r.o)" : "r.o");
}

/* What one column becomes on conflict. */
static void put_merge(const struct making *making, unsigned column)
{
    static const char *const forms[][3] = {
        /* before the table's value, before the new one, after */
        [WR_LAST] = { NULL, "excluded.", "" },
        [WR_FIRST] = { NULL, "t.", "" },
        [WR_SUM] = { "coalesce(t.", ", 0) + coalesce(excluded.", ", 0)" },
        [WR_MIN] = { "least(t.", ", excluded.", ")" },
        [WR_MAX] = { "greatest(t.", ", excluded.", ")" },
        [WR_FILL] = { "coalesce(excluded.", ", t.", ")" },
    };
    const char *const *const form = forms[making->sink->columns[column].merge];
    making_put_name(making, column);
    making_put(making, " = ");
    if (form[0]) {
        making_put(making, "%s", form[0]);
        making_put_name(making, column);
    }
    making_put(making, "%s", form[1]);
    making_put_name(making, column);
    making_put(making, "%s", form[2]);
}

static void put_merges(const struct making *making)
{
    const struct sink *const sink = making->sink;
    const char *comma = "";
    making_put(making, " DO UPDATE SET ");
    for (unsigned i = 0; i < sink->n; i++) {
        if (sink->is_key[i] || sink->columns[i].merge == WR_FIRST) continue;
        making_put(making, "%s", comma);
        put_merge(making, i);
        comma = ", ";
    }
    if (sink->has_version) {
        making_put(making, "%sver = greatest(t.ver + 1, excluded.ver)", comma);
        comma = ", ";
    }
    if (!*comma) { /* nothing merges, but the row is to be locked all the same */
        making_put_name(making, sink->key[0]);
        making_put(making, " = excluded.");
        making_put_name(making, sink->key[0]);
    }
    if (sink->newest_by < 0) return;
    making_put(making, " WHERE t.");
    making_put_name(making, (unsigned)sink->newest_by);
    making_put(making, " IS NULL OR excluded.");
    making_put_name(making, (unsigned)sink->newest_by);
    making_put(making, " > t.");
    making_put_name(making, (unsigned)sink->newest_by);
}

static void put_insert(const struct making *making)
{
    const struct sink *const sink = making->sink;
    making_put(making, "INSERT INTO %s AS t (", sink->table);
    for (unsigned i = 0; i < sink->n; i++) {
        if (i > 0) making_put(making, ", ");
        making_put_name(making, i);
    }
    making_put(making, "%s)", sink->has_version ? ", ver" : "");
    put_select(making);
    if (sink->n_key == 0) return;
    making_put(making, " ON CONFLICT (");
    for (unsigned i = 0; i < sink->n_key; i++) {
        if (i > 0) making_put(making, ", ");
        making_put_name(making, sink->key[i]);
    }
    making_put(making, ")");
    if (sink->on_conflict == WR_KEEP)
        making_put(making, " DO NOTHING");
    else
        put_merges(making);
}

/* ---- SQL of the handler's own -------------------------------------------------------------------- */

/* Past white space and comments. */
static const char *skip_blank(const char *at)
{
    for (;;) {
        at += strspn(at, " \t\r\n\f\v");
        if (at[0] == '-' && at[1] == '-') {
            at += strcspn(at, "\n");
        } else if (at[0] == '/' && at[1] == '*') {
            const char *const end = strstr(at + 2, "*/");
            if (!end) return at;
            at = end + 2;
        } else {
            return at;
        }
    }
}

/* Past the word, or NULL where something else stands there. */
static const char *skip_word(const char *at, const char *word)
{
    const size_t len = strlen(word);
    if (strncasecmp(at, word, len) != 0) return NULL;
    return strspn(at + len, " \t\r\n\f\v/-\"") > 0 ? skip_blank(at + len) : NULL;
}

/* `input` before all else; a WITH of the handler's own goes on from it. */
static void put_own(const struct making *making, const char *own)
{
    const char *const with = skip_word(skip_blank(own), "WITH");
    const char *const recursive = with ? skip_word(with, "RECURSIVE") : NULL;
    making_put(making, "WITH %sinput AS (SELECT ", recursive ? "RECURSIVE " : "");
    for (unsigned i = 0; i < making->n; i++) {
        making_put_value(making, i);
        making_put(making, " AS ");
        making_put_name(making, i);
        making_put(making, ", ");
    }
    making_put(making, "r.o AS n");
    making_put_from(making);
    making_put(making, ")%s%s", with ? ", " : " ", recursive ? recursive : with ? with : own);
}

/* ---- made -------------------------------------------------------------------------------------- */

void statement_make_upsert(struct sink *sink, const char *own_sql)
{
    unsigned columns[SINK_COLUMNS_MOST];
    for (unsigned i = 0; i < sink->n; i++) columns[i] = i;
    struct making making = { NULL, sink, columns, sink->n, sink->is_once };
    size_t bytes;
    making_begin(&making, &sink->upsert, &bytes);
    if (own_sql)
        put_own(&making, own_sql);
    else
        put_insert(&making);
    making_end(&making, &sink->upsert);
}

/* The rows are locked in order first, whatever way the planner then finds them again. */
void statement_make_erase(struct sink *sink)
{
    struct making making = { NULL, sink, sink->key, sink->n_key, sink->is_once };
    size_t bytes;
    making_begin(&making, &sink->erase, &bytes);
    making_put(&making, "WITH held AS MATERIALIZED (SELECT ");
    for (unsigned i = 0; i < making.n; i++)
        making_put(&making, "%sd.wr_k%u", i > 0 ? ", " : "", i + 1);
    making_put(&making, " FROM ");
    making_put_keys(&making);
    making_put(&making, " JOIN %s l ON ", sink->table);
    making_put_match(&making, "l", "d");
    making_put(&making, " ORDER BY d.wr_o FOR UPDATE OF l) DELETE FROM %s AS t USING held WHERE ",
               sink->table);
    making_put_match(&making, "t", "held");
    if (sink->has_version) statement_put_returning(making.out, sink);
    making_end(&making, &sink->erase);
}
