/* SPDX-License-Identifier: Apache-2.0
 *
 * Every type: what the server understands is what was put, and how we show it is how psql would. */
#include <stdlib.h>

#include "base/check.h"
#include "integration/store_sql/desk.h"

struct case_of {
    enum wr_type type;
    const char *value; /* as stock_value takes it */
    const char *sql;   /* what it is equal to; NULL: the value in quotes */
};

static const struct case_of cases[] = {
    { WR_BOOL, "t", NULL },
    { WR_BOOL, "f", NULL },
    { WR_INT2, "-32768", NULL },
    { WR_INT2, "32767", NULL },
    { WR_INT4, "-2147483648", NULL },
    { WR_INT4, "2147483647", NULL },
    { WR_INT8, "-9223372036854775808", NULL },
    { WR_INT8, "9223372036854775807", NULL },
    { WR_FLOAT8, "0.1", NULL },
    { WR_FLOAT8, "-0.0", NULL },
    { WR_FLOAT8, "1e15", NULL },
    { WR_FLOAT8, "1e14", NULL },
    { WR_FLOAT8, "123456789012345678", NULL },
    { WR_FLOAT8, "4.9406564584124654e-324", NULL },
    { WR_FLOAT8, "1.7976931348623157e308", NULL },
    { WR_FLOAT8, "0.00001", NULL },
    { WR_FLOAT8, "0.0001", NULL },
    { WR_FLOAT8, "NaN", NULL },
    { WR_FLOAT8, "-Infinity", NULL },
    { WR_NUMERIC, "0", NULL },
    { WR_NUMERIC, "-0.000", NULL },
    { WR_NUMERIC, "12.10", NULL },
    { WR_NUMERIC, "-98765432109876543210.0123456789", NULL },
    { WR_NUMERIC, "10000", NULL },
    { WR_NUMERIC, "99999999", NULL },
    { WR_NUMERIC, "1000000000000.0000000001", NULL },
    { WR_NUMERIC, "0.00001", NULL },
    { WR_NUMERIC, "000123.4500", NULL },
    { WR_NUMERIC, "1.5e3", NULL },
    { WR_NUMERIC, "1.5e-3", NULL },
    { WR_NUMERIC, "123456e-4", NULL },
    { WR_NUMERIC, "1e131071", NULL },
    { WR_NUMERIC, "-7e-16383", NULL },
    { WR_NUMERIC, "0e-5", NULL },
    { WR_NUMERIC, "NaN", NULL },
    { WR_NUMERIC, "Infinity", NULL },
    { WR_NUMERIC, "-inf", NULL },
    { WR_TEXT, "", NULL },
    { WR_TEXT, "gr\xc3\xbc\xc3\x9f \xf0\x9f\x90\x87", NULL },
    { WR_BYTEA, "\xff\\x00", "'\\xff5c783030'::bytea" },
    { WR_UUID, "0194f0c8-7c1e-7a3b-9d2e-5f6071829304", NULL },
    { WR_UUID, "{0194F0C87C1E7A3B9D2E5F6071829304}", NULL },
    { WR_DATE, "0", "'1970-01-01'::date" },
    { WR_DATE, "20455", "'2026-01-02'::date" },
    { WR_DATE, "-719163", "'0001-12-31 BC'::date" },
    { WR_DATE, "-2440588", "'4714-11-24 BC'::date" },
    { WR_DATE, "2145042905", "'5874897-12-31'::date" },
    { WR_TIMESTAMP, "0", "'1970-01-01'::timestamp" },
    { WR_TIMESTAMP, "-1", "'1969-12-31 23:59:59.999999'::timestamp" },
    { WR_TIMESTAMP, "-210866803200000000", "'4714-11-24 00:00 BC'::timestamp" },
    { WR_TIMESTAMPTZ, "1767323045678000", "'2026-01-02T03:04:05.678Z'::timestamptz" },
    { WR_TIMESTAMPTZ, "9223372036854775807", "'294247-01-10 04:00:54.775807Z'::timestamptz" },
    { WR_INET, "10.1.2.3", NULL },
    { WR_INET, "10.1.2.3/8", NULL },
    { WR_INET, "0.0.0.0/0", NULL },
    { WR_INET, "2001:db8::1/64", NULL },
    { WR_INET, "::ffff:1.2.3.4", NULL },
    { WR_JSONB, "{\"a\": [1, 2.50, \"x\"]}", NULL },
    { WR_JSONB, "null", NULL },
    { WR_TEXT_ARRAY, "", "'{}'::text[]" },
    { WR_TEXT_ARRAY, "a|b c|NULL|\"|\\|{|,", "array['a','b c','NULL','\"','\\','{',',']" },
    { WR_TEXT_ARRAY, "||x", "array['','','x']" },
    { WR_INT8_ARRAY, "", "'{}'::int8[]" },
    { WR_INT8_ARRAY, "-9223372036854775808|0|7", "array[-9223372036854775808,0,7]" },
};
enum { N_CASES = sizeof cases / sizeof *cases };

static const char *type_name(enum wr_type type)
{
    return row_type(type)->name;
}

/* A table with two columns of each type, so that one NULL stands beside each value. */
static void make_sink(void)
{
    static struct wr_column columns[2 * (WR_INT8_ARRAY + 1) + 2];
    static char names[2 * (WR_INT8_ARRAY + 1)][8];
    char sql[4000] = "CREATE TABLE kinds (nth int8";
    unsigned n = 0;
    columns[n++] = (struct wr_column)WR_COLUMN("nth", WR_INT8);
    for (int type = WR_BOOL; type <= WR_INT8_ARRAY; type++) {
        (void)snprintf(names[type], sizeof names[type], "k%d", type);
        columns[n++] = (struct wr_column){ .name = names[type], .type = (enum wr_type)type };
        const size_t used = strlen(sql);
        (void)snprintf(sql + used, sizeof sql - used, ", k%d %s", type,
                       type_name((enum wr_type)type));
    }
    const size_t used = strlen(sql);
    (void)snprintf(sql + used, sizeof sql - used, ")");
    desk_do(sql);
    (void)stock_sink(&desk.stock, &(struct wr_sink){ .table = "kinds", .columns = columns });
}

static void put_all(void)
{
    for (int i = 0; i < N_CASES; i++) {
        const char *values[WR_INT8_ARRAY + 2] = { NULL };
        char nth[8];
        (void)snprintf(nth, sizeof nth, "%d", i);
        values[0] = nth;
        values[1 + cases[i].type] = cases[i].value;
        stock_message(&desk.stock, "");
        (void)stock_row(&desk.stock, 0, values);
    }
}

DESK_TEST(types, round_trip)
{
    make_sink();
    put_all();
    cr_assert_str_empty(desk_send("c"), "%s", desk.message);
    for (int i = 0; i < N_CASES; i++) {
        char sql[700], column[8];
        (void)snprintf(column, sizeof column, "k%d", cases[i].type);
        char *const quoted = PQescapeLiteral(desk.conn, cases[i].value, strlen(cases[i].value));
        const char *const name = type_name(cases[i].type);
        if (cases[i].sql)
            (void)snprintf(sql, sizeof sql,
                           "SELECT %s IS NOT DISTINCT FROM %s FROM kinds WHERE nth = %d", column,
                           cases[i].sql, i);
        else
            (void)snprintf(sql, sizeof sql,
                           "SELECT %s::text IS NOT DISTINCT FROM %s::%s::text FROM kinds"
                           " WHERE nth = %d",
                           column, quoted, name, i);
        desk_expect(sql, "t");
        PQfreemem(quoted);
    }
    desk_expect("SELECT count(*) FROM kinds WHERE num_nulls(k0, k1, k2, k3, k4, k5, k6, k7, k8, k9,"
                " k10, k11, k12, k13, k14, k15) <> 15",
                "0");
}

/* row_show, against what the server says. */
DESK_TEST(types, are_shown_as_by_psql)
{
    make_sink();
    put_all();
    cr_assert_str_empty(desk_send("c"), "%s", desk.message);
    struct arena arena;
    arena_init(&arena, NULL, 0);
    for (int i = 0; i < N_CASES; i++) {
        const char *fault;
        char sql[200];
        uint32_t at = 0;
        if (cases[i].type == WR_JSONB) continue; /* shown as it was put */
        struct row *const row = row_new(&arena, 0, false, 1);
        cr_assert(stock_value(row, &arena, cases[i].type, text_of(cases[i].value), &fault));
        char *const shown = text_copy(row_show(&arena, cases[i].type, row_next_value(row, &at)));
        (void)snprintf(sql, sizeof sql, "SELECT k%d FROM kinds WHERE nth = %d", cases[i].type, i);
        desk_expect(sql, shown);
        free(shown);
    }
    arena_reset(&arena);
}

DESK_TEST(types, random_numerics)
{
    static const struct wr_column columns[] = { WR_COLUMN("v", WR_NUMERIC),
                                                WR_COLUMN("t", WR_TEXT),
                                                { 0 } };
    desk_do("CREATE TABLE numbers (v numeric, t text)");
    (void)stock_sink(&desk.stock, &(struct wr_sink){ .table = "numbers", .columns = columns });
    srand(7);
    for (int i = 0; i < 3000; i++) {
        char text[80];
        size_t n = 0;
        const int before = rand() % 12, after = rand() % 12;
        if (rand() % 2) text[n++] = '-';
        for (int k = 0; k < before; k++) text[n++] = (char)(rand() % 3 ? '0' : '0' + rand() % 10);
        if (before == 0 || rand() % 2) text[n++] = '.';
        const bool has_point = n > 0 && text[n - 1] == '.';
        for (int k = 0; has_point && k < after + (before == 0); k++)
            text[n++] = (char)(rand() % 3 ? '0' : '0' + rand() % 10);
        (void)snprintf(text + n, sizeof text - n, rand() % 3 ? "" : "e%d", rand() % 60 - 30);
        stock_message(&desk.stock, "");
        (void)stock_put(&desk.stock, 0, text, text);
    }
    cr_assert_str_empty(desk_send("c"), "%s", desk.message);
    desk_expect("SELECT count(*), count(*) FILTER (WHERE v::text = t::numeric::text) FROM numbers",
                "3000|3000");
    desk_expect("SELECT t FROM numbers WHERE v::text <> t::numeric::text LIMIT 3", "");
}

/* What only the server can know is its to refuse, as the data's fault. */
DESK_TEST(types, refused_by_the_server)
{
    static const struct wr_column columns[] = { WR_COLUMN("j", WR_JSONB),
                                                WR_COLUMN("mood", WR_TEXT, .as = "mood"),
                                                { 0 } };
    desk_do("CREATE TYPE mood AS ENUM ('good', 'bad'); CREATE TABLE odd (j jsonb, mood mood)");
    (void)stock_sink(&desk.stock, &(struct wr_sink){ .table = "odd", .columns = columns });
    static char deep[400001];
    memset(deep, '[', 200000);
    memset(deep + 200000, ']', 200000);
    stock_message(&desk.stock, "");
    (void)stock_put(&desk.stock, 0, deep, "good");
    cr_expect_str_eq(desk_send("c"), "54001", "%s", desk.message);
    stock_message(&desk.stock, "");
    (void)stock_put(&desk.stock, 0, "1e400000", "good");
    cr_expect_str_eq(desk_send("c"), "22003", "%s", desk.message);
    stock_message(&desk.stock, "");
    (void)stock_put(&desk.stock, 0, "1", "ugly");
    cr_expect_str_eq(desk_send("c"), "22P02", "%s", desk.message);
    stock_message(&desk.stock, "");
    (void)stock_put(&desk.stock, 0, "[[[[1]]]]", "bad");
    cr_expect_str_empty(desk_send("c"), "%s", desk.message);
    desk_expect("SELECT * FROM odd", "[[[[1]]]]|bad");
}
