/* SPDX-License-Identifier: Apache-2.0
 *
 * `once`: the inbox, its days, several sinks behind one step, and the plans with many messages in it.
 * Also steps' counts, deletes and SQL of a handler's own. */
#include <stdlib.h>

#include "base/check.h"
#include "integration/store_sql/desk.h"

static const struct wr_column counts[] = { WR_COLUMN("k", WR_TEXT),
                                           WR_COLUMN("n", WR_INT8, .merge = WR_SUM),
                                           { 0 } };
static const struct wr_column lines[] = { WR_COLUMN("k", WR_TEXT), { 0 } };

static const struct wr_sink count_sink = {
    .table = "counts", .columns = counts, .key = "k", .on_conflict = WR_MERGE, .once = true
};
static const struct wr_sink line_sink = { .table = "lines", .columns = lines, .once = true };

static void make(void)
{
    desk_do("CREATE TABLE counts (k text PRIMARY KEY, n int8); CREATE TABLE lines (k text)");
    (void)stock_sink(&desk.stock, &count_sink);
    (void)stock_sink(&desk.stock, &line_sink);
}

static void count(const char *id, const char *key, const char *n)
{
    stock_message(&desk.stock, id);
    (void)stock_put(&desk.stock, 0, key, n);
    (void)stock_put(&desk.stock, 1, key);
}

DESK_TEST(once, repeats_within_and_across)
{
    make();
    count("m1", "b", "1");
    count("m2", "a", "10");
    count("m1", "b", "1"); /* again, in the same parcel */
    count("m3", "b", NULL);
    cr_assert_str_empty(desk_send("c"), "%s", desk.message);
    cr_assert_eq(desk.n_steps, 4);
    cr_expect_eq(desk.affected[1], 3, "three messages are new");
    count("m2", "a", "10");
    count("m4", "a", "5");
    cr_assert_str_empty(desk_send("c"), "%s", desk.message);
    cr_expect_eq(desk.affected[1], 1);
    cr_expect_eq(desk.affected[2], 1);
    desk_expect("SELECT * FROM counts ORDER BY k", "a|15 b|1");
    desk_expect("SELECT k FROM lines ORDER BY k", "a a b b");
    count("m4", "a", "5"); /* to another consumer it is new */
    cr_assert_str_empty(desk_send("d"), "%s", desk.message);
    desk_expect("SELECT n FROM counts WHERE k = 'a'", "20");
}

DESK_TEST(once, a_batch_that_failed_leaves_no_trace)
{
    make();
    desk_do("ALTER TABLE counts ADD CHECK (n < 100)");
    count("m1", "a", "1");
    count("m2", "b", "1000");
    cr_expect_str_eq(desk_send("c"), "23514");
    count("m1", "a", "1");
    cr_assert_str_empty(desk_send("c"), "%s", desk.message);
    cr_expect_eq(desk.affected[1], 1);
    desk_expect("SELECT * FROM counts", "a|1");
}

DESK_TEST(once, days)
{
    static const struct {
        int64_t timestamp_ms;
        const char *day;
    } cases[] = {
        { 0, "1970-01-01" },
        { -5, "1970-01-01" },
        { 1767311999999, "2026-01-01" },
        { 1767312000000, "2026-01-02" },
        { 1767323045, "1970-01-01" }, /* seconds given for milliseconds */
        { INT64_MAX, "1970-01-01" },
        { 4102444799999, "2099-12-31" },
        { 4102444800000, "1970-01-01" },
    };
    make();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char id[8];
        (void)snprintf(id, sizeof id, "m%zu", i);
        count(id, id, "1");
        desk.stock.messages[i].timestamp_ms = cases[i].timestamp_ms;
    }
    cr_assert_str_empty(desk_send("c"), "%s", desk.message);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char sql[100];
        (void)snprintf(sql, sizeof sql, "SELECT day FROM warrener.inbox WHERE message_id = 'm%zu'",
                       i);
        desk_expect(sql, cases[i].day);
    }
    desk_expect("SELECT count(*) FROM counts", "8");
}

/* ---- plans ------------------------------------------------------------------------------------- */

/* The plan of a prepared statement once it has become generic, as text. */
static char *plan_of(const char *name, unsigned n_values)
{
    char sql[300];
    size_t used = (size_t)snprintf(sql, sizeof sql, "EXPLAIN EXECUTE %s(", name);
    for (unsigned i = 0; i < n_values; i++)
        used += (size_t)snprintf(sql + used, sizeof sql - used, "%sNULL", i > 0 ? ", " : "");
    (void)snprintf(sql + used, sizeof sql - used, ")");
    return desk_ask(sql);
}

/* The plan made while the inbox is empty must still be right when it is large. */
DESK_TEST(once, the_inbox_is_looked_up_row_by_row)
{
    make();
    desk_do("SET plan_cache_mode = force_generic_plan");
    count("m0", "a", "1");
    cr_assert_str_empty(desk_send("c"), "%s", desk.message);
    const struct sink_statement *const upsert = &desk.stock.sinks[0]->upsert;
    char *const plan = plan_of(upsert->name, upsert->n_values);
    cr_expect(strstr(plan, "Nested Loop"), "%s", plan);
    cr_expect(strstr(plan, "message_id = r.id"), "%s", plan);
    cr_expect(!strstr(plan, "Hash Join"), "%s", plan);
    cr_expect(!strstr(plan, "Seq Scan on inbox"), "%s", plan);
    free(plan);
    desk_do("INSERT INTO warrener.inbox SELECT 'c', 'old-' || i, current_date - i % 2"
            " FROM generate_series(1, 200000) i; ANALYZE warrener.inbox");
    for (int i = 0; i < 500; i++) {
        char id[16];
        (void)snprintf(id, sizeof id, "new-%d", i);
        count(id, "a", "1");
    }
    desk_do("SET statement_timeout = '30s'"); /* what it may cost is the plan's to show, below */
    cr_assert_str_empty(desk_send("c"), "%s", desk.message);
    cr_expect_eq(desk.affected[1], 500);
    desk_expect("SELECT n FROM counts", "501");
    char *const later = plan_of(upsert->name, upsert->n_values);
    cr_expect(strstr(later, "Nested Loop") && !strstr(later, "Seq Scan on inbox"), "%s", later);
    free(later);
}

/* ---- counts and deletes ------------------------------------------------------------------------ */

DESK_TEST(steps, kept_rows_are_counted)
{
    static const struct wr_column columns[] = { WR_COLUMN("k", WR_TEXT),
                                                WR_COLUMN("v", WR_INT8),
                                                { 0 } };
    const struct wr_sink sink = { .table = "kept", .columns = columns, .key = "k" };
    desk_do("CREATE TABLE kept (k text PRIMARY KEY, v int8); INSERT INTO kept VALUES ('b', 0)");
    (void)stock_sink(&desk.stock, &sink);
    for (int i = 0; i < 4; i++) {
        static const char *const keys[] = { "a", "b", "c", "a" };
        stock_message(&desk.stock, "");
        (void)stock_put(&desk.stock, 0, keys[i], "1");
    }
    cr_assert_str_empty(desk_send("c"), "%s", desk.message);
    cr_expect_eq(desk.affected[0], 2);
    desk_expect("SELECT * FROM kept ORDER BY k", "a|1 b|0 c|1");
}

/* NULL is equal to nothing, also in a key that is unique but not primary. */
DESK_TEST(steps, null_keys_are_rows_of_their_own)
{
    static const struct wr_column columns[] = { WR_COLUMN("k", WR_TEXT),
                                                WR_COLUMN("v", WR_INT8),
                                                { 0 } };
    desk_do("CREATE TABLE loose (k text UNIQUE, v int8)");
    (void)stock_sink(&desk.stock, &(struct wr_sink){ .table = "loose",
                                                     .columns = columns,
                                                     .key = "k",
                                                     .on_conflict = WR_MERGE });
    stock_message(&desk.stock, "");
    (void)stock_put(&desk.stock, 0, NULL, "1");
    (void)stock_put(&desk.stock, 0, NULL, "2");
    (void)stock_drop(&desk.stock, 0, NULL);
    cr_assert_str_empty(desk_send("c"), "%s", desk.message);
    desk_expect("SELECT v FROM loose ORDER BY v", "1 2");
}

/* Sums that leave the column are the server's to refuse, and only together. */
DESK_TEST(steps, sums_out_of_range)
{
    static const struct wr_column columns[] = { WR_COLUMN("k", WR_TEXT),
                                                WR_COLUMN("n", WR_INT4, .merge = WR_SUM),
                                                { 0 } };
    desk_do("CREATE TABLE small (k text PRIMARY KEY, n int4)");
    (void)stock_sink(&desk.stock, &(struct wr_sink){ .table = "small",
                                                     .columns = columns,
                                                     .key = "k",
                                                     .on_conflict = WR_MERGE });
    for (int i = 0; i < 2; i++) {
        stock_message(&desk.stock, "");
        (void)stock_put(&desk.stock, 0, "a", "2000000000");
    }
    cr_expect_str_eq(desk_send("c"), "21000");
    stock_message(&desk.stock, "");
    (void)stock_put(&desk.stock, 0, "a", "2000000000");
    cr_expect_str_empty(desk_send("c"));
    stock_message(&desk.stock, "");
    (void)stock_put(&desk.stock, 0, "a", "2000000000");
    cr_expect_str_eq(desk_send("c"), "22003");
    /* What comes back into range on the way is well. */
    static const char *const values[] = { "2000000000", "2000000000", "-2000000000" };
    for (int i = 0; i < 3; i++) {
        stock_message(&desk.stock, "");
        (void)stock_put(&desk.stock, 0, "b", values[i]);
    }
    cr_expect_str_empty(desk_send("c"), "%s", desk.message);
    desk_expect("SELECT * FROM small ORDER BY k", "a|2000000000 b|2000000000");
}

DESK_TEST(steps, names_that_need_quotes)
{
    static const struct wr_column columns[] = { WR_COLUMN("user", WR_TEXT),
                                                WR_COLUMN("Mixed Case", WR_INT8),
                                                WR_COLUMN("qu\"ote", WR_INT8),
                                                { 0 } };
    desk_do("CREATE SCHEMA \"Odd\"; CREATE TABLE \"Odd\".\"order\""
            " (\"user\" text PRIMARY KEY, \"Mixed Case\" int8, \"qu\"\"ote\" int8)");
    (void)stock_sink(&desk.stock, &(struct wr_sink){ .table = "Odd.order",
                                                     .columns = columns,
                                                     .key = "user",
                                                     .on_conflict = WR_MERGE });
    stock_message(&desk.stock, "");
    (void)stock_put(&desk.stock, 0, "a", "1", "2");
    (void)stock_put(&desk.stock, 0, "b", "1", "2");
    (void)stock_drop(&desk.stock, 0, "a");
    cr_assert_str_empty(desk_send("c"), "%s", desk.message);
    desk_expect("SELECT * FROM \"Odd\".\"order\"", "b|1|2");
}

/* ver rises with every write, and on insert is the clock's. */
DESK_TEST(steps, versions)
{
    static const struct wr_column columns[] = { WR_COLUMN("k", WR_TEXT),
                                                WR_COLUMN("v", WR_INT8),
                                                { 0 } };
    desk_do("CREATE TABLE cached (k text PRIMARY KEY, v int8, ver int8 NOT NULL)");
    (void)stock_sink(&desk.stock, &(struct wr_sink){ .table = "cached",
                                                     .columns = columns,
                                                     .key = "k",
                                                     .on_conflict = WR_MERGE,
                                                     .cache_key = "cached:{k}",
                                                     .cache_ttl_s = 60 });
    stock_message(&desk.stock, "");
    (void)stock_put(&desk.stock, 0, "a", "1");
    cr_assert_str_empty(desk_send("c"), "%s", desk.message);
    desk_expect("SELECT abs(ver / 1000000 - extract(epoch FROM now())) < 60 FROM cached", "t");
    desk_do("UPDATE cached SET ver = ver + 1000000000000");
    desk_do("CREATE TABLE before AS SELECT * FROM cached");
    stock_message(&desk.stock, "");
    (void)stock_put(&desk.stock, 0, "a", "2");
    cr_assert_str_empty(desk_send("c"), "%s", desk.message);
    desk_expect("SELECT c.v, c.ver - b.ver FROM cached c, before b", "2|1");
}

/* Deletes find their rows in a table that the planner would rather read whole. */
DESK_TEST(steps, deletes)
{
    static const struct wr_column columns[] = {
        WR_COLUMN("v", WR_INT8), WR_COLUMN("b", WR_INT8), WR_COLUMN("a", WR_TEXT), { 0 }
    };
    desk_do("CREATE TABLE pairs (a text, b int8, v int8, PRIMARY KEY (a, b));"
            "INSERT INTO pairs SELECT 'k' || i % 5, i, 0 FROM generate_series(1, 10) i;"
            "ANALYZE pairs");
    (void)stock_sink(&desk.stock,
                     &(struct wr_sink){ .table = "pairs", .columns = columns, .key = "a, b" });
    stock_message(&desk.stock, "");
    (void)stock_drop(&desk.stock, 0, "k1", "1");
    (void)stock_drop(&desk.stock, 0, "k1", "1"); /* twice is once */
    (void)stock_drop(&desk.stock, 0, "k0", "10");
    (void)stock_drop(&desk.stock, 0, "k0", "11"); /* there is none */
    (void)stock_put(&desk.stock, 0, "7", "1", "k1");
    cr_assert_str_empty(desk_send("c"), "%s", desk.message);
    cr_assert_eq(desk.n_steps, 3);
    cr_expect_eq(desk.affected[1], 2);
    desk_expect("SELECT count(*), sum(v) FROM pairs", "9|7");
}

/* ---- SQL of the handler's own ------------------------------------------------------------------- */

DESK_TEST(own, rows_in_arrival_order)
{
    static const struct wr_column columns[] = {
        WR_COLUMN("Key", WR_TEXT), WR_COLUMN("tags", WR_TEXT_ARRAY), WR_COLUMN("at", WR_DATE), { 0 }
    };
    desk_do("CREATE TABLE log (n int8, k text, tags text[], at date)");
    (void)stock_sink(
        &desk.stock,
        &(struct wr_sink){ .table = "log",
                           .columns = columns,
                           .sql = "WITH last AS (SELECT max(n) AS n FROM log)"
                                  " INSERT INTO log SELECT coalesce(last.n, 0) + i.n, i.\"Key\","
                                  " i.tags, i.at FROM input i, last ORDER BY i.n" });
    for (int round = 0; round < 2; round++) {
        stock_message(&desk.stock, "");
        (void)stock_put(&desk.stock, 0, "z", "x|y", "0");
        stock_message(&desk.stock, "");
        (void)stock_put(&desk.stock, 0, "a", NULL, "1");
        cr_assert_str_empty(desk_send("c"), "%s", desk.message);
    }
    desk_expect("SELECT * FROM log ORDER BY n",
                "1|z|{x,y}|1970-01-01 2|a|NULL|1970-01-02 3|z|{x,y}|1970-01-01 "
                "4|a|NULL|1970-01-02");
}

DESK_TEST(own, once)
{
    static const struct wr_column columns[] = { WR_COLUMN("k", WR_TEXT),
                                                WR_COLUMN("v", WR_INT8),
                                                { 0 } };
    desk_do("CREATE TABLE sums (k text PRIMARY KEY, v int8)");
    (void)stock_sink(&desk.stock,
                     &(struct wr_sink){ .table = "sums",
                                        .columns = columns,
                                        .key = "k",
                                        .once = true,
                                        .sql = "INSERT INTO sums SELECT k, sum(v) FROM input"
                                               " GROUP BY k ORDER BY k ON CONFLICT (k) DO UPDATE"
                                               " SET v = sums.v + excluded.v" });
    for (int round = 0; round < 2; round++) {
        stock_message(&desk.stock, "m1");
        (void)stock_put(&desk.stock, 0, "a", "1");
        (void)stock_put(&desk.stock, 0, "a", "2");
        stock_message(&desk.stock, round == 0 ? "m2" : "m3");
        (void)stock_put(&desk.stock, 0, "a", "10");
        cr_assert_str_empty(desk_send("c"), "%s", desk.message);
    }
    desk_expect("SELECT * FROM sums", "a|23");
    stock_message(&desk.stock, "m4");
    (void)stock_drop(&desk.stock, 0, "a");
    (void)stock_put(&desk.stock, 0, "a", "5");
    cr_assert_str_empty(desk_send("c"), "%s", desk.message);
    desk_expect("SELECT * FROM sums", "a|5");
}
