/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading back for the cache: what is refused, the statements made, and which keys a parcel asks for. */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "unit/store/stock.h"

#define COLUMNS(...) ((const struct wr_column[]){ __VA_ARGS__, { 0 } })
#define ID WR_COLUMN("id", WR_INT8)
#define SKU WR_COLUMN("sku", WR_TEXT)
#define N WR_COLUMN("n", WR_INT8)
#define MOOD WR_COLUMN("mood", WR_TEXT, .as = "mood")
#define NOW_US "(extract(epoch FROM clock_timestamp()) * 1000000)::int8"

static struct stock stock;
static struct parcel *parcel;
static const struct parcel_step *steps;
static size_t n_steps;

static void begin(void)
{
    stock_open(&stock);
    parcel = NULL;
}

static void end(void)
{
    parcel_free(parcel);
    stock_close(&stock);
}

TestSuite(recall, .init = begin, .fini = end);

static struct sink *made(struct wr_sink declared)
{
    if (!declared.table) declared.table = "t1";
    if (declared.cache_key) declared.cache_ttl_s = 60;
    return stock_sink(&stock, &declared);
}

static void expect_refused(struct wr_sink declared, const char *words)
{
    struct status status = { EXIT_WELL, "" };
    declared.table = "t";
    declared.key = "id";
    declared.cache_ttl_s = 60;
    cr_expect_null(sink_new(&declared, 0, stock_option, NULL, &status));
    cr_expect_str_eq(status.text, words);
}

Test(recall, what_may_move_is_refused)
{
    static const struct wr_column first = WR_COLUMN("n", WR_INT8, .merge = WR_FIRST);
    expect_refused(
        (struct wr_sink){
            .columns = COLUMNS(ID, N), .cache_key = "t:{n}", .on_conflict = WR_MERGE },
        "sink 0 (t): cache_key names \"n\", which may change, and an entry under its old "
        "key would stay: name columns of the key, or make its merge WR_FIRST");
    expect_refused((struct wr_sink){ .columns = COLUMNS(ID),
                                     .cache_key = "t:{id}",
                                     .cache_value = "t.id",
                                     .cache_around = true },
                   "sink 0 (t): it has a cache_value, and cache_around, which writes none: leave "
                   "one of them out");
    expect_refused(
        (struct wr_sink){ .columns = COLUMNS(ID), .cache_key = "t:{id}", .cache_value = " " },
        "sink 0 (t): its cache_value is empty: leave it out for to_jsonb(t)");
    made((struct wr_sink){ .columns = COLUMNS(ID, N), .key = "id", .cache_key = "t:{n}" });
    made((struct wr_sink){ .columns = COLUMNS(ID, first),
                           .key = "id",
                           .cache_key = "t:{n}",
                           .on_conflict = WR_MERGE });
}

Test(recall, statements)
{
    const struct sink *sink =
        made((struct wr_sink){ .columns = COLUMNS(ID, N), .key = "id", .cache_key = "it's:{id}" });
    cr_expect_str_eq(sink->recall.sql,
                     "SELECT ('it''s:' || coalesce(t.\"id\"::text, d.wr_k1::text))::text,"
                     " coalesce(t.ver, " NOW_US
                     "), CASE WHEN t.ver IS NOT NULL THEN (to_jsonb(t)\n)::text END,"
                     " ARRAY[coalesce(t.\"id\"::text, d.wr_k1::text)]::text"
                     " FROM (SELECT r.c1 AS wr_k1, r.o AS wr_o FROM unnest($1::int8[])"
                     " WITH ORDINALITY AS r(c1, o)) d"
                     " LEFT JOIN \"t1\" AS t ON t.\"id\" = d.wr_k1");
    cr_expect_str_eq(
        sink->reread.sql,
        "SELECT d.wr_o, t.ver, CASE WHEN t.ver IS NOT NULL THEN (to_jsonb(t)\n)::text END"
        " FROM (SELECT (w.l::text[])[1]::bigint AS wr_k1, w.o AS wr_o"
        " FROM unnest($1::text[]) WITH ORDINALITY AS w(l, o)) d"
        " LEFT JOIN \"t1\" AS t ON t.\"id\" = d.wr_k1");
    cr_expect_str_eq(strstr(sink->erase.sql, " RETURNING"),
                     " RETURNING ('it''s:' || t.\"id\"::text)::text, greatest(t.ver + 1, " NOW_US
                     "), NULL::text, ARRAY[t.\"id\"::text]::text");
    cr_expect_str_eq(sink->source, "\"t1\" it's:{id}");
    cr_expect(sink->recall.n_values == 1 && sink->recall.types[0] == 1016);
    cr_expect(sink->reread.n_values == 1 && sink->reread.types[0] == 1009);
}

Test(recall, of_several_columns_and_around)
{
    const struct sink *sink = made((struct wr_sink){ .columns = COLUMNS(SKU, MOOD, N),
                                                     .key = "mood, sku",
                                                     .cache_key = "{sku}/{n}",
                                                     .cache_around = true });
    cr_expect_str_eq(
        sink->recall.sql,
        "SELECT (coalesce(t.\"sku\"::text, d.wr_k2::text) || '/' || t.\"n\"::text)::text,"
        " coalesce(t.ver, " NOW_US "), NULL::text,"
        " ARRAY[coalesce(t.\"mood\"::text, d.wr_k1::text), coalesce(t.\"sku\"::text,"
        " d.wr_k2::text)]::text FROM (SELECT r.c1::mood AS wr_k1, r.c2 AS wr_k2, r.o AS wr_o"
        " FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS r(c1, c2, o)) d LEFT JOIN \"t1\" "
        "AS t"
        " ON t.\"mood\" = d.wr_k1 AND t.\"sku\" = d.wr_k2");
}

/* ---- parcels ----------------------------------------------------------------------------------- */

static void make(void)
{
    parcel_free(parcel);
    parcel = stock_parcel(&stock, "consumer");
    n_steps = parcel_steps(parcel, &steps);
}

static unsigned elements(const struct parcel_step *step)
{
    return wire_u32(step->values[0] + 12);
}

/* After all else, each key once, whatever was folded, wiped or known; without NULL. */
Test(recall, every_key_is_asked_for_at_the_end)
{
    made((struct wr_sink){
        .columns = COLUMNS(ID, N), .key = "id", .cache_key = "t:{id}", .on_conflict = WR_MERGE });
    made((struct wr_sink){ .columns = COLUMNS(ID, N), .key = "id", .table = "t2" });
    stock_message(&stock, "m1");
    stock_put(&stock, 0, "7", "1");
    stock_put(&stock, 1, "1", "1");
    stock_message(&stock, "m2");
    stock_put(&stock, 0, "5", "2");
    stock_put(&stock, 0, "7", "2");
    stock_put(&stock, 0, NULL, "2");
    stock_message(&stock, "m3");
    stock_drop(&stock, 0, "5");
    stock_drop(&stock, 0, "6");
    make();
    cr_assert_eq(n_steps, 5); /* seek, erase, upsert, the other sink, recall */
    const struct parcel_step *last = &steps[4];
    cr_expect_str_eq(steps[1].sql, stock.sinks[0]->erase.sql);
    cr_expect_eq(steps[1].recalls, stock.sinks[0]);
    cr_expect_null(steps[2].recalls);
    cr_expect_null(steps[3].recalls);
    cr_expect_str_eq(last->sql, stock.sinks[0]->recall.sql);
    cr_expect_eq(last->recalls, stock.sinks[0]);
    cr_expect_eq(last->rows, 0, "they are no rows written");
    cr_assert_eq(elements(last), 3);
    for (unsigned i = 0; i < 3; i++)
        cr_expect_eq(wire_u64(last->values[0] + 24 + 12 * (size_t)i), 5 + i);
}

Test(recall, a_repeat_of_once_is_asked_for_too)
{
    made((struct wr_sink){
        .columns = COLUMNS(ID, N), .key = "id", .cache_key = "t:{id}", .once = true });
    stock_message(&stock, "m1");
    stock_put(&stock, 0, "7", "1");
    stock_message(&stock, "m1");
    stock_put(&stock, 0, "7", "1");
    make();
    cr_assert_eq(n_steps, 4); /* seek, inbox, upsert, recall */
    cr_expect_eq(elements(&steps[3]), 1);
}

Test(recall, without_a_cache_there_is_none)
{
    struct sink *sink =
        made((struct wr_sink){ .columns = COLUMNS(ID, N), .key = "id", .cache_key = "t:{id}" });
    sink_leave_cache(sink);
    stock_message(&stock, "m1");
    stock_put(&stock, 0, "7", "1");
    stock_message(&stock, "m2");
    stock_drop(&stock, 0, "8");
    make();
    cr_assert_eq(n_steps, 3);
    for (size_t i = 0; i < n_steps; i++) cr_expect_null(steps[i].recalls);
    cr_expect(strstr(sink->upsert.sql, ", ver)"), "the version is kept all the same");
}
