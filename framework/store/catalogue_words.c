/* SPDX-License-Identifier: Apache-2.0
 *
 * See catalogue_words.h. Types fit where PostgreSQL converts without being asked and without loss
 * (pg_cast's implicit ones, any kind of text): timestamptz into timestamp would lose its zone in
 * silence, a bigint into an integer would fail on the first large value. */
#include "store/catalogue_words.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "store/answer.h"
#include "store/array_text.h"
#include "store/name.h"

#define VERSION_COLUMN "ver"
#define VERSION_TYPE "bigint"

/* Is it there, is there a unique index on exactly the key, and which are there instead? */
static const char table_question[] =
    "with u as (select (select array_agg(a.attname::text order by a.attname::text collate \"C\")"
    " from unnest(i.indkey::int2[]) with ordinality k(number, nth) join pg_attribute a"
    " on a.attrelid = i.indrelid and a.attnum = k.number where k.nth <= i.indnkeyatts) as names"
    " from pg_index i where i.indrelid = to_regclass($1) and i.indisunique and i.indisvalid"
    " and i.indimmediate and i.indpred is null and i.indexprs is null)"
    " select c.oid is not null, $2 || $3 <> '' and exists (select from u where names ="
    " (select array_agg(k order by k collate \"C\") from unnest($4::text::text[]) k)),"
    " (select string_agg('(' || array_to_string(names, ', ') || ')', ', ') from u)"
    " from (select to_regclass($1) as oid) r left join pg_class c on c.oid = r.oid";

/* A row for each column declared: its type here, and whether that will do. */
static const char columns_question[] =
    "select w.name, w.type, to_regtype(w.type) is not null,"
    " case when a.attnum is not null then format_type(a.atttypid, a.atttypmod) end,"
    " b.oid = to_regtype(w.type) or (b.typcategory = 'S' and w.type = 'text')"
    " or exists (select from pg_cast where castsource = to_regtype(w.type) and casttarget = b.oid"
    " and castcontext = 'i'), a.attnotnull, $4 <> ''"
    " from unnest($2::text::text[], $3::text::text[]) with ordinality w(name, type, nth)"
    " left join pg_attribute a on a.attrelid = to_regclass($1) and a.attname = w.name and a.attnum "
    "> 0"
    " and not a.attisdropped left join pg_type t on t.oid = a.atttypid"
    " left join pg_type b on b.oid = case when t.typbasetype <> 0 then t.typbasetype else t.oid end"
    " order by w.nth";

/* Columns that every row would violate. */
static const char unwritten_question[] =
    "select a.attname, format_type(a.atttypid, a.atttypmod), $3 || $4 <> '' from pg_attribute a"
    " where a.attrelid = to_regclass($1) and a.attnum > 0 and not a.attisdropped and a.attnotnull"
    " and not a.atthasdef and a.attidentity = '' and a.attgenerated = ''"
    " and a.attname <> all ($2::text::text[]) order by a.attnum";

const char *const catalogue_questions[CATALOGUE_QUESTIONS] = { table_question, columns_question,
                                                               unwritten_question };
const char catalogue_inbox_question[] = "select to_regclass('warrener.inbox') is not null";

/* ---- values ---------------------------------------------------------------------------------- */

/* As the catalogue has it: quotes around a declared name belong to SQL. */
static struct wr_text bare(const char *name, char *room, size_t room_bytes)
{
    const size_t len = strlen(name);
    size_t n = 0;
    if (len < 2 || name[0] != '"' || name[len - 1] != '"') return text_of(name);
    for (size_t i = 1; i + 1 < len && n + 1 < room_bytes; i++) {
        room[n++] = name[i];
        if (name[i] == '"' && name[i + 1] == '"') i++;
    }
    return text_from(room, n);
}

static char *literal(const struct wr_text *values, size_t n)
{
    const size_t room = array_text_room(values, n);
    char *out = memory_new(room + 1, 1);
    CHECK(array_text_of_texts(out, values, n) <= room);
    return out;
}

char *catalogue_column_names(const struct sink *sink)
{
    struct wr_text values[SINK_COLUMNS_MOST + 1];
    char rooms[SINK_COLUMNS_MOST][128];
    size_t n = 0;
    for (; n < sink->n; n++) values[n] = bare(sink->columns[n].name, rooms[n], sizeof rooms[n]);
    if (sink->has_version) values[n++] = text_of(VERSION_COLUMN);
    return literal(values, n);
}

char *catalogue_column_types(const struct sink *sink)
{
    struct wr_text values[SINK_COLUMNS_MOST + 1];
    unsigned n = 0;
    for (; n < sink->n; n++) values[n] = text_of(sink_column_type(sink, n));
    if (sink->has_version) values[n++] = text_of(VERSION_TYPE);
    return literal(values, n);
}

char *catalogue_key_names(const struct sink *sink)
{
    struct wr_text values[SINK_COLUMNS_MOST];
    char rooms[SINK_COLUMNS_MOST][128];
    for (size_t i = 0; i < sink->n_key; i++)
        values[i] = bare(sink->columns[sink->key[i]].name, rooms[i], sizeof rooms[i]);
    return literal(values, sink->n_key);
}

/* ---- words ----------------------------------------------------------------------------------- */

static bool is_true(const PGresult *answer, int row, int column)
{
    return strcmp(PQgetvalue(answer, row, column), "t") == 0;
}

static void write_key(FILE *to, const struct sink *sink)
{
    for (size_t i = 0; i < sink->n_key; i++) {
        if (i > 0) fputs(", ", to);
        name_quote(to, text_of(sink->columns[sink->key[i]].name));
    }
}

bool catalogue_has_table(const PGresult *answer)
{
    return PQresultStatus(answer) == PGRES_TUPLES_OK && is_true(answer, 0, 0);
}

static void tell_missing(FILE *to, const struct sink *sink)
{
    char *mending = sink_mending_sql(sink);
    for (char *c = mending; *c; c++)
        if (*c == '\n') *c = ' '; /* a finding is one line */
    fprintf(to, "there is no such table; to make it: %s\n", mending);
    free(mending);
}

void catalogue_tell_table(FILE *to, const struct sink *sink, const PGresult *answer)
{
    if (!catalogue_has_table(answer)) {
        tell_missing(to, sink);
        return;
    }
    if (sink->n_key == 0 || sink->has_own_sql || is_true(answer, 0, 1)) return;
    fputs("no unique index on exactly its key (", to);
    write_key(to, sink);
    fprintf(to, "); unique are: %s. To make it: CREATE UNIQUE INDEX ON %s (",
            PQgetisnull(answer, 0, 2) ? "none" : PQgetvalue(answer, 0, 2), sink->table);
    write_key(to, sink);
    fputs(");\n", to);
}

static void tell_column(FILE *to, const struct sink *sink, const PGresult *answer, int row)
{
    const char *name = PQgetvalue(answer, row, 0), *type = PQgetvalue(answer, row, 1),
               *found = PQgetvalue(answer, row, 3);
    const bool is_version = row == (int)sink->n;
    const char *also = is_version ? " NOT NULL DEFAULT 0" : "";
    if (!is_true(answer, row, 2)) {
        fprintf(to, "column \"%s\" is declared as %s, and there is no such type\n", name, type);
    } else if (PQgetisnull(answer, row, 3)) {
        fprintf(to,
                "there is no column \"%s\", expected is %s; to make it: ALTER TABLE %s ADD COLUMN ",
                name, type, sink->table);
        name_quote(to, text_of(name));
        fprintf(to, " %s%s;\n", type, also);
    } else if (!is_true(answer, row, 4)) {
        fprintf(
            to,
            "column \"%s\" is %s, expected is %s; declare it as it is, or: ALTER TABLE %s ALTER "
            "COLUMN ",
            name, found, type, sink->table);
        name_quote(to, text_of(name));
        fprintf(to, " TYPE %s USING ", type);
        name_quote(to, text_of(name));
        fprintf(to, "::%s;\n", type);
    } else if (is_version && !is_true(answer, row, 5)) {
        fprintf(to, "column \"%s\" may be NULL; to mend it: ALTER TABLE %s ALTER COLUMN ", name,
                sink->table);
        name_quote(to, text_of(name));
        fputs(" SET NOT NULL;\n", to);
    }
}

void catalogue_tell_columns(FILE *to, const struct sink *sink, const PGresult *answer)
{
    if (sink->has_own_sql) return;
    for (int row = 0; row < PQntuples(answer); row++) tell_column(to, sink, answer, row);
}

void catalogue_tell_unwritten(FILE *to, const struct sink *sink, const PGresult *answer)
{
    if (sink->has_own_sql) return;
    for (int row = 0; row < PQntuples(answer); row++) {
        const char *name = PQgetvalue(answer, row, 0);
        fprintf(to,
                "column \"%s\" (%s) must not be NULL, has no default, and is not written by the "
                "handler; to mend it: ALTER TABLE %s ALTER COLUMN ",
                name, PQgetvalue(answer, row, 1), sink->table);
        name_quote(to, text_of(name));
        fputs(" DROP NOT NULL;\n", to);
    }
}

/* What its own SQL writes is not looked at before. */
static void tell_no_version(FILE *to, const struct sink *sink)
{
    fprintf(to,
            "it has a cache_key and sql of its own, and there is no column \"" VERSION_COLUMN
            "\", expected is " VERSION_TYPE
            "; to make it: ALTER TABLE %s ADD COLUMN " VERSION_COLUMN " " VERSION_TYPE
            " NOT NULL DEFAULT 0; and let that sql set it to"
            " greatest(t.ver + 1, (extract(epoch from clock_timestamp()) * 1000000)::int8)\n",
            sink->table);
}

void catalogue_tell_recall_refusal(FILE *to, const struct sink *sink, const PGresult *error)
{
    char words[600];
    const char *sqlstate = PQresultErrorField(error, PG_DIAG_SQLSTATE);
    answer_read_words(error, words, sizeof words);
    if (sqlstate && strcmp(sqlstate, "42501") == 0)
        catalogue_tell_refusal(to, sink, error);
    else if (sink->has_own_sql && strstr(words, "t." VERSION_COLUMN))
        tell_no_version(to, sink);
    else
        fprintf(to,
                "PostgreSQL cannot make its cache_value: %s (%s); it is one value over the row `t` "
                "of the table, such as to_jsonb(t), or jsonb_build_object('n', t.n)\n",
                words, sqlstate ? sqlstate : "?");
}

void catalogue_tell_refusal(FILE *to, const struct sink *sink, const PGresult *error)
{
    char words[600];
    const char *sqlstate = PQresultErrorField(error, PG_DIAG_SQLSTATE);
    answer_read_words(error, words, sizeof words);
    fprintf(to, "PostgreSQL refuses to plan for it: %s (%s)", words, sqlstate ? sqlstate : "?");
    if (sqlstate && strcmp(sqlstate, "42501") == 0)
        fprintf(
            to,
            "; to mend it: GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO the role that connects, "
            "and USAGE on its schema",
            sink->table);
    fputc('\n', to);
}
