/* SPDX-License-Identifier: Apache-2.0
 *
 * Sinks: what is refused and in which words, and the statements made. What a server makes of these is
 * for tests/integration/store_sql. */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "unit/store/stock.h"

#define COLUMNS(...) ((const struct wr_column[]){ __VA_ARGS__, { 0 } })
#define ID WR_COLUMN("id", WR_UUID)
#define N WR_COLUMN("n", WR_INT8)
#define SUM WR_COLUMN("n", WR_INT8, .merge = WR_SUM)
#define AT WR_COLUMN("at", WR_TIMESTAMPTZ)

static struct stock stock;

static void begin(void)
{
    stock_open(&stock);
}

static void end(void)
{
    stock_close(&stock);
}

TestSuite(sink, .init = begin, .fini = end);

static void expect_refused(struct wr_sink declared, const char *words)
{
    struct status status = { EXIT_WELL, "" };
    struct sink *const sink = sink_new(&declared, 3, stock_option, NULL, &status);
    cr_expect_null(sink);
    cr_expect_str_eq(status.text, words);
    cr_expect_eq(status.exit, EXIT_CONFIG);
    sink_free(sink);
}

Test(sink, tables_and_columns_refused)
{
    const struct wr_column *const columns = COLUMNS(ID);
    expect_refused((struct wr_sink){ .columns = columns }, "sink 3: it has no table");
    expect_refused((struct wr_sink){ .table = "t" }, "sink 3 (t): it has no columns");
    expect_refused((struct wr_sink){ .table = "t", .columns = COLUMNS(ID, N, ID) },
                   "sink 3 (t): the column \"id\" is declared twice");
    expect_refused(
        (struct wr_sink){ .table = "t", .columns = COLUMNS(WR_COLUMN("x", (enum wr_type)16)) },
        "sink 3 (t): the column \"x\" has the type 16, which is none of wr_type");
    expect_refused(
        (struct wr_sink){ .table = "t",
                          .columns = COLUMNS(WR_COLUMN("x", WR_INT8, .merge = (enum wr_merge)6)) },
        "sink 3 (t): the column \"x\" has the merge 6, which is none of wr_merge");
    expect_refused(
        (struct wr_sink){ .table = "t", .columns = COLUMNS(WR_COLUMN("x", WR_TEXT, .as = "")) },
        "sink 3 (t): the column \"x\" is cast to \"\": leave `as` out");
    expect_refused(
        (struct wr_sink){ .table = "${none}", .columns = columns },
        "sink 3 (${none}): its table asks for the option \"none\", which is not declared");
    expect_refused((struct wr_sink){ .table = "a${b", .columns = columns },
                   "sink 3 (a${b): its table has a ${ that does not end");
    static const char *const bad[][2] = {
        { "a..b", "a..b" }, { "a.b.c", "a.b.c" }, { "${dotted}.c", "a.b.c" },
        { "\"a", "\"a" },   { ".a", ".a" },       { "${odd}", "o\"dd" }
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char words[200];
        (void)snprintf(words, sizeof words,
                       "sink 3 (%s): its table is \"%s\", where table or schema.table is expected, "
                       "of 1 to 63 bytes each",
                       bad[i][0], bad[i][1]);
        expect_refused((struct wr_sink){ .table = bad[i][0], .columns = columns }, words);
    }
}

Test(sink, too_many_columns_refused)
{
    struct wr_column columns[SINK_COLUMNS_MOST + 2] = { 0 };
    char names[SINK_COLUMNS_MOST + 1][8];
    for (int i = 0; i <= SINK_COLUMNS_MOST; i++) {
        (void)snprintf(names[i], sizeof names[i], "c%d", i);
        columns[i].name = names[i];
        columns[i].type = WR_INT8;
    }
    expect_refused((struct wr_sink){ .table = "t", .columns = columns },
                   "sink 3 (t): it has more than 64 columns");
    columns[SINK_COLUMNS_MOST].name = NULL;
    cr_expect_eq(stock_sink(&stock, &(struct wr_sink){ .table = "t", .columns = columns })->n, 64);
}

Test(sink, keys_and_merges_refused)
{
    const struct wr_column *const columns = COLUMNS(ID, N, AT), *const sums = COLUMNS(ID, SUM, AT);
    expect_refused((struct wr_sink){ .table = "t", .columns = columns, .key = "idd" },
                   "sink 3 (t): key names \"idd\", which is no column of it; did you mean \"id\"?");
    expect_refused((struct wr_sink){ .table = "t", .columns = columns, .key = "id, id" },
                   "sink 3 (t): key names \"id\" twice");
    expect_refused((struct wr_sink){ .table = "t", .columns = columns, .key = " " },
                   "sink 3 (t): its key is empty: name columns, or leave it out for plain inserts");
    expect_refused(
        (struct wr_sink){ .table = "t", .columns = sums, .key = "n", .on_conflict = WR_MERGE },
        "sink 3 (t): \"n\" is of the key and cannot be merged: leave its merge out");
    expect_refused((struct wr_sink){ .table = "t", .columns = columns, .on_conflict = WR_MERGE },
                   "sink 3 (t): WR_MERGE needs a key to know rows by");
    expect_refused((struct wr_sink){ .table = "t", .columns = sums, .key = "id" },
                   "sink 3 (t): the column \"n\" has a merge, which needs .on_conflict = WR_MERGE");
    expect_refused((struct wr_sink){ .table = "t", .columns = sums },
                   "sink 3 (t): the column \"n\" has a merge, which needs a key and .on_conflict = "
                   "WR_MERGE");
    expect_refused(
        (struct wr_sink){ .table = "t",
                          .columns = COLUMNS(ID, WR_COLUMN("s", WR_TEXT, .merge = WR_SUM)),
                          .key = "id",
                          .on_conflict = WR_MERGE },
        "sink 3 (t): the column \"s\" is text, of which WR_SUM makes no sum");
    expect_refused(
        (struct wr_sink){
            .table = "t", .columns = columns, .key = "id", .on_conflict = (enum wr_conflict)7 },
        "sink 3 (t): its on_conflict is 7, which is none of wr_conflict");
}

Test(sink, newest_by_refused)
{
    struct wr_sink sink = {
        .table = "t", .columns = COLUMNS(ID, SUM, AT), .key = "id", .on_conflict = WR_MERGE
    };
    sink.newest_by = "nowhere";
    expect_refused(sink, "sink 3 (t): newest_by names \"nowhere\", which is no column of it");
    sink.newest_by = "id";
    expect_refused(sink, "sink 3 (t): newest_by names \"id\", which is of the key and never newer");
    sink.newest_by = "n";
    expect_refused(sink,
                   "sink 3 (t): newest_by names \"n\", whose merge must be WR_LAST or WR_MAX");
    sink.newest_by = "at";
    sink.on_conflict = WR_KEEP;
    sink.columns = COLUMNS(ID, AT);
    expect_refused(sink, "sink 3 (t): newest_by needs .on_conflict = WR_MERGE");
    sink.sql = "SELECT 1";
    expect_refused(sink,
                   "sink 3 (t): newest_by is for the made statement: its own sql has to compare");
}

Test(sink, cache_and_sql_refused)
{
    struct wr_sink sink = { .table = "t", .columns = COLUMNS(ID, N), .key = "id" };
    sink.cache_ttl_s = 5;
    expect_refused(sink, "sink 3 (t): it says how to cache, but no cache_key");
    sink.cache_key = "t:{id}";
    sink.cache_ttl_s = 0;
    expect_refused(sink,
                   "sink 3 (t): it has a cache_key and cache_ttl_s 0, which would keep entries "
                   "for ever: give one");
    sink.cache_ttl_s = 5;
    sink.cache_key = "t:{ids}";
    expect_refused(
        sink,
        "sink 3 (t): cache_key names \"ids\", which is no column of it; did you mean \"id\"?");
    sink.cache_key = "t:{id";
    expect_refused(sink, "sink 3 (t): its cache_key has a { that does not end");
    sink.cache_key = "";
    expect_refused(sink, "sink 3 (t): its cache_key is empty");
    sink.cache_key = "t:{id}";
    sink.key = NULL;
    expect_refused(sink, "sink 3 (t): it has a cache_key, which needs a key to read rows back by");
    sink.key = "id";
    sink.columns = COLUMNS(ID, WR_COLUMN("ver", WR_INT8));
    expect_refused(sink,
                   "sink 3 (t): it has a cache_key: the host keeps the column \"ver\", take it "
                   "out of the columns");
    sink = (struct wr_sink){ .table = "t", .columns = COLUMNS(ID, N), .sql = " " };
    expect_refused(sink, "sink 3 (t): its sql is empty: leave it out");
    sink.sql = "SELECT 1";
    expect_refused(sink, "sink 3 (t): the column \"n\" of `input` is the arrival order: name yours "
                         "differently");
}

Test(sink, names_are_quoted)
{
    static const char *const names[][2] = {
        { "login_event", "\"login_event\"" }, { "sales.Order", "\"sales\".\"Order\"" },
        { "\"a.b\".c", "\"a.b\".\"c\"" },     { "${schema}.t", "\"sch\".\"t\"" },
        { "${dotted}", "\"a\".\"b\"" },       { "x_${schema}_y", "\"x_sch_y\"" },
        { "\"qu\"\"ote\"", "\"qu\"\"ote\"" },
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        cr_expect_str_eq(
            stock_sink(&stock, &(struct wr_sink){ .table = names[i][0], .columns = COLUMNS(ID) })
                ->table,
            names[i][1]);
}

/* ---- statements -------------------------------------------------------------------------------- */

static const struct sink *made(struct wr_sink declared)
{
    declared.table = "t1";
    return stock_sink(&stock, &declared);
}

Test(sink, plain_insert)
{
    const struct sink *const sink = made((struct wr_sink){ .columns = COLUMNS(ID, N) });
    cr_expect_str_eq(sink->upsert.sql, "INSERT INTO \"t1\" AS t (\"id\", \"n\")"
                                       " SELECT unnest($1::uuid[]), unnest($2::int8[])");
    cr_expect_null(sink->erase.sql);
    cr_expect_eq(sink->fold, SINK_KEEPS_ALL);
    cr_expect(sink->upsert.n_values == 2 && sink->upsert.types[0] == 2951 &&
              sink->upsert.types[1] == 1016);
    cr_expect_eq(strlen(sink->upsert.name), 19);
}

Test(sink, keep)
{
    const struct sink *const sink =
        made((struct wr_sink){ .columns = COLUMNS(ID, WR_COLUMN("mood", WR_TEXT, .as = "mood"),
                                                  WR_COLUMN("tags", WR_TEXT_ARRAY)),
                               .key = "id" });
    cr_expect_str_eq(sink->upsert.sql,
                     "INSERT INTO \"t1\" AS t (\"id\", \"mood\", \"tags\")"
                     " SELECT unnest($1::uuid[]), unnest($2::text[])::mood,"
                     " unnest($3::text[])::text[] ON CONFLICT (\"id\") DO NOTHING");
    cr_expect_eq(sink->fold, SINK_FOLDS);
}

Test(sink, merge)
{
    const struct sink *const sink = made((struct wr_sink){
        .columns = COLUMNS(WR_COLUMN("a", WR_INT8), WR_COLUMN("last", WR_INT8),
                           WR_COLUMN("first", WR_INT8, .merge = WR_FIRST),
                           WR_COLUMN("sum", WR_INT8, .merge = WR_SUM),
                           WR_COLUMN("min", WR_INT8, .merge = WR_MIN),
                           WR_COLUMN("max", WR_INT8, .merge = WR_MAX),
                           WR_COLUMN("fill", WR_INT8, .merge = WR_FILL), WR_COLUMN("b", WR_INT8)),
        .key = "b,a",
        .on_conflict = WR_MERGE });
    cr_expect_str_eq(strstr(sink->upsert.sql, " ON CONFLICT"),
                     " ON CONFLICT (\"b\", \"a\") DO UPDATE SET \"last\" = excluded.\"last\","
                     " \"sum\" = coalesce(t.\"sum\", 0) + coalesce(excluded.\"sum\", 0),"
                     " \"min\" = least(t.\"min\", excluded.\"min\"),"
                     " \"max\" = greatest(t.\"max\", excluded.\"max\"),"
                     " \"fill\" = coalesce(excluded.\"fill\", t.\"fill\")");
    cr_expect(sink->n_key == 2 && sink->key[0] == 7 && sink->key[1] == 0);
    cr_expect_eq(sink->fold, SINK_FOLDS);
}

Test(sink, merge_of_nothing_locks)
{
    const struct sink *const sink =
        made((struct wr_sink){ .columns = COLUMNS(ID), .key = "id", .on_conflict = WR_MERGE });
    cr_expect_str_eq(strstr(sink->upsert.sql, " ON CONFLICT"),
                     " ON CONFLICT (\"id\") DO UPDATE SET \"id\" = excluded.\"id\"");
}

Test(sink, newest_by_and_version)
{
    const struct sink *const sink = made((struct wr_sink){ .columns = COLUMNS(ID, AT),
                                                           .key = "id",
                                                           .on_conflict = WR_MERGE,
                                                           .newest_by = "at",
                                                           .cache_key = "x:{id}",
                                                           .cache_ttl_s = 1 });
    cr_expect_str_eq(
        sink->upsert.sql,
        "INSERT INTO \"t1\" AS t (\"id\", \"at\", ver) SELECT unnest($1::uuid[]),"
        " unnest($2::timestamptz[]), (extract(epoch FROM clock_timestamp()) * 1000000)::int8"
        " ON CONFLICT (\"id\") DO UPDATE SET \"at\" = excluded.\"at\","
        " ver = greatest(t.ver + 1, excluded.ver)"
        " WHERE t.\"at\" IS NULL OR excluded.\"at\" > t.\"at\"");
    cr_expect_eq(sink->newest_by, 1);
}

#define LATERAL(id, day, consumer)                                                                 \
    " CROSS JOIN LATERAL (SELECT 1 FROM warrener.inbox i WHERE i.consumer = " consumer             \
    "::text AND i.message_id = r.id AND i.day = r.day AND i.batch = pg_current_xact_id()"          \
    " OFFSET 0) x"

Test(sink, once)
{
    const struct sink *const sink = made((struct wr_sink){
        .columns = COLUMNS(ID, SUM, AT), .key = "id", .on_conflict = WR_MERGE, .once = true });
    cr_expect_str_eq(
        sink->upsert.sql,
        "INSERT INTO \"t1\" AS t (\"id\", \"n\", \"at\")"
        " SELECT r.c1, sum(r.c2), (array_agg(r.c3 ORDER BY r.o DESC))[1]"
        " FROM unnest($1::uuid[], $2::int8[], $3::timestamptz[], $4::text[], $5::date[])"
        " WITH ORDINALITY AS r(c1, c2, c3, id, day, o)" LATERAL(
            "$4", "$5", "$6") " GROUP BY r.c1, CASE WHEN r.c1 IS NULL THEN r.o END ORDER BY "
                              "min(r.o) ON CONFLICT (\"id\") DO UPDATE SET"
                              " \"n\" = coalesce(t.\"n\", 0) + coalesce(excluded.\"n\", 0), \"at\" "
                              "= excluded.\"at\"");
    cr_expect_eq(sink->fold, SINK_GROUPS);
    cr_expect(sink->upsert.n_values == 6 && sink->upsert.types[3] == 1009 &&
              sink->upsert.types[4] == 1182 && sink->upsert.types[5] == 25);
    const struct sink *const plain = made((struct wr_sink){ .columns = COLUMNS(ID), .once = true });
    cr_expect_str_eq(plain->upsert.sql, "INSERT INTO \"t1\" AS t (\"id\") SELECT r.c1"
                                        " FROM unnest($1::uuid[], $2::text[], $3::date[])"
                                        " WITH ORDINALITY AS r(c1, id, day, o)" LATERAL(
                                            "$2", "$3", "$4") " ORDER BY r.o");
}

Test(sink, erase)
{
    const struct sink *const sink =
        made((struct wr_sink){ .columns = COLUMNS(N, ID, AT), .key = "id, n" });
    cr_expect_str_eq(
        sink->erase.sql,
        "WITH held AS MATERIALIZED (SELECT d.wr_k1, d.wr_k2 FROM (SELECT r.c1 AS wr_k1,"
        " r.c2 AS wr_k2, r.o AS wr_o FROM unnest($1::uuid[], $2::int8[]) WITH ORDINALITY"
        " AS r(c1, c2, o)) d JOIN \"t1\" l ON l.\"id\" = d.wr_k1 AND l.\"n\" = d.wr_k2"
        " ORDER BY d.wr_o FOR UPDATE OF l) DELETE FROM \"t1\" AS t USING held"
        " WHERE t.\"id\" = held.wr_k1 AND t.\"n\" = held.wr_k2");
    cr_expect(sink->erase.n_values == 2 && sink->erase.types[0] == 2951);
}

Test(sink, own_sql)
{
    static const char *const own[][2] = {
        { "INSERT INTO t SELECT id FROM input", " INSERT INTO t SELECT id FROM input" },
        { " -- c\n /* d */ with more AS (SELECT 1) SELECT", ", more AS (SELECT 1) SELECT" },
        { "WITH RECURSIVE a AS (SELECT 1) SELECT", ", a AS (SELECT 1) SELECT" },
        { "WITHOUT", " WITHOUT" },
    };
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        const struct sink *const sink =
            made((struct wr_sink){ .columns = COLUMNS(ID), .sql = own[i][0] });
        char expected[400];
        (void)snprintf(expected, sizeof expected,
                       "WITH %sinput AS (SELECT r.c1 AS \"id\", r.o AS n FROM unnest($1::uuid[])"
                       " WITH ORDINALITY AS r(c1, o))%s",
                       i == 2 ? "RECURSIVE " : "", own[i][1]);
        cr_expect_str_eq(sink->upsert.sql, expected);
        cr_expect_eq(sink->fold, SINK_KEEPS_ALL);
    }
}

Test(sink, same_text_same_name)
{
    const struct wr_sink one = { .columns = COLUMNS(ID) }, other = { .columns = COLUMNS(N) };
    cr_expect_str_eq(made(one)->upsert.name, made(one)->upsert.name);
    cr_expect_str_neq(made(one)->upsert.name, made(other)->upsert.name);
}

Test(sink, folds_are_chosen)
{
    static const struct wr_column numeric = WR_COLUMN("n", WR_NUMERIC, .merge = WR_SUM);
    static const struct wr_column word = WR_COLUMN("n", WR_TEXT, .merge = WR_MAX);
    static const struct wr_column cast = WR_COLUMN("n", WR_INT8, .merge = WR_MIN, .as = "money");
    static const struct wr_column last = WR_COLUMN("n", WR_TEXT);
    struct wr_sink sink = { .key = "id", .on_conflict = WR_MERGE };
    sink.columns = COLUMNS(ID, numeric, AT);
    cr_expect_eq(made(sink)->fold, SINK_GROUPS);
    sink.columns = COLUMNS(ID, word, AT);
    cr_expect_eq(made(sink)->fold, SINK_GROUPS);
    sink.columns = COLUMNS(ID, cast, AT);
    cr_expect_eq(made(sink)->fold, SINK_GROUPS);
    sink.newest_by = "at";
    cr_expect_eq(made(sink)->fold, SINK_WAVES);
    sink.columns = COLUMNS(ID, last, AT);
    cr_expect_eq(made(sink)->fold, SINK_FOLDS);
    sink.once = true;
    cr_expect_eq(made(sink)->fold, SINK_WAVES);
    sink.once = false;
    sink.newest_by = "n";
    cr_expect_eq(made(sink)->fold, SINK_WAVES, "text is the server's to compare");
}

Test(sink, mending)
{
    const struct sink *const sink =
        made((struct wr_sink){ .columns = COLUMNS(ID, WR_COLUMN("mood", WR_TEXT, .as = "mood")),
                               .key = "id",
                               .cache_key = "x",
                               .cache_ttl_s = 1 });
    char *const sql = sink_mending_sql(sink);
    cr_expect_str_eq(sql,
                     "CREATE TABLE IF NOT EXISTS \"t1\" (\"id\" uuid, \"mood\" mood, ver bigint "
                     "NOT NULL, PRIMARY KEY (\"id\"));");
    free(sql);
}
