/* SPDX-License-Identifier: Apache-2.0
 *
 * Folding against a naive model: a table of numbers to which the same rows are applied one by one, and
 * one to which the parcel's steps are. */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "base/check.h"
#include "unit/store/stock.h"

enum { KEYS = 6, COLUMNS = 7 };

/* k, at, then a column of each merge; NULL is INT64_MIN. */
static const struct wr_column columns[] = {
    WR_COLUMN("k", WR_INT8),
    WR_COLUMN("at", WR_INT8),
    WR_COLUMN("first", WR_INT8, .merge = WR_FIRST),
    WR_COLUMN("sum", WR_INT8, .merge = WR_SUM),
    WR_COLUMN("min", WR_INT8, .merge = WR_MIN),
    WR_COLUMN("max", WR_INT8, .merge = WR_MAX),
    WR_COLUMN("fill", WR_INT8, .merge = WR_FILL),
    { 0 },
};

struct line {
    bool is_there;
    int64_t values[COLUMNS];
};

struct table {
    struct line lines[KEYS];
};

static int64_t merged(enum wr_merge merge, int64_t old, int64_t new)
{
    const bool was_null = old == INT64_MIN, is_null = new == INT64_MIN;
    switch (merge) {
    case WR_FIRST: return old;
    case WR_SUM: return (was_null ? 0 : old) + (is_null ? 0 : new);
    case WR_MIN: return was_null || (!is_null && new < old) ? new : old;
    case WR_MAX: return was_null || (!is_null && new > old) ? new : old;
    case WR_FILL: return is_null ? old : new;
    default: return new;
    }
}

/* What the statement does with one row. */
static void upsert(struct table *table, const int64_t *values, bool is_by_newest)
{
    struct line *const line = &table->lines[values[0]];
    if (!line->is_there) {
        line->is_there = true;
        memcpy(line->values, values, sizeof line->values);
        if (values[3] == INT64_MIN) line->values[3] = 0; /* NULL sums as 0 */
        return;
    }
    const bool is_stale = is_by_newest && line->values[1] != INT64_MIN &&
                          (values[1] == INT64_MIN || values[1] <= line->values[1]);
    for (int i = 1; i < COLUMNS && !is_stale; i++)
        line->values[i] = merged(columns[i].merge, line->values[i], values[i]);
}

/* ---- both ways --------------------------------------------------------------------------------- */

static int64_t element(const char **at)
{
    const int32_t len = (int32_t)wire_u32(*at);
    const int64_t value = len < 0 ? INT64_MIN : (int64_t)wire_u64(*at + 4);
    *at += len < 0 ? 4 : 12;
    return value;
}

static void apply_step(struct table *table, const struct parcel_step *step, bool is_erase,
                       bool is_by_newest)
{
    const char *at[COLUMNS];
    bool seen[KEYS] = { false };
    const unsigned n = wire_u32(step->values[0] + 12);
    for (int i = 0; i < step->n_values; i++) at[i] = step->values[i] + 20;
    for (unsigned r = 0; r < n; r++) {
        int64_t values[COLUMNS];
        for (int i = 0; i < step->n_values; i++) values[i] = element(&at[i]);
        cr_assert(!seen[values[0]], "a key twice in one statement");
        seen[values[0]] = true;
        if (is_erase)
            table->lines[values[0]].is_there = false;
        else
            upsert(table, values, is_by_newest);
    }
}

static void apply_parcel(struct table *table, struct stock *stock, bool is_by_newest)
{
    const struct parcel_step *steps;
    struct parcel *const parcel = stock_parcel(stock, "c");
    const size_t n = parcel_steps(parcel, &steps);
    for (size_t i = 0; i < n; i++)
        if (steps[i].n_values > 0)
            apply_step(table, &steps[i], strcmp(steps[i].name, stock->sinks[0]->erase.name) == 0,
                       is_by_newest);
    parcel_free(parcel);
}

static void random_rows(struct table *table, struct stock *stock, bool is_by_newest)
{
    const int n = 1 + rand() % 40;
    for (int r = 0; r < n; r++) {
        char texts[COLUMNS][24];
        const char *given[COLUMNS];
        int64_t values[COLUMNS];
        for (int i = 0; i < COLUMNS; i++) {
            values[i] = i == 0 ? rand() % KEYS : rand() % 30 - 15;
            if (i > 0 && rand() % 5 == 0) values[i] = INT64_MIN;
            (void)snprintf(texts[i], sizeof texts[i], "%lld", (long long)values[i]);
            given[i] = values[i] == INT64_MIN ? NULL : texts[i];
        }
        stock_message(stock, "");
        if (rand() % 8 == 0) {
            (void)stock_delete(stock, 0, given);
            table->lines[values[0]].is_there = false;
        } else {
            (void)stock_row(stock, 0, given);
            upsert(table, values, is_by_newest);
        }
    }
}

static void expect_same(const struct table *one, const struct table *other, int round)
{
    for (int k = 0; k < KEYS; k++) {
        const struct line *const a = &one->lines[k], *const b = &other->lines[k];
        cr_assert_eq(a->is_there, b->is_there, "round %d, key %d", round, k);
        for (int i = 0; i < COLUMNS && a->is_there; i++)
            cr_assert_eq(a->values[i], b->values[i], "round %d, key %d, %s: %lld, folded %lld",
                         round, k, columns[i].name, (long long)a->values[i],
                         (long long)b->values[i]);
    }
}

static void play(const char *newest_by, enum sink_fold fold)
{
    struct stock stock;
    struct table naive = { 0 }, folded = { 0 };
    stock_open(&stock);
    const struct sink *const sink = stock_sink(&stock, &(struct wr_sink){ .table = "t",
                                                                          .columns = columns,
                                                                          .key = "k",
                                                                          .on_conflict = WR_MERGE,
                                                                          .newest_by = newest_by });
    cr_assert_eq(sink->fold, fold);
    srand(11);
    for (int round = 0; round < 3000; round++) {
        random_rows(&naive, &stock, newest_by != NULL);
        apply_parcel(&folded, &stock, newest_by != NULL);
        expect_same(&naive, &folded, round);
        stock_clear(&stock);
    }
    stock_close(&stock);
}

Test(fold, equals_one_by_one)
{
    play(NULL, SINK_FOLDS);
}

Test(fold, equals_one_by_one_in_waves)
{
    play("at", SINK_WAVES);
}
