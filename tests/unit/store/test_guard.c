/* SPDX-License-Identifier: Apache-2.0
 *
 * Guards of a parcel: which steps they make, in which order, and how what moved is read from words. */
#include <criterion/criterion.h>
#include <string.h>

#include "store/guard.h"
#include "unit/store/stock.h"

static const struct wr_column columns[] = { WR_COLUMN("id", WR_INT8), { 0 } };
static const struct wr_sink declared[] = {
    { .table = "log", .columns = columns, .key = "id", .on_conflict = WR_KEEP },
    { .table = "cart", .columns = columns, .key = "id", .on_conflict = WR_MERGE },
    { 0 },
};
static const struct wr_loader loads[] = {
    { .name = "cart", .sql = "select $1 as one -- all", .guards = "cart" },
    { .name = "log", .sql = "select $1 as two", .guards = "log" },
};
static struct stock stock;
static struct loader *loaders[2];

static void make(void)
{
    struct status status;
    stock_open(&stock);
    for (unsigned i = 0; i < 2; i++) stock_sink(&stock, &declared[i]);
    for (unsigned i = 0; i < 2; i++)
        cr_assert(loaders[i] = loader_new(&loads[i], i, declared, stock.sinks, 2, &status));
}

static void drop(void)
{
    for (unsigned i = 0; i < 2; i++) loader_free(loaders[i]);
    stock_close(&stock);
}

TestSuite(guard, .init = make, .fini = drop);

Test(guard, steps_come_before_all_else)
{
    const struct parcel_guard guards[] = { { loaders[0], text_of("1"), 7 },
                                           { loaders[1], text_of("1"), 0 },
                                           { loaders[0], text_of("2"), 9 } };
    const struct parcel_message messages[] = { { .guards = guards, .n_guards = 2 },
                                               { .guards = guards + 2, .n_guards = 1 } };
    const struct parcel_step *steps;
    struct parcel *parcel = parcel_new(stock.sinks, 2, "c", messages, 2);
    cr_assert_eq(parcel_steps(parcel, &steps), 4, "no row of the sinks: none is locked");
    cr_expect(strstr(steps[0].sql, "enable_seqscan"));
    cr_expect(strstr(steps[1].sql, "pg_advisory_xact_lock"));
    cr_expect(strstr(steps[1].sql, "ORDER BY"),
              "in whatever order they come: no two hosts in a circle");
    cr_expect_str_eq(steps[2].sql, loaders[0]->check_sql);
    cr_expect_str_eq(steps[3].sql, loaders[1]->check_sql);
    cr_expect(steps[2].is_check && steps[3].is_check && !steps[1].is_check);
    cr_expect(!memcmp(steps[1].values[0] + steps[1].lengths[0] - 8, "\"cart\":2", 8));
    parcel_free(parcel);
}

Test(guard, without_them_nothing_is_added)
{
    const struct parcel_message messages[] = { { .rows = NULL }, { .rows = NULL } };
    const struct parcel_step *steps;
    struct parcel *parcel = parcel_new(stock.sinks, 2, "c", messages, 2);
    cr_assert_eq(parcel_steps(parcel, &steps), 0);
    parcel_free(parcel);
}

Test(guard, statements)
{
    cr_expect(strstr(loaders[0]->check_sql, "LEFT JOIN (select $1 as one -- all\n)"));
    cr_assert_str_eq(stock.sinks[1]->hold.sql,
                     "SELECT count(*) FROM (SELECT 1 FROM (SELECT r.c1 AS wr_k1, r.o AS wr_o FROM"
                     " unnest($1::int8[]) WITH ORDINALITY AS r(c1, o)) d JOIN \"cart\" AS t ON"
                     " t.\"id\" = d.wr_k1 ORDER BY d.wr_o FOR UPDATE OF t) x");
}

Test(guard, what_moved_is_read_in_any_language)
{
    uint32_t moved[3];
    cr_expect_eq(guard_read_moved("invalid input syntax for type integer: \"warrener:moved:4,17\"",
                                  moved, 3),
                 2);
    cr_expect(moved[0] == 4 && moved[1] == 17);
    cr_expect_eq(guard_read_moved("nope: »warrener:moved:1,2,3,4«", moved, 3), 3);
    cr_expect_eq(guard_read_moved("invalid input syntax for type integer: \"x\"", moved, 3), 0);
    cr_expect_eq(guard_read_moved("warrener:moved:", moved, 3), 0);
}
