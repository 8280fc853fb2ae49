/* SPDX-License-Identifier: Apache-2.0
 *
 * Parcels: what is sent, in which order, packed how. The arrays are read back here; folding is held against a naive model. */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "base/check.h"
#include "store/keys.h"
#include "unit/store/stock.h"

#define COLUMNS(...) ((const struct wr_column[]){ __VA_ARGS__, { 0 } })

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

TestSuite(parcel, .init = begin, .fini = end);

static void make(void)
{
    parcel_free(parcel);
    parcel = stock_parcel(&stock, "consumer");
    n_steps = parcel_steps(parcel, &steps);
}

/* ---- reading arrays ---------------------------------------------------------------------------- */

/* Elements of a packed array, checked to its last byte. */
static unsigned unpack(const struct parcel_step *step, int column, uint32_t oid,
                       struct row_value *elements)
{
    const char *at = step->values[column], *const end = at + step->lengths[column];
    const unsigned n = wire_u32(at + 12);
    bool has_null = false;
    cr_assert_eq(wire_u32(at), 1);
    cr_assert_eq(wire_u32(at + 8), oid);
    cr_assert_eq(wire_u32(at + 16), 1);
    const uint32_t flag = wire_u32(at + 4);
    at += 20;
    for (unsigned i = 0; i < n; i++) {
        elements[i] = (struct row_value){ at + 4, (int32_t)wire_u32(at) };
        has_null |= elements[i].len < 0;
        at += 4 + (elements[i].len > 0 ? elements[i].len : 0);
    }
    cr_assert_eq(at, end);
    cr_assert_eq(flag, has_null);
    return n;
}

/* A column of a step as "a,b,c". */
static const char *shown(size_t step, int column, enum wr_type type)
{
    static char text[4000], space[4000];
    static struct row_value elements[200];
    struct arena arena;
    size_t used = 0;
    cr_assert_lt(step, n_steps);
    const unsigned n = unpack(&steps[step], column, row_type(type)->sent_oid, elements);
    cr_assert_eq(n, steps[step].rows);
    arena_init(&arena, space, sizeof space);
    text[0] = '\0';
    for (unsigned i = 0; i < n; i++) {
        const struct wr_text value = row_show(&arena, type, elements[i]);
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%.*s", i > 0 ? "," : "",
                                 TEXT_ARGS(value));
    }
    arena_reset(&arena);
    return text;
}

/* ---- one sink ---------------------------------------------------------------------------------- */

#define K WR_COLUMN("k", WR_INT8)
#define TEXT WR_COLUMN("v", WR_TEXT)
#define SUM WR_COLUMN("n", WR_INT4, .merge = WR_SUM)

static void put_pair(const char *k, const char *v)
{
    stock_message(&stock, "");
    (void)stock_put(&stock, 0, k, v);
}

Test(parcel, nothing)
{
    make();
    cr_expect_eq(n_steps, 0);
    (void)stock_sink(&stock, &(struct wr_sink){ .table = "t", .columns = COLUMNS(K) });
    stock_message(&stock, "");
    make();
    cr_expect_eq(n_steps, 0);
}

Test(parcel, plain_inserts_keep_their_order)
{
    (void)stock_sink(&stock, &(struct wr_sink){ .table = "t", .columns = COLUMNS(K, TEXT) });
    put_pair("3", "c");
    put_pair("1", NULL);
    put_pair("3", "c");
    make();
    cr_assert_eq(n_steps, 1);
    cr_expect_str_eq(shown(0, 0, WR_INT8), "3,1,3");
    cr_expect_str_eq(shown(0, 1, WR_TEXT), "c,NULL,c");
    cr_expect(!steps[0].is_keep && !steps[0].is_inbox && steps[0].n_values == 2);
    cr_expect_str_eq(steps[0].sql, stock.sinks[0]->upsert.sql);
    cr_expect_str_eq(steps[0].name, stock.sinks[0]->upsert.name);
    cr_expect_eq(steps[0].types[0], 1016);
}

Test(parcel, the_first_is_kept)
{
    (void)stock_sink(&stock,
                     &(struct wr_sink){ .table = "t", .columns = COLUMNS(K, TEXT), .key = "k" });
    put_pair("300", "a");
    put_pair("2", "b");
    put_pair("300", "c");
    put_pair("1", "d");
    put_pair("2", "e");
    put_pair("300", "f");
    make();
    cr_assert_eq(n_steps, 1);
    cr_expect_str_eq(shown(0, 0, WR_INT8), "1,2,300");
    cr_expect_str_eq(shown(0, 1, WR_TEXT), "d,b,a");
    cr_expect(steps[0].is_keep && steps[0].repeats == 3);
}

Test(parcel, sums_are_folded_and_null_is_zero)
{
    (void)stock_sink(&stock, &(struct wr_sink){ .table = "t",
                                                .columns = COLUMNS(K, SUM),
                                                .key = "k",
                                                .on_conflict = WR_MERGE });
    put_pair("2", "5");
    put_pair("1", NULL);
    put_pair("2", NULL);
    put_pair("2", "-7");
    make();
    cr_expect_str_eq(shown(0, 0, WR_INT8), "1,2");
    cr_expect_str_eq(shown(0, 1, WR_INT4), "0,-2");
    cr_expect(!steps[0].is_keep);
}

Test(parcel, a_sum_beyond_its_column_stays_apart)
{
    (void)stock_sink(&stock, &(struct wr_sink){ .table = "t",
                                                .columns = COLUMNS(K, SUM),
                                                .key = "k",
                                                .on_conflict = WR_MERGE });
    put_pair("1", "2147483647");
    put_pair("1", "1");
    put_pair("2", "2147483647");
    put_pair("2", "1");
    put_pair("2", "-1");
    make();
    cr_expect_str_eq(shown(0, 0, WR_INT8), "1,1,2");
    cr_expect_str_eq(shown(0, 1, WR_INT4), "2147483647,1,2147483647");
}

Test(parcel, deletes_wipe_and_go_first)
{
    (void)stock_sink(&stock, &(struct wr_sink){ .table = "t",
                                                .columns = COLUMNS(K, SUM),
                                                .key = "k",
                                                .on_conflict = WR_MERGE });
    put_pair("1", "1");
    put_pair("2", "2");
    (void)stock_drop(&stock, 0, "1");
    (void)stock_drop(&stock, 0, "3");
    put_pair("1", "10");
    (void)stock_drop(&stock, 0, "3");
    put_pair("1", "100");
    put_pair("4", "4");
    (void)stock_drop(&stock, 0, "4");
    make();
    cr_assert_eq(n_steps, 3);
    cr_expect_str_eq(steps[0].name, "wr_seek");
    cr_expect_eq(steps[0].n_values, 0);
    cr_expect_str_eq(steps[1].sql, stock.sinks[0]->erase.sql);
    cr_expect_str_eq(shown(1, 0, WR_INT8), "1,3,4");
    cr_expect_str_eq(shown(2, 0, WR_INT8), "1,2");
    cr_expect_str_eq(shown(2, 1, WR_INT4), "110,2");
}

/* A delete's values are in the key's order, a row's in the columns'. */
Test(parcel, deletes_by_several_columns)
{
    static const struct wr_column columns[] = {
        WR_COLUMN("b", WR_TEXT), SUM, WR_COLUMN("a", WR_UUID), { 0 }
    };
    static const char *const one = "00000000-0000-0000-0000-000000000001",
                             *const two = "00000000-0000-0000-0000-000000000002";
    (void)stock_sink(
        &stock, &(struct wr_sink){
                    .table = "t", .columns = columns, .key = "a, b", .on_conflict = WR_MERGE });
    stock_message(&stock, "");
    (void)stock_put(&stock, 0, "x", "1", one);
    (void)stock_put(&stock, 0, "x", "2", two);
    (void)stock_drop(&stock, 0, one, "x");
    (void)stock_put(&stock, 0, "x", "10", one);
    make();
    cr_assert_eq(n_steps, 3);
    cr_expect_str_eq(shown(1, 0, WR_UUID), one);
    cr_expect_str_eq(shown(1, 1, WR_TEXT), "x");
    cr_expect_str_eq(shown(2, 1, WR_INT4), "10,2");
}

Test(parcel, keys_of_several_columns)
{
    static const struct wr_column columns[] = {
        WR_COLUMN("b", WR_TEXT), SUM, WR_COLUMN("a", WR_TEXT), { 0 }
    };
    (void)stock_sink(
        &stock, &(struct wr_sink){
                    .table = "t", .columns = columns, .key = "a, b", .on_conflict = WR_MERGE });
    static const char *const rows[][3] = {
        { "b", "1", "aa" }, { "ab", "2", "a" }, { "b", "4", "aa" }, { "a", "8", "ab" }
    };
    for (int i = 0; i < 4; i++) {
        stock_message(&stock, "");
        (void)stock_row(&stock, 0, rows[i]);
    }
    (void)stock_drop(&stock, 0, "x", "y");
    make();
    cr_expect_str_eq(shown(1, 0, WR_TEXT), "x");
    cr_expect_str_eq(shown(1, 1, WR_TEXT), "y");
    cr_expect_str_eq(shown(2, 2, WR_TEXT), "a,aa,ab");
    cr_expect_str_eq(shown(2, 0, WR_TEXT), "ab,b,a");
    cr_expect_str_eq(shown(2, 1, WR_INT4), "2,5,8");
}

Test(parcel, twins_are_one_key)
{
    static const struct wr_column columns[] = {
        WR_COLUMN("a", WR_NUMERIC), WR_COLUMN("b", WR_FLOAT8), SUM, { 0 }
    };
    (void)stock_sink(
        &stock, &(struct wr_sink){
                    .table = "t", .columns = columns, .key = "a, b", .on_conflict = WR_MERGE });
    static const char *const rows[][3] = {
        { "1.00", "0.0", "1" }, { "1.0", "-0.0", "2" }, { "1", "NaN", "4" }, { "1", "-NaN", "8" }
    };
    for (int i = 0; i < 4; i++) {
        stock_message(&stock, "");
        (void)stock_row(&stock, 0, rows[i]);
    }
    make();
    cr_expect_str_eq(shown(0, 0, WR_NUMERIC), "1.00,1");
    cr_expect_str_eq(shown(0, 2, WR_INT4), "3,12");
}

Test(parcel, null_keys_are_never_equal)
{
    (void)stock_sink(&stock,
                     &(struct wr_sink){ .table = "t", .columns = COLUMNS(K, TEXT), .key = "k" });
    put_pair(NULL, "a");
    put_pair(NULL, "b");
    make();
    cr_expect_str_eq(shown(0, 1, WR_TEXT), "a,b");
    struct parcel *const other = stock_parcel(&stock, "consumer");
    cr_expect(!parcel_meets(parcel, other));
    parcel_free(other);
}

/* Nor is a NULL key an empty one, and those are one another's. */
Test(parcel, null_keys_stand_beside_empty_ones)
{
    static const struct wr_column columns[] = { WR_COLUMN("k", WR_TEXT), SUM, { 0 } };
    (void)stock_sink(
        &stock,
        &(struct wr_sink){ .table = "t", .columns = columns, .key = "k", .on_conflict = WR_MERGE });
    put_pair(NULL, "1");
    put_pair("", "2");
    put_pair(NULL, "4");
    put_pair("", "8");
    make();
    cr_assert_eq(n_steps, 1);
    cr_expect_str_eq(shown(0, 0, WR_TEXT), ",NULL,NULL");
    cr_expect_str_eq(shown(0, 1, WR_INT4), "10,1,4");
}

Test(parcel, waves)
{
    static const struct wr_column columns[] = { K, WR_COLUMN("at", WR_INT8), SUM, { 0 } };
    (void)stock_sink(&stock, &(struct wr_sink){ .table = "t",
                                                .columns = columns,
                                                .key = "k",
                                                .on_conflict = WR_MERGE,
                                                .newest_by = "at" });
    static const char *const rows[][3] = {
        { "1", "5", "1" }, { "2", "5", "1" }, { "1", "4", "2" }, { "1", "6", "3" }
    };
    for (int i = 0; i < 4; i++) {
        stock_message(&stock, "");
        (void)stock_row(&stock, 0, rows[i]);
    }
    make();
    cr_assert_eq(n_steps, 3);
    cr_expect_str_eq(shown(0, 0, WR_INT8), "1,2");
    cr_expect_str_eq(shown(1, 2, WR_INT4), "2");
    cr_expect_str_eq(shown(2, 2, WR_INT4), "3");
    cr_expect_str_eq(steps[2].name, steps[0].name);
}

/* ---- once -------------------------------------------------------------------------------------- */

Test(parcel, once_shares_one_inbox_step)
{
    const struct wr_sink once = {
        .table = "t", .columns = COLUMNS(K, SUM), .key = "k", .on_conflict = WR_MERGE, .once = true
    };
    (void)stock_sink(&stock, &once);
    (void)stock_sink(&stock, &(struct wr_sink){ .table = "u", .columns = COLUMNS(K) });
    (void)stock_sink(&stock, &once);
    static const char *const ids[] = { "mb", "ma", "mb", "mc" };
    for (int i = 0; i < 4; i++) {
        const char number[] = { (char)('1' + i), '\0' };
        stock_message(&stock, ids[i]);
        if (i < 3) (void)stock_put(&stock, 0, "7", number);
        (void)stock_put(&stock, 1, number);
        if (i < 2) (void)stock_put(&stock, 2, number, number);
    }
    make();
    cr_assert_eq(n_steps, 5);
    cr_expect_str_eq(steps[0].name, "wr_seek");
    cr_expect(steps[1].is_inbox && steps[1].n_ids == 2 && steps[1].repeats == 1);
    cr_expect_str_eq(shown(1, 0, WR_TEXT), "ma,mb");
    cr_expect_str_eq(shown(1, 1, WR_DATE), "2026-01-02,2026-01-02");
    cr_expect(steps[1].lengths[2] == 8 && memcmp(steps[1].values[2], "consumer", 8) == 0);
    /* not folded, the repeat left out, with ids */
    cr_expect_str_eq(shown(2, 0, WR_INT8), "7,7");
    cr_expect_str_eq(shown(2, 1, WR_INT4), "1,2");
    cr_expect_str_eq(shown(2, 2, WR_TEXT), "mb,ma");
    cr_expect_eq(steps[2].n_values, 5);
    cr_expect_str_eq(shown(3, 0, WR_INT8), "1,2,3,4"); /* not once */
    cr_expect_str_eq(shown(4, 2, WR_TEXT), "mb,ma");
}

/* A clock that is wrong by ages makes no partition of its own: those go to the default one. */
Test(parcel, once_keeps_days_within_reason)
{
    static const int64_t days[] = { 0, 10956, 10957, 47481, 47482, 4000000000, -5 };
    (void)stock_sink(&stock,
                     &(struct wr_sink){ .table = "t", .columns = COLUMNS(K), .once = true });
    for (int i = 0; i < 7; i++) {
        const char id[] = { (char)('a' + i), '\0' };
        stock_message(&stock, id);
        stock.messages[i].timestamp_ms = days[i] * 86400000 + 86399999;
        (void)stock_put(&stock, 0, "1");
    }
    make();
    cr_expect_str_eq(shown(1, 1, WR_DATE), "1970-01-01,1970-01-01,2000-01-01,2099-12-31,1970-01-01,"
                                           "1970-01-01,1970-01-01");
}

/* A delete may be a repeat that does nothing: it must not wipe. */
Test(parcel, once_deletes_follow_in_order)
{
    (void)stock_sink(&stock, &(struct wr_sink){ .table = "t",
                                                .columns = COLUMNS(K, SUM),
                                                .key = "k",
                                                .on_conflict = WR_MERGE,
                                                .once = true });
    stock_message(&stock, "m1");
    (void)stock_put(&stock, 0, "1", "1");
    (void)stock_put(&stock, 0, "1", "2");
    stock_message(&stock, "m2");
    (void)stock_drop(&stock, 0, "1");
    (void)stock_drop(&stock, 0, "2");
    stock_message(&stock, "m3");
    (void)stock_put(&stock, 0, "1", "4");
    make();
    cr_assert_eq(n_steps, 6);
    cr_expect_str_eq(shown(2, 0, WR_INT8), "2"); /* a delete with no row before it */
    cr_expect_str_eq(shown(3, 1, WR_INT4), "1,2");
    cr_expect_str_eq(shown(4, 0, WR_INT8), "1");
    cr_expect_str_eq(shown(4, 1, WR_TEXT), "m2");
    cr_expect_str_eq(shown(5, 1, WR_INT4), "4");
}

/* What SQL of a handler's own does besides, a later delete does not undo. */
Test(parcel, own_sql_sees_all_of_it_in_order)
{
    (void)stock_sink(&stock, &(struct wr_sink){ .table = "t",
                                                .columns = COLUMNS(K, TEXT),
                                                .key = "k",
                                                .sql = "insert into log select * from input" });
    put_pair("7", "1");
    (void)stock_drop(&stock, 0, "7");
    put_pair("7", "2");
    make();
    cr_assert_eq(n_steps, 4);
    cr_expect_str_eq(shown(1, 1, WR_TEXT), "1");
    cr_expect_str_eq(shown(2, 0, WR_INT8), "7");
    cr_expect_str_eq(shown(3, 1, WR_TEXT), "2");
}

/* ---- order ------------------------------------------------------------------------------------- */

static int compare_naively(const void *a, const void *b)
{
    const struct key *const x = a, *const y = b;
    if (x->prefix != y->prefix) return x->prefix < y->prefix ? -1 : 1;
    const uint32_t least = x->len < y->len ? x->len : y->len;
    const int order = least > 0 ? memcmp(x->at, y->at, least) : 0;
    if (order != 0) return order;
    if (x->len != y->len) return x->len < y->len ? -1 : 1;
    return x->nth < y->nth ? -1 : 1;
}

Test(keys, sort_as_qsort_does)
{
    enum { MOST = 300 };
    static char texts[MOST][12];
    struct key keys[MOST], spare[MOST], expected[MOST];
    srand(3);
    for (int round = 0; round < 400; round++) {
        const size_t n = (size_t)(rand() % MOST);
        const int kinds = 1 + rand() % 200, order = rand() % 4;
        for (size_t i = 0; i < n; i++) {
            const int value = order == 0 ? (int)i : order == 1 ? (int)(n - i) : rand() % kinds;
            (void)snprintf(texts[i], sizeof texts[i], rand() % 2 ? "%05d" : "%05d-xyz-", value);
            if (rand() % 20 == 0) texts[i][rand() % 3] = '\0';
            keys[i] = key_of_text(text_of(texts[i]), (uint32_t)i);
        }
        memcpy(expected, keys, n * sizeof *keys);
        if (n > 0) qsort(expected, n, sizeof *expected, compare_naively);
        keys_sort(keys, spare, n);
        for (size_t i = 0; i < n; i++)
            cr_assert_eq(keys[i].nth, expected[i].nth, "round %d", round);
    }
}

Test(keys, meet_as_a_nested_loop_finds)
{
    enum { MOST = 12 };
    static char texts[2][MOST][4];
    struct key a[MOST], b[MOST], spare[MOST];
    srand(5);
    int met = 0;
    for (int round = 0; round < 2000; round++) {
        const size_t n_a = (size_t)(rand() % MOST), n_b = (size_t)(rand() % MOST);
        bool expected = false;
        for (size_t i = 0; i < n_a; i++) {
            (void)snprintf(texts[0][i], sizeof texts[0][i], "%d", rand() % 60);
            a[i] = key_of_text(text_of(texts[0][i]), (uint32_t)i);
        }
        for (size_t i = 0; i < n_b; i++) {
            (void)snprintf(texts[1][i], sizeof texts[1][i], "%d", rand() % 60);
            b[i] = key_of_text(text_of(texts[1][i]), (uint32_t)i);
        }
        for (size_t i = 0; i < n_a * n_b; i++)
            expected |= strcmp(texts[0][i / n_b], texts[1][i % n_b]) == 0;
        keys_sort(a, spare, n_a);
        keys_sort(b, spare, n_b);
        cr_assert_eq(keys_meet(a, n_a, b, n_b), expected);
        met += expected;
    }
    cr_expect(met > 200 && met < 1900, "%d", met);
}
