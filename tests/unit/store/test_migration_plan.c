/* SPDX-License-Identifier: Apache-2.0
 *
 * Files beside what was applied. */
#include <criterion/criterion.h>

#include "store/migration_plan.h"

static char one[] = "0001_one.sql", two[] = "0002_two.sql", four[] = "0004_four.sql";
static char one_path[] = "sql/w/0001_one.sql", two_path[] = "sql/w/0002_two.sql",
            four_path[] = "sql/w/0004_four.sql";
static char sum_one[] = "aa", sum_two[] = "bb", sum_four[] = "dd", another[] = "ee";
static char noon[] = "2026-01-02 12:00:00Z", home[] = "w";

static struct migration_file file_list[] = {
    { .number = 1, .name = one, .path = one_path },
    { .number = 2, .name = two, .path = two_path },
    { .number = 4, .name = four, .path = four_path },
};
static char *checksums[] = { sum_one, sum_two, sum_four };
static const struct migration_files files = { home, file_list, 3 };

static struct migration_plan plan;
static struct status status;

/* One letter a step: a, p, c, l, m. */
static void expect(const struct migration_applied *applied, size_t n, const char *states)
{
    plan = migration_plan_make(&files, checksums, applied, n);
    char got[20] = "";
    for (size_t i = 0; i < plan.n; i++) got[i] = *migration_state_name(plan.at[i].state);
    cr_expect_str_eq(got, states);
    struct fault_list faults = fault_list_open(&status, EXIT_CONFIG);
    migration_plan_judge(&plan, &faults);
    cr_expect_eq(fault_list_end(&faults), !strpbrk(states, "cl"), "%s", status.text);
    migration_plan_free(&plan);
}

Test(migration_plan, nothing_applied)
{
    expect(NULL, 0, "ppp");
}

Test(migration_plan, some_applied)
{
    const struct migration_applied applied[] = {
        { 1, one, sum_one, noon, 0 },
        { 2, two, sum_two, noon, 0 },
        { 4, four, sum_four, noon, 0 },
    };
    expect(applied, 1, "app");
    expect(applied, 2, "aap");
    expect(applied, 3, "aaa");
}

Test(migration_plan, another_name_is_the_same_file)
{
    const struct migration_applied applied[] = { { 1, two, sum_one, noon, 0 } };
    expect(applied, 1, "app");
}

Test(migration_plan, changed)
{
    const struct migration_applied applied[] = { { 1, one, another, noon, 0 } };
    expect(applied, 1, "cpp");
    cr_expect_str_eq(status.text,
                     "sql/w/0001_one.sql: changed since it was applied as 0001_one.sql at "
                     "2026-01-02 12:00:00Z: its checksum was ee and is aa; put it back as it was, "
                     "and make the change in a new file with the next free number");
}

Test(migration_plan, too_late)
{
    const struct migration_applied applied[] = { { 1, one, sum_one, noon, 0 },
                                                 { 4, four, sum_four, noon, 0 } };
    expect(applied, 2, "ala");
    cr_expect_str_eq(status.text,
                     "sql/w/0002_two.sql: not applied, and too late for its number: 0004_four.sql "
                     "was applied at 2026-01-02 12:00:00Z, and files are applied in order; give it "
                     "a number above 4");
}

/* A newer release was here: nothing of ours may slip in below its files. */
Test(migration_plan, missing)
{
    const struct migration_applied applied[] = {
        { 1, one, sum_one, noon, 0 },   { 2, two, sum_two, noon, 0 }, { 3, two, another, noon, 0 },
        { 4, four, sum_four, noon, 0 }, { 9, two, another, noon, 0 },
    };
    expect(applied, 5, "aamam");
    expect(applied, 3, "aamp");
    const struct migration_applied only_missing[] = { { 3, two, another, noon, 0 } };
    expect(only_missing, 1, "llmp");
}
