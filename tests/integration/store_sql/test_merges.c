/* SPDX-License-Identifier: Apache-2.0
 *
 * What a parcel of many messages leaves in a table is what their rows leave one at a time, by SQL of the
 * test's own: every type with every merge, newest_by, deletes, `once` with repeats. Random, with the seed in every
 * complaint. */
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "integration/store_sql/desk.h"

enum { VALUE_BYTES = 64, COLUMNS_MOST = 24, OPS = 60, MESSAGES = 40, IDS = 1100 };

/* ---- random values ----------------------------------------------------------------------------- */

static int below(int limit)
{
    return rand() % limit;
}

static const char *const words[] = { "apple", "Banana", "\xc3\xa4pfel", "", "zebra", "10", "9" };
static const char *const moods[] = { "good", "bad", "ugly" };
static const char *const addresses[] = { "10.0.0.1", "9.0.0.1", "10.0.0.1/8", "::1", "fe80::/10" };
static const char *const arrays[] = { "", "3", "3|4", "12", "-1|5" };
static const char *const documents[] = { "1", "\"x\"", "{\"a\":1}", "[1,2]", "null" };
static const char *const numerics[] = { "1.0", "1.00", "-2.5", "1e3", "NaN", "0.003", "7" };

static void random_value(const struct wr_column *column, char out[VALUE_BYTES])
{
    const char *text = NULL;
    if (column->as) {
        (void)snprintf(out, VALUE_BYTES, "%s", moods[below(3)]);
        return;
    }
    switch (column->type) {
    case WR_BOOL: text = below(2) ? "t" : "f"; break;
    case WR_NUMERIC: /* of equal ones, which is the largest is the server's secret */
        text = column->merge == WR_MAX ? numerics[1 + below(6)] : numerics[below(7)];
        break;
    case WR_TEXT: text = words[below(7)]; break;
    case WR_BYTEA: text = words[below(7)]; break;
    case WR_INET: text = addresses[below(5)]; break;
    case WR_JSONB: text = documents[below(5)]; break;
    case WR_TEXT_ARRAY:
    case WR_INT8_ARRAY: text = arrays[below(5)]; break;
    case WR_UUID:
        (void)snprintf(out, VALUE_BYTES, "0194f0c8-7c1e-7a3b-9d2e-5f60718293%02x", below(200));
        return;
    default: (void)snprintf(out, VALUE_BYTES, "%d", below(40) - 20); return;
    }
    (void)snprintf(out, VALUE_BYTES, "%s", text);
}

/* ---- the play ---------------------------------------------------------------------------------- */

/* One sink twice: `whole` gets parcels of many messages, `single` the same ones one by one. */
struct play {
    const char *name;
    struct wr_sink sink;
    int keys;      /* below which a key's number is */
    int deletes;   /* one in so many; 0: none */
    int repeats;   /* likewise, of messages */
    int rows_most; /* of a message */
};

struct op {
    int id;
    bool is_delete;
    char values[COLUMNS_MOST][VALUE_BYTES];
    bool is_null[COLUMNS_MOST];
};

static bool is_key(const struct sink *sink, unsigned column)
{
    for (unsigned i = 0; i < sink->n_key; i++)
        if (sink->key[i] == column) return true;
    return false;
}

/* How the reference merges a column, by its own words. */
static const char *const merges[] = {
    [WR_LAST] = "e.C",
    [WR_FIRST] = "s.C",
    [WR_SUM] = "coalesce(s.C, 0) + coalesce(e.C, 0)",
    [WR_MIN] = "CASE WHEN s.C IS NULL OR e.C < s.C THEN e.C ELSE s.C END",
    [WR_MAX] = "CASE WHEN s.C IS NULL OR e.C > s.C THEN e.C ELSE s.C END",
    [WR_FILL] = "CASE WHEN e.C IS NULL THEN s.C ELSE e.C END",
};

static void put_merge(FILE *out, const char *form, const char *name)
{
    for (char before = ' '; *form; before = *form++)
        if (*form == 'C' && before == '.')
            (void)fputs(name, out);
        else if (form[0] == 'e' && form[1] == '.')
            (void)fputs("excluded", out);
        else
            (void)fputc(*form, out);
}

/* One row by SQL of the test's own; which messages are repeats, the test knows itself. */
static char *reference_sql(const struct wr_sink *sink)
{
    char *sql;
    size_t bytes;
    FILE *const out = open_memstream(&sql, &bytes);
    (void)fputs("INSERT INTO single AS s SELECT ", out);
    for (const struct wr_column *column = sink->columns; column->name; column++)
        (void)fprintf(out, column->merge == WR_SUM ? "%scoalesce(i.%s, 0)" : "%si.%s",
                      column > sink->columns ? ", " : "", column->name);
    (void)fprintf(out, " FROM input i ON CONFLICT (%s) DO %s", sink->key,
                  sink->on_conflict == WR_KEEP ? "NOTHING" : "UPDATE SET ");
    for (const struct wr_column *column = sink->columns;
         column->name && sink->on_conflict == WR_MERGE; column++) {
        const bool is_of_key =
            strcmp(column->name, "k") == 0 || strcmp(column->name, "amount") == 0;
        (void)fprintf(out, "%s%s = ", column > sink->columns ? ", " : "", column->name);
        put_merge(out, is_of_key ? "s.C" : merges[column->merge], column->name);
    }
    if (sink->newest_by)
        (void)fprintf(out, " WHERE s.%s IS NULL OR s.%s < excluded.%s", sink->newest_by,
                      sink->newest_by, sink->newest_by);
    (void)fclose(out);
    return sql;
}

static char *reference;

static void make_tables(const struct play *play)
{
    struct wr_sink sink = play->sink;
    desk_do("CREATE TYPE mood AS ENUM ('ugly', 'bad', 'good')");
    static const char *const tables[] = { "whole", "single" };
    reference = reference_sql(&sink);
    for (int i = 0; i < 2; i++) {
        sink.table = tables[i];
        char *const sql = sink_mending_sql(stock_sink(&desk.stock, &sink));
        desk_do(sql);
        free(sql);
        sink.sql = reference;
        sink.newest_by = NULL;
        sink.once = false;
    }
}

static void random_op(const struct play *play, struct op *op, int id)
{
    const struct sink *const sink = desk.stock.sinks[0];
    op->id = id;
    op->is_delete = play->deletes > 0 && below(play->deletes) == 0;
    for (unsigned i = 0; i < sink->n; i++) {
        random_value(&sink->columns[i], op->values[i]);
        op->is_null[i] = !is_key(sink, i) && below(5) == 0;
        if (is_key(sink, i) && sink->columns[i].type == WR_INT8)
            (void)snprintf(op->values[i], VALUE_BYTES, "%d", below(play->keys) - 2);
    }
}

static void stock_op(const struct op *op, unsigned nth)
{
    const struct sink *const sink = desk.stock.sinks[nth];
    const char *values[COLUMNS_MOST];
    if (op->is_delete) {
        for (unsigned i = 0; i < sink->n_key; i++) values[i] = op->values[sink->key[i]];
        (void)stock_delete(&desk.stock, nth, values);
        return;
    }
    for (unsigned i = 0; i < sink->n; i++) values[i] = op->is_null[i] ? NULL : op->values[i];
    (void)stock_row(&desk.stock, nth, values);
}

/* ops[from..to) are of one message. */
static void stock_ops(const struct op *ops, int from, int to)
{
    char id[32];
    (void)snprintf(id, sizeof id, "message-%d", ops[from].id);
    stock_message(&desk.stock, id);
    for (int i = from; i < to; i++) stock_op(&ops[i], 0);
}

static bool is_repeat(const struct play *play, int id)
{
    static bool seen[IDS];
    cr_assert_lt(id, IDS);
    const bool was_seen = seen[id];
    seen[id] = true;
    return play->sink.once && was_seen;
}

static void send_single(const struct play *play, const struct op *op, unsigned seed)
{
    stock_message(&desk.stock, "");
    stock_op(op, 1);
    cr_assert_str_empty(desk_send("single"), "%s, seed %u: %s", play->name, seed, desk.message);
}

static void expect_same(const struct play *play, unsigned seed)
{
    char *const left = desk_ask("SELECT w::text FROM whole w EXCEPT SELECT s::text FROM single s");
    char *const right = desk_ask("SELECT s::text FROM single s EXCEPT SELECT w::text FROM whole w");
    cr_expect(!*left && !*right, "%s, seed %u:\nonly whole:  %s\nonly single: %s", play->name, seed,
              left, right);
    free(left);
    free(right);
}

static void play_round(const struct play *play, unsigned seed)
{
    static struct op ops[OPS * 2];
    static int begins[MESSAGES + 1];
    static int last_id;
    int n = 0, messages = 1 + below(MESSAGES);
    for (int m = 0; m < messages; m++) {
        const bool is_repeat = m > 0 && play->repeats > 0 && below(play->repeats) == 0;
        const int of = is_repeat ? below(m) : 0;
        begins[m] = n;
        if (is_repeat) {
            for (int i = begins[of]; i < begins[of + 1]; i++) ops[n++] = ops[i];
        } else {
            const int id = play->repeats > 0 && below(play->repeats) == 0 && last_id > 0
                               ? below(last_id)
                               : last_id++;
            const int rows = 1 + below(play->rows_most);
            for (int i = 0; i < rows; i++) random_op(play, &ops[n++], id);
        }
        begins[m + 1] = n;
        if (n > OPS) messages = m + 1;
    }
    for (int m = 0; m < messages; m++) stock_ops(ops, begins[m], begins[m + 1]);
    cr_assert_str_empty(desk_send("whole"), "%s, seed %u: %s", play->name, seed, desk.message);
    for (int m = 0; m < messages; m++)
        if (!is_repeat(play, ops[begins[m]].id))
            for (int i = begins[m]; i < begins[m + 1]; i++) send_single(play, &ops[i], seed);
    expect_same(play, seed);
}

static void play_all(const struct play *play)
{
    const char *const asked = getenv("STORE_SQL_SEED");
    const unsigned seed = asked ? (unsigned)strtoul(asked, NULL, 10) : (unsigned)getpid();
    srand(seed);
    make_tables(play);
    for (int i = 0; i < 25; i++) play_round(play, seed);
    char *const rows = desk_ask("SELECT count(*) > 0 FROM whole");
    cr_expect_str_eq(rows, "t", "%s: nothing was written", play->name);
    free(rows);
    free(reference);
}

/* ---- declarations ------------------------------------------------------------------------------ */

static const struct wr_column folding[] = {
    WR_COLUMN("k", WR_INT8),
    WR_COLUMN("last", WR_TEXT),
    WR_COLUMN("first", WR_TEXT, .merge = WR_FIRST),
    WR_COLUMN("fill", WR_TEXT_ARRAY, .merge = WR_FILL),
    WR_COLUMN("sum2", WR_INT2, .merge = WR_SUM),
    WR_COLUMN("sum4", WR_INT4, .merge = WR_SUM),
    WR_COLUMN("sum8", WR_INT8, .merge = WR_SUM),
    WR_COLUMN("sumf", WR_FLOAT8, .merge = WR_SUM),
    WR_COLUMN("min2", WR_INT2, .merge = WR_MIN),
    WR_COLUMN("max4", WR_INT4, .merge = WR_MAX),
    WR_COLUMN("min8", WR_INT8, .merge = WR_MIN),
    WR_COLUMN("maxf", WR_FLOAT8, .merge = WR_MAX),
    WR_COLUMN("minb", WR_BOOL, .merge = WR_MIN),
    WR_COLUMN("maxd", WR_DATE, .merge = WR_MAX),
    WR_COLUMN("mint", WR_TIMESTAMP, .merge = WR_MIN),
    WR_COLUMN("maxz", WR_TIMESTAMPTZ, .merge = WR_MAX),
    WR_COLUMN("minu", WR_UUID, .merge = WR_MIN),
    WR_COLUMN("maxy", WR_BYTEA, .merge = WR_MAX),
    WR_COLUMN("mood", WR_TEXT, .as = "mood"),
    { 0 },
};
static const struct wr_column grouping[] = {
    WR_COLUMN("last", WR_TEXT_ARRAY),
    WR_COLUMN("k", WR_INT8),
    WR_COLUMN("sumn", WR_NUMERIC, .merge = WR_SUM),
    WR_COLUMN("sum2", WR_INT2, .merge = WR_SUM),
    WR_COLUMN("maxn", WR_NUMERIC, .merge = WR_MAX),
    WR_COLUMN("first", WR_INT8_ARRAY, .merge = WR_FIRST),
    WR_COLUMN("fill", WR_TEXT_ARRAY, .merge = WR_FILL),
    WR_COLUMN("mint", WR_TEXT, .merge = WR_MIN),
    WR_COLUMN("maxi", WR_INET, .merge = WR_MAX),
    WR_COLUMN("minj", WR_JSONB, .merge = WR_MIN),
    WR_COLUMN("maxa", WR_INT8_ARRAY, .merge = WR_MAX),
    WR_COLUMN("mina", WR_TEXT_ARRAY, .merge = WR_MIN),
    WR_COLUMN("maxm", WR_TEXT, .merge = WR_MAX, .as = "mood"),
    WR_COLUMN("fillm", WR_TEXT, .merge = WR_FILL, .as = "mood"),
    WR_COLUMN("minb", WR_BOOL, .merge = WR_MIN),
    WR_COLUMN("maxy", WR_BYTEA, .merge = WR_MAX),
    WR_COLUMN("minu", WR_UUID, .merge = WR_MIN),
    WR_COLUMN("maxz", WR_TIMESTAMPTZ, .merge = WR_MAX),
    WR_COLUMN("j", WR_JSONB),
    { 0 },
};
static const struct wr_column two_keys[] = {
    WR_COLUMN("amount", WR_NUMERIC),
    WR_COLUMN("last", WR_TEXT),
    WR_COLUMN("k", WR_INT8),
    WR_COLUMN("sum", WR_INT8, .merge = WR_SUM),
    { 0 },
};
static const struct wr_column newest[] = {
    WR_COLUMN("k", WR_INT8),
    WR_COLUMN("at", WR_TIMESTAMPTZ),
    WR_COLUMN("last", WR_INT8),
    WR_COLUMN("first", WR_INT8, .merge = WR_FIRST),
    { 0 },
};
static const struct wr_column newest_of_all[] = {
    WR_COLUMN("k", WR_INT8),
    WR_COLUMN("at", WR_INT4, .merge = WR_MAX),
    WR_COLUMN("last", WR_INT8),
    WR_COLUMN("first", WR_INT8, .merge = WR_FIRST),
    WR_COLUMN("sum", WR_INT8, .merge = WR_SUM),
    WR_COLUMN("min", WR_INT8, .merge = WR_MIN),
    WR_COLUMN("fill", WR_TEXT, .merge = WR_FILL),
    { 0 },
};

#define SINK(list, ...) { .columns = (list), .on_conflict = WR_MERGE, __VA_ARGS__ }

DESK_TEST(merges, folded)
{
    play_all(&(struct play){ "folded", SINK(folding, .key = "k", .once = false), 5, 0, 0, 3 });
    cr_expect_eq(desk.stock.sinks[0]->fold, SINK_FOLDS);
}

DESK_TEST(merges, folded_with_deletes)
{
    play_all(&(struct play){ "folded with deletes", SINK(folding, .key = "k", .once = false), 5, 6,
                             0, 3 });
}

DESK_TEST(merges, grouped)
{
    play_all(&(struct play){ "grouped", SINK(grouping, .key = "k", .once = false), 5, 0, 0, 3 });
    cr_expect_eq(desk.stock.sinks[0]->fold, SINK_GROUPS);
}

DESK_TEST(merges, grouped_with_deletes)
{
    play_all(&(struct play){ "grouped with deletes", SINK(grouping, .key = "k", .once = false), 5,
                             6, 0, 3 });
}

DESK_TEST(merges, key_of_two)
{
    play_all(&(struct play){ "key of two", SINK(two_keys, .key = "k, amount", .once = false), 3, 8,
                             0, 3 });
}

DESK_TEST(merges, newest_by)
{
    play_all(
        &(struct play){ "newest by", SINK(newest, .key = "k", .newest_by = "at"), 4, 0, 0, 2 });
    cr_expect_eq(desk.stock.sinks[0]->fold, SINK_FOLDS);
}

DESK_TEST(merges, newest_by_with_deletes)
{
    play_all(
        &(struct play){ "newest by", SINK(newest, .key = "k", .newest_by = "at"), 4, 5, 0, 2 });
}

DESK_TEST(merges, newest_by_in_waves)
{
    play_all(&(struct play){ "in waves", SINK(newest_of_all, .key = "k", .newest_by = "at"), 9, 9,
                             0, 2 });
    cr_expect_eq(desk.stock.sinks[0]->fold, SINK_WAVES);
}

DESK_TEST(merges, newest_by_text)
{
    play_all(
        &(struct play){ "by text", SINK(folding, .key = "k", .newest_by = "last"), 9, 9, 0, 2 });
    cr_expect_eq(desk.stock.sinks[0]->fold, SINK_WAVES);
}

DESK_TEST(merges, kept)
{
    static const struct wr_column columns[] = { WR_COLUMN("k", WR_INT8),
                                                WR_COLUMN("v", WR_TEXT),
                                                { 0 } };
    play_all(&(struct play){ "kept", { .columns = columns, .key = "k" }, 30, 0, 0, 3 });
    desk_do("DELETE FROM whole; DELETE FROM single");
}

DESK_TEST(merges, kept_with_deletes)
{
    static const struct wr_column columns[] = { WR_COLUMN("k", WR_INT8),
                                                WR_COLUMN("v", WR_TEXT),
                                                { 0 } };
    play_all(&(struct play){ "kept", { .columns = columns, .key = "k" }, 6, 4, 0, 3 });
}

/* ---- once -------------------------------------------------------------------------------------- */

DESK_TEST(merges, once_folding)
{
    play_all(&(struct play){ "once", SINK(folding, .key = "k", .once = true), 5, 0, 4, 3 });
    cr_expect_eq(desk.stock.sinks[0]->fold, SINK_GROUPS);
}

DESK_TEST(merges, once_grouping)
{
    play_all(&(struct play){ "once", SINK(grouping, .key = "k", .once = true), 5, 0, 4, 3 });
}

DESK_TEST(merges, once_with_deletes)
{
    play_all(
        &(struct play){ "once with deletes", SINK(folding, .key = "k", .once = true), 4, 4, 4, 3 });
}

DESK_TEST(merges, once_newest)
{
    play_all(&(struct play){ "once newest",
                             SINK(newest_of_all, .key = "k", .newest_by = "at", .once = true), 9, 7,
                             4, 2 });
    cr_expect_eq(desk.stock.sinks[0]->fold, SINK_WAVES);
}

DESK_TEST(merges, once_kept)
{
    static const struct wr_column columns[] = { WR_COLUMN("k", WR_INT8),
                                                WR_COLUMN("v", WR_TEXT),
                                                { 0 } };
    play_all(&(struct play){
        "once kept", { .columns = columns, .key = "k", .once = true }, 30, 5, 4, 3 });
}

/* Repeats without `once` are applied as often as they come. */
DESK_TEST(merges, repeats_count_without_once)
{
    play_all(&(struct play){ "repeats", SINK(folding, .key = "k", .once = false), 5, 0, 3, 2 });
}

/* ---- keys that may be NULL ----------------------------------------------------------------------- */

/* To PostgreSQL a NULL key is no other row's, and an empty text is a key like any other. */
static void play_nulls(enum sink_fold fold, enum wr_merge merge_of_text, bool is_once)
{
    const struct wr_column columns[] = { WR_COLUMN("a", WR_TEXT),
                                         WR_COLUMN("n", WR_INT4, .merge = WR_SUM),
                                         WR_COLUMN("b", WR_TEXT),
                                         WR_COLUMN("t", WR_TEXT, .merge = merge_of_text),
                                         { 0 } };
    static const char *const keys[][2] = {
        { NULL, NULL }, { "", "" },   { NULL, "" }, { "", NULL }, { NULL, NULL }, { "", "" },
        { NULL, "" },   { "", NULL }, { "a", "" },  { "", "a" },  { "a", NULL },  { NULL, "a" }
    };
    desk_do("CREATE TABLE maybe (a text, n int, b text, t text, UNIQUE (a, b))");
    const struct sink *const sink =
        stock_sink(&desk.stock, &(struct wr_sink){ .table = "maybe",
                                                   .columns = columns,
                                                   .key = "a, b",
                                                   .on_conflict = WR_MERGE,
                                                   .once = is_once });
    cr_assert_eq(sink->fold, fold);
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 12; i++) {
            char id[8];
            (void)snprintf(id, sizeof id, "%d-%d", round, i);
            stock_message(&desk.stock, id);
            (void)stock_put(&desk.stock, 0, keys[i][0], "1", keys[i][1], "x");
        }
        cr_assert_str_empty(desk_send("c"), "%s", desk.message);
    }
    desk_expect("SELECT a, b, count(*), sum(n) FROM maybe GROUP BY a, b ORDER BY a, b",
                "||1|4 |a|1|2 |NULL|4|4 a||1|2 a|NULL|2|2 NULL||4|4 NULL|a|2|2 NULL|NULL|4|4");
}

DESK_TEST(merges, null_keys_folded)
{
    play_nulls(SINK_FOLDS, WR_LAST, false);
}

DESK_TEST(merges, null_keys_grouped)
{
    play_nulls(SINK_GROUPS, WR_MAX, false);
}

DESK_TEST(merges, null_keys_once)
{
    play_nulls(SINK_GROUPS, WR_LAST, true);
}
