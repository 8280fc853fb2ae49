/* SPDX-License-Identifier: Apache-2.0
 *
 * Statements that read back what a commit leaves, for the cache; see statement.h. What is
 * asked for is `d`, with the columns wr_k1, wr_k2...; the table is `t`. What an entry's key is made of comes from the
 * table's row where there is one: equal values may be written differently. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "store/name.h"
#include "store/statement.h"
#include "store/statement_making.h"

#define NOW_US "(extract(epoch FROM clock_timestamp()) * 1000000)::int8"

/* ---- pieces ------------------------------------------------------------------------------------ */

static void put_literal(FILE *out, struct wr_text text)
{
    (void)fputc('\'', out);
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\'') (void)fputc('\'', out);
        (void)fputc(text.at[i], out);
    }
    (void)fputc('\'', out);
}

static unsigned find_column(const struct sink *sink, struct wr_text name)
{
    unsigned i = 0;
    while (i < sink->n && !text_is(name, sink->columns[i].name)) i++;
    CHECK(i < sink->n); /* looked at when the sink was made */
    return i;
}

/* Its place in the key, from 1; 0: it is not of the key. */
static unsigned place_in_key(const struct sink *sink, unsigned column)
{
    for (unsigned i = 0; i < sink->n_key; i++)
        if (sink->key[i] == column) return i + 1;
    return 0;
}

/* A column as text. `has_asked`: there is a `d`. */
static void put_column(FILE *out, const struct sink *sink, unsigned column, bool has_asked)
{
    const unsigned place = has_asked ? place_in_key(sink, column) : 0;
    if (place) (void)fputs("coalesce(", out);
    (void)fputs("t.", out);
    name_quote(out, text_of(sink->columns[column].name));
    (void)fputs("::text", out);
    if (place) (void)fprintf(out, ", d.wr_k%u::text)", place);
}

/* "cart:{user_id}" as 'cart:' || t."user_id"::text */
static void put_cache_key(FILE *out, const struct sink *sink, bool has_asked)
{
    const char *between = "";
    for (const char *at = sink->cache_key; *at;) {
        (void)fputs(between, out);
        between = " || ";
        if (*at == '{') {
            const size_t len = strcspn(++at, "}");
            put_column(out, sink, find_column(sink, text_from(at, len)), has_asked);
            at += len + 1;
        } else {
            const size_t len = strcspn(at, "{");
            put_literal(out, text_from(at, len));
            at += len;
        }
    }
}

static void put_row_literal(FILE *out, const struct sink *sink, bool has_asked)
{
    (void)fputs("ARRAY[", out);
    for (unsigned i = 0; i < sink->n_key; i++) {
        if (i > 0) (void)fputs(", ", out);
        put_column(out, sink, sink->key[i], has_asked);
    }
    (void)fputs("]::text", out);
}

/* A value may end with a comment. */
static void put_value(FILE *out, const struct sink *sink, const char *cache_value)
{
    if (sink->is_cached_around)
        (void)fputs("NULL::text", out);
    else
        (void)fprintf(out, "CASE WHEN t.ver IS NOT NULL THEN (%s\n)::text END",
                      cache_value ? cache_value : "to_jsonb(t)");
}

void statement_put_returning(FILE *out, const struct sink *sink)
{
    (void)fputs(" RETURNING (", out);
    put_cache_key(out, sink, false);
    (void)fputs(")::text, greatest(t.ver + 1, " NOW_US "), NULL::text, ", out);
    put_row_literal(out, sink, false);
}

/* ---- statements -------------------------------------------------------------------------------- */

/* The keys come as they are sent for an erase: one array a column. */
static void make_recall(struct sink *sink, const char *cache_value)
{
    struct making making = { NULL, sink, sink->key, sink->n_key, false };
    size_t bytes;
    making_begin(&making, &sink->recall, &bytes);
    making_put(&making, "SELECT (");
    put_cache_key(making.out, sink, true);
    making_put(&making, ")::text, coalesce(t.ver, " NOW_US "), ");
    put_value(making.out, sink, cache_value);
    making_put(&making, ", ");
    put_row_literal(making.out, sink, true);
    making_put(&making, " FROM ");
    making_put_keys(&making);
    making_put(&making, " LEFT JOIN %s AS t ON ", sink->table);
    making_put_match(&making, "t", "d");
    making_end(&making, &sink->recall);
}

/* They come as literals of text[]. */
static void make_reread(struct sink *sink, const char *cache_value)
{
    struct making making = { NULL, sink, sink->key, sink->n_key, false };
    size_t bytes;
    making_begin(&making, &sink->reread, &bytes);
    making_put(&making, "SELECT d.wr_o, t.ver, ");
    put_value(making.out, sink, cache_value);
    making_put(&making, " FROM (SELECT ");
    for (unsigned i = 0; i < sink->n_key; i++)
        making_put(&making, "(w.l::text[])[%u]::%s AS wr_k%u, ", i + 1,
                   sink_column_type(sink, sink->key[i]), i + 1);
    making_put(&making,
               "w.o AS wr_o FROM unnest($1::text[]) WITH ORDINALITY AS w(l, o)) d"
               " LEFT JOIN %s AS t ON ",
               sink->table);
    making_put_match(&making, "t", "d");
    making_end(&making, &sink->reread);
    sink->reread.n_values = 1;
    sink->reread.types[0] = OID_TEXT_ARRAY;
}

void statement_make_recall(struct sink *sink, const char *cache_key, const char *cache_value)
{
    const size_t bytes = strlen(sink->table) + strlen(cache_key) + 2;
    sink->cache_key = memory_copy_text(cache_key);
    sink->source = memory_new(bytes, 1);
    (void)snprintf(sink->source, bytes, "%s %s", sink->table, cache_key);
    make_recall(sink, cache_value);
    make_reread(sink, cache_value);
}
