/* SPDX-License-Identifier: Apache-2.0
 *
 * Which parcels keep out of one another's way: those that may write one row, or have a message in common. */
#include <criterion/criterion.h>

#include "unit/store/stock.h"

#define COLUMNS(...) ((const struct wr_column[]){ __VA_ARGS__, { 0 } })
#define K WR_COLUMN("k", WR_INT8)
#define TEXT WR_COLUMN("v", WR_TEXT)

static struct stock stock;

static void begin(void)
{
    stock_open(&stock);
}

static void end(void)
{
    stock_close(&stock);
}

TestSuite(meeting, .init = begin, .fini = end);

static bool keys_meet_of(const char *a, const char *b)
{
    stock_clear(&stock);
    stock_message(&stock, "m1");
    for (unsigned i = 0; i < stock.n_sinks; i++)
        if (*a) (void)stock_put(&stock, i, a, "0");
    struct parcel *const one = stock_parcel(&stock, "c");
    const size_t first = stock.n;
    stock_message(&stock, "m2");
    for (unsigned i = 0; i < stock.n_sinks; i++)
        if (*b) (void)stock_put(&stock, i, b, "0");
    struct parcel *const other =
        parcel_new(stock.sinks, stock.n_sinks, "c", stock.messages + first, stock.n - first);
    const bool meet = parcel_meets(one, other), back = parcel_meets(other, one);
    parcel_free(one);
    parcel_free(other);
    cr_expect_eq(meet, back);
    return meet;
}

Test(meeting, meets_by_key)
{
    (void)stock_sink(&stock,
                     &(struct wr_sink){ .table = "t", .columns = COLUMNS(K, TEXT), .key = "k" });
    cr_expect(keys_meet_of("1", "1"));
    cr_expect(!keys_meet_of("1", "2"));
    cr_expect(!keys_meet_of("", "2"));
}

Test(meeting, plain_inserts_meet_nothing)
{
    (void)stock_sink(&stock, &(struct wr_sink){ .table = "t", .columns = COLUMNS(K, TEXT) });
    cr_expect(!keys_meet_of("1", "1"));
}

Test(meeting, own_sql_without_a_key_meets_itself)
{
    (void)stock_sink(&stock,
                     &(struct wr_sink){ .table = "t", .columns = COLUMNS(K, TEXT), .sql = "x" });
    cr_expect(keys_meet_of("1", "2"));
    cr_expect(!keys_meet_of("1", ""));
}

/* Whether rows of these sinks meet that have no value in common. */
static bool strangers_meet(const struct wr_sink *a, const struct wr_sink *b)
{
    (void)stock_sink(&stock, a);
    (void)stock_sink(&stock, b);
    stock_message(&stock, "m1");
    (void)stock_put(&stock, 0, "1", "2");
    stock_message(&stock, "m2");
    (void)stock_put(&stock, 1, "3", "4");
    struct parcel *const one = parcel_new(stock.sinks, 2, "c", stock.messages, 1);
    struct parcel *const other = parcel_new(stock.sinks, 2, "c", stock.messages + 1, 1);
    const bool meet = parcel_meets(one, other);
    cr_expect_eq(meet, parcel_meets(other, one));
    parcel_free(one);
    parcel_free(other);
    return meet;
}

static const struct wr_column of_two[] = { K, WR_COLUMN("v", WR_INT8), { 0 } };
static const struct wr_sink by_k = { .table = "t", .columns = of_two, .key = "k" };

/* One row may be known by either key; which rows those are, nobody knows here. */
Test(meeting, meets_where_keys_have_other_names)
{
    cr_expect(
        strangers_meet(&by_k, &(struct wr_sink){ .table = "t", .columns = of_two, .key = "v" }));
}

Test(meeting, meets_where_keys_have_more_parts)
{
    cr_expect(
        strangers_meet(&by_k, &(struct wr_sink){ .table = "t", .columns = of_two, .key = "k, v" }));
}

Test(meeting, meets_where_keys_are_written_otherwise)
{
    static const struct wr_column columns[] = { WR_COLUMN("k", WR_TEXT), TEXT, { 0 } };
    cr_expect(
        strangers_meet(&by_k, &(struct wr_sink){ .table = "t", .columns = columns, .key = "k" }));
}

Test(meeting, sinks_of_one_key_or_of_other_tables_do_not_meet)
{
    cr_expect(!strangers_meet(&by_k, &by_k));
    const struct wr_sink elsewhere = { .table = "u", .columns = of_two, .key = "v" };
    stock_close(&stock);
    begin();
    cr_expect(!strangers_meet(&by_k, &elsewhere));
}

Test(meeting, meets_by_message)
{
    (void)stock_sink(&stock,
                     &(struct wr_sink){ .table = "t", .columns = COLUMNS(K, TEXT), .once = true });
    stock_message(&stock, "m1");
    (void)stock_put(&stock, 0, "1", "a");
    struct parcel *const parcel = stock_parcel(&stock, "consumer");
    struct parcel *const same = stock_parcel(&stock, "consumer");
    struct parcel *const elsewhere = stock_parcel(&stock, "another");
    cr_expect(parcel_meets(parcel, same));
    cr_expect(!parcel_meets(parcel, elsewhere), "its ids are others");
    parcel_free(parcel);
    parcel_free(same);
    parcel_free(elsewhere);
}
