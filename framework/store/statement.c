/* SPDX-License-Identifier: Apache-2.0
 *
 * Statements; see statement.h. Where no grouping is needed, unnest stands in the target list: that is
 * the fastest form. Elsewhere the arrays become `r` with columns c1, c2... and `o`, the place in the
 * arrays: rows come sorted by key and, within one, in arrival order, so that `o` tells both. The table
 * is always `t`. */
#include "store/statement.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/text.h"
#include "store/name.h"

enum { OID_TEXT = 25, OID_TEXT_ARRAY = 1009, OID_DATE_ARRAY = 1182 };

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

/* ---- pieces ------------------------------------------------------------------------------------ */

/* A statement in the making. Its values are arrays of these columns, one after another. */
struct making {
    FILE *out;
    const struct sink *sink;
    const unsigned *columns;
    unsigned n;
};

PRINTF_LIKE(2, 3) static void put(const struct making *making, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vfprintf(making->out, format, args);
    va_end(args);
}

static void put_name(const struct making *making, unsigned column)
{
    name_quote(making->out, text_of(making->sink->columns[column].name));
}

static const struct row_type *type_of(const struct making *making, unsigned column)
{
    return row_type(making->sink->columns[column].type);
}

/* "::mood", or "" where what is sent is what is meant. */
static void put_cast(const struct making *making, unsigned column)
{
    const struct row_type *const type = type_of(making, column);
    const char *const as = making->sink->columns[column].as;
    if (as)
        put(making, "::%s", as);
    else if (type->oid != type->sent_oid)
        put(making, "::%s", type->brief);
}

/* The i-th value sent, from `r`. */
static void put_value(const struct making *making, unsigned i)
{
    put(making, "r.c%u", i + 1);
    put_cast(making, making->columns[i]);
}

static void put_key(const struct making *making, const char *before, const char *between)
{
    for (unsigned i = 0; i < making->sink->n_key; i++) {
        put(making, "%s%s", i > 0 ? between : "", before);
        put_name(making, making->sink->key[i]);
    }
}

/* The arrays as `r`; of `once` only those rows whose message is new to the inbox. OFFSET 0 keeps the
 * planner from a join whose plan, made while the inbox was small, would later read all of it. */
static void put_from(const struct making *making)
{
    const unsigned n = making->n;
    put(making, " FROM unnest(");
    for (unsigned i = 0; i < n; i++)
        put(making, "%s$%u::%s", i > 0 ? ", " : "", i + 1,
            type_of(making, making->columns[i])->sent_array);
    if (making->sink->is_once) put(making, ", $%u::text[], $%u::date[]", n + 1, n + 2);
    put(making, ") WITH ORDINALITY AS r(");
    for (unsigned i = 0; i < n; i++) put(making, "c%u, ", i + 1);
    put(making, "%so)", making->sink->is_once ? "id, day, " : "");
    if (!making->sink->is_once) return;
    put(making,
        " CROSS JOIN LATERAL (SELECT 1 FROM warrener.inbox i WHERE i.consumer = $%u::text AND"
        " i.message_id = r.id AND i.day = r.day AND i.batch = pg_current_xact_id() OFFSET 0) x",
        n + 3);
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
        put(making, is_max ? "max(" : "min(");
        put_value(making, i);
        put(making, ")");
        return;
    }
    put(making, "(array_agg(");
    put_value(making, i);
    put(making, " ORDER BY ");
    put_value(making, i);
    put(making, "%s) FILTER (WHERE r.c%u IS NOT NULL))[1]", is_max ? " DESC" : "", i + 1);
}

/* A group's value; those of the key are what it is grouped by. */
static void put_aggregate(const struct making *making, unsigned i)
{
    switch (making->sink->columns[i].merge) {
    case WR_SUM:
        put(making, "sum(");
        put_value(making, i);
        put(making, ")");
        return;
    case WR_MIN: put_extreme(making, i, false); return;
    case WR_MAX: put_extreme(making, i, true); return;
    case WR_FILL:
        put(making, "(array_agg(r.c%u ORDER BY r.o DESC) FILTER (WHERE r.c%u IS NOT NULL))[1]",
            i + 1, i + 1);
        break;
    case WR_FIRST: put(making, "(array_agg(r.c%u ORDER BY r.o))[1]", i + 1); break;
    default: put(making, "(array_agg(r.c%u ORDER BY r.o DESC))[1]", i + 1); break;
    }
    put_cast(making, i);
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

static void put_select(const struct making *making)
{
    const struct sink *const sink = making->sink;
    put(making, " SELECT ");
    for (unsigned i = 0; i < sink->n; i++) {
        if (i > 0) put(making, ", ");
        if (is_grouped(sink) && !sink->is_key[i]) {
            put_aggregate(making, i);
        } else if (is_from_arrays(sink)) {
            put_value(making, i);
        } else {
            put(making, "unnest($%u::%s)", i + 1, type_of(making, i)->sent_array);
            put_cast(making, i);
        }
    }
    if (sink->has_version) put(making, ", (extract(epoch FROM clock_timestamp()) * 1000000)::int8");
    if (!is_from_arrays(sink)) return;
    put_from(making);
    if (is_grouped(sink)) {
        put(making, " GROUP BY ");
        for (unsigned i = 0; i < sink->n_key; i++) {
            put(making, "%s", i > 0 ? ", " : "");
            put_value(making, sink->key[i]);
        }
    }
    put(making, " ORDER BY %s", is_grouped(sink) ? "min(r.o)" : "r.o");
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
    put_name(making, column);
    put(making, " = ");
    if (form[0]) {
        put(making, "%s", form[0]);
        put_name(making, column);
    }
    put(making, "%s", form[1]);
    put_name(making, column);
    put(making, "%s", form[2]);
}

static void put_merges(const struct making *making)
{
    const struct sink *const sink = making->sink;
    const char *comma = "";
    put(making, " DO UPDATE SET ");
    for (unsigned i = 0; i < sink->n; i++) {
        if (sink->is_key[i] || sink->columns[i].merge == WR_FIRST) continue;
        put(making, "%s", comma);
        put_merge(making, i);
        comma = ", ";
    }
    if (sink->has_version) {
        put(making, "%sver = greatest(t.ver + 1, excluded.ver)", comma);
        comma = ", ";
    }
    if (!*comma) { /* nothing merges, but the row is to be locked all the same */
        put_name(making, sink->key[0]);
        put(making, " = excluded.");
        put_name(making, sink->key[0]);
    }
    if (sink->newest_by < 0) return;
    put(making, " WHERE t.");
    put_name(making, (unsigned)sink->newest_by);
    put(making, " IS NULL OR excluded.");
    put_name(making, (unsigned)sink->newest_by);
    put(making, " > t.");
    put_name(making, (unsigned)sink->newest_by);
}

static void put_insert(const struct making *making)
{
    const struct sink *const sink = making->sink;
    put(making, "INSERT INTO %s AS t (", sink->table);
    for (unsigned i = 0; i < sink->n; i++) {
        if (i > 0) put(making, ", ");
        put_name(making, i);
    }
    put(making, "%s)", sink->has_version ? ", ver" : "");
    put_select(making);
    if (sink->n_key == 0) return;
    put(making, " ON CONFLICT (");
    put_key(making, "", ", ");
    put(making, ")");
    if (sink->on_conflict == WR_KEEP)
        put(making, " DO NOTHING");
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
    put(making, "WITH %sinput AS (SELECT ", recursive ? "RECURSIVE " : "");
    for (unsigned i = 0; i < making->n; i++) {
        put_value(making, i);
        put(making, " AS ");
        put_name(making, i);
        put(making, ", ");
    }
    put(making, "r.o AS n");
    put_from(making);
    put(making, ")%s%s", with ? ", " : " ", recursive ? recursive : with ? with : own);
}

/* ---- made -------------------------------------------------------------------------------------- */

static void begin(struct making *making, struct sink_statement *statement, size_t *bytes)
{
    making->out = open_memstream(&statement->sql, bytes);
    CHECK(making->out);
    statement->n_values = making->n;
    for (unsigned i = 0; i < making->n; i++)
        statement->types[i] = type_of(making, making->columns[i])->sent_array_oid;
    if (!making->sink->is_once) return;
    statement->types[statement->n_values++] = OID_TEXT_ARRAY;
    statement->types[statement->n_values++] = OID_DATE_ARRAY;
    statement->types[statement->n_values++] = OID_TEXT;
}

static void end(const struct making *making, struct sink_statement *statement)
{
    CHECK(fclose(making->out) == 0);
    (void)snprintf(statement->name, sizeof statement->name, "wr_%016llx",
                   (unsigned long long)text_hash(text_of(statement->sql)));
}

void statement_make_upsert(struct sink *sink, const char *own_sql)
{
    unsigned columns[SINK_COLUMNS_MOST];
    for (unsigned i = 0; i < sink->n; i++) columns[i] = i;
    struct making making = { NULL, sink, columns, sink->n };
    size_t bytes;
    begin(&making, &sink->upsert, &bytes);
    if (own_sql)
        put_own(&making, own_sql);
    else
        put_insert(&making);
    end(&making, &sink->upsert);
}

static void put_key_match(const struct making *making, const char *row, const char *with)
{
    for (unsigned i = 0; i < making->n; i++) {
        put(making, "%s%s.", i > 0 ? " AND " : "", row);
        put_name(making, making->columns[i]);
        put(making, " = %s.k%u", with, i + 1);
    }
}

/* The rows are locked in order first, whatever way the planner then finds them again. */
void statement_make_erase(struct sink *sink)
{
    struct making making = { NULL, sink, sink->key, sink->n_key };
    size_t bytes;
    begin(&making, &sink->erase, &bytes);
    put(&making, "WITH held AS MATERIALIZED (SELECT ");
    for (unsigned i = 0; i < making.n; i++) put(&making, "%sd.k%u", i > 0 ? ", " : "", i + 1);
    put(&making, " FROM (SELECT ");
    for (unsigned i = 0; i < making.n; i++) {
        put_value(&making, i);
        put(&making, " AS k%u, ", i + 1);
    }
    put(&making, "r.o");
    put_from(&making);
    put(&making, ") d JOIN %s l ON ", sink->table);
    put_key_match(&making, "l", "d");
    put(&making, " ORDER BY d.o FOR UPDATE OF l) DELETE FROM %s AS t USING held WHERE ",
        sink->table);
    put_key_match(&making, "t", "held");
    if (sink->has_version) statement_put_returning(making.out, sink);
    end(&making, &sink->erase);
}
