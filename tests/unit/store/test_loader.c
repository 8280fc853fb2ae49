/* SPDX-License-Identifier: Apache-2.0
 *
 * Declared loaders: what is refused, in which words, and what is made of the rest. */
#include <criterion/criterion.h>
#include <string.h>

#include "store/loader.h"
#include "unit/store/stock.h"

static const struct wr_column columns[] = { WR_COLUMN("id", WR_INT8), { 0 } };
static const struct wr_sink sinks[] = {
    { .table = "log", .columns = columns },
    { .table = "cart", .columns = columns, .key = "id", .on_conflict = WR_KEEP },
    { 0 },
};
static struct stock stock;

static void make_sinks(void)
{
    stock_open(&stock);
    for (unsigned i = 0; i < 2; i++) stock_sink(&stock, &sinks[i]);
}

static void free_sinks(void)
{
    stock_close(&stock);
}

TestSuite(loader, .init = make_sinks, .fini = free_sinks);

static struct loader *make(struct wr_loader declared, struct status *status)
{
    if (!declared.name) declared.name = "cart";
    return loader_new(&declared, 3, sinks, stock.sinks, 2, status);
}

#define REFUSED(words, ...)                                                                        \
    do {                                                                                           \
        struct status status = { 0 };                                                              \
        cr_assert_null(make((struct wr_loader){ __VA_ARGS__ }, &status));                          \
        cr_assert(strstr(status.text, words), "%s", status.text);                                  \
        cr_assert(strstr(status.text, "loader 3 (cart): "), "%s", status.text);                    \
    } while (0)
#define SQL .sql = "select k, v, x from t where k = any($1::text[])"

Test(loader, refusals)
{
    REFUSED("it has no sql", .cache_key = "a:{key}");
    REFUSED("it has no sql", .sql = " ;\n");
    REFUSED("does not ask for keys", .sql = "select 1, 2, 3");
    REFUSED("no cache_key", SQL, .ttl_s = 3);
    REFUSED("no cache_key", SQL, .absent_ttl_s = 3);
    REFUSED("no {key} in it", SQL, .cache_key = "cart", .ttl_s = 3);
    REFUSED("ttl_s 0", SQL, .cache_key = "cart:{key}");
    REFUSED("is the table of no sink", SQL, .guards = "carts");
    REFUSED("no key to lock rows by", SQL, .guards = "log");
}

Test(loader, key_in_the_cache)
{
    struct status status;
    char name[20] = { 0 };
    struct loader *loader =
        make((struct wr_loader){ SQL, .cache_key = "a:{key}:b", .ttl_s = 9, .absent_ttl_s = 2 },
             &status);
    cr_assert(loader && loader_is_cached(loader));
    cr_assert(loader->ttl_s == 9 && loader->absent_ttl_s == 2);
    cr_assert_eq(loader_cache_key_bytes(loader, text_of("12")), 6);
    loader_write_cache_key(loader, text_of("12"), name);
    cr_assert_str_eq(name, "a:12:b");
    loader_free(loader);
}

Test(loader, what_ends_its_sql_is_left_out)
{
    struct status status;
    struct loader *loader = make((struct wr_loader){ .sql = "select $1 -- all\n ; \n" }, &status);
    cr_assert_str_eq(loader->sql, "select $1 -- all");
    cr_assert_str_eq(loader->look_sql, "select * from (select $1 -- all\n) l limit 0");
    loader_free(loader);
}

Test(loader, what_guards_is_read_from_the_table)
{
    struct status status;
    struct loader *loader =
        make((struct wr_loader){ SQL, .cache_key = "a:{key}", .guards = "cart" }, &status);
    cr_assert_eq(loader->guards, stock.sinks[1]);
    cr_assert(!loader_is_cached(loader));
    loader_free(loader);
}

Test(loader, columns)
{
    char words[200];
    const uint32_t well[] = { 25, 20 }, small[] = { 25, 21 }, text[] = { 25, 25 };
    loader_judge_columns(3, well, words, sizeof words);
    cr_assert_str_empty(words);
    loader_judge_columns(3, small, words, sizeof words);
    cr_assert_str_empty(words);
    loader_judge_columns(3, text, words, sizeof words);
    cr_assert(strstr(words, "has to be a bigint"));
    loader_judge_columns(1, well, words, sizeof words);
    cr_assert(strstr(words, "gives 1 column, and has to give three"));
    loader_judge_columns(4, well, words, sizeof words);
    cr_assert(strstr(words, "gives 4 columns, and has to give three"));
}
