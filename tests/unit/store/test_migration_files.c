/* SPDX-License-Identifier: Apache-2.0
 *
 * Directories of migrations: what is read, and what is refused. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/migration_files.h"
#include "support/scratch.h"

static char root[SCRATCH_BYTES], home[SCRATCH_BYTES + 8];
static struct migration_files files;
static struct status status;

static const char *path_of(const char *name)
{
    static char path[200];
    snprintf(path, sizeof path, "%s/%s", home, name);
    return path;
}

static void put_bytes(const char *name, const char *text, size_t bytes)
{
    FILE *file = fopen(path_of(name), "we");
    cr_assert(file && fwrite(text, 1, bytes, file) == bytes && fclose(file) == 0);
}

static void put(const char *name, const char *text)
{
    put_bytes(name, text, strlen(text));
}

static void open_home(void)
{
    scratch_make(root, "migrations");
    snprintf(home, sizeof home, "%s/workers", root);
    cr_assert(mkdir(home, 0700) == 0);
}

static void remove_home(void)
{
    migration_files_free(&files);
    scratch_remove(root);
}

TestSuite(migration_files, .init = open_home, .fini = remove_home);

static void expect_fault(const char *words)
{
    cr_assert_not(migration_files_read(home, &files, &status));
    cr_expect_eq(status.exit, EXIT_CONFIG);
    cr_expect(strstr(status.text, words), "\"%s\" is not in: %s", words, status.text);
}

Test(migration_files, are_read_in_order)
{
    put("0010_ten.sql", "select 10");
    put("0002_two-2.sql", "-- no-transaction\nselect 2");
    put("20260102030405_late.sql", "");
    put("README.md", "not one");
    put(".0001_hidden.sql", "nor this");
    put("0001_x.sql~", "nor this");
    cr_assert(migration_files_read(home, &files, &status), "%s", status.text);
    cr_assert_eq(files.n, 3);
    cr_expect_str_eq(files.home, "workers");
    cr_expect_eq(files.at[0].number, 2);
    cr_expect_eq(files.at[1].number, 10);
    cr_expect_eq(files.at[2].number, 20260102030405);
    cr_expect_str_eq(files.at[1].name, "0010_ten.sql");
    cr_expect_str_eq(files.at[1].path, path_of("0010_ten.sql"));
    cr_expect(text_is(files.at[1].text, "select 10"));
    cr_expect_not(files.at[0].has_transaction);
    cr_expect(files.at[1].has_transaction);
    cr_expect(files.at[2].has_transaction);
}

Test(migration_files, may_be_links_as_mounted_ones_are)
{
    cr_assert(mkdir(path_of("..data"), 0700) == 0);
    put("..data/0001_a.sql", "select 1");
    char link[200];
    snprintf(link, sizeof link, "%s", path_of("0001_a.sql"));
    cr_assert(symlink("..data/0001_a.sql", link) == 0);
    cr_assert(migration_files_read(home, &files, &status), "%s", status.text);
    cr_expect_eq(files.n, 1);
}

Test(migration_files, home_is_the_last_part_of_the_name)
{
    char other[120];
    snprintf(other, sizeof other, "%s///", home);
    cr_assert(migration_files_read(other, &files, &status), "%s", status.text);
    cr_expect_str_eq(files.home, "workers");
    migration_files_free(&files);
    cr_assert(chdir(home) == 0);
    cr_assert(migration_files_read(".", &files, &status), "%s", status.text);
    cr_expect_str_eq(files.home, "workers");
    migration_files_free(&files);
    snprintf(other, sizeof other, "%s/current", root);
    cr_assert(symlink(home, other) == 0);
    cr_assert(migration_files_read(other, &files, &status), "%s", status.text);
    cr_expect_str_eq(files.home, "current", "a link is the name that stays");
}

static void expect_home_refused(const char *name, const char *words)
{
    snprintf(home, sizeof home, "%s/%s", root, name);
    cr_assert(mkdir(home, 0700) == 0);
    expect_fault(words);
    migration_files_free(&files);
}

Test(migration_files, homes_have_plain_names)
{
    expect_home_refused("warrener", "the home \"warrener\" is the host's own");
    expect_home_refused("my sql", "the home of its migrations would be \"my sql\"");
}

Test(migration_files, a_directory_that_is_not_there)
{
    cr_assert(rmdir(home) == 0);
    expect_fault("cannot be read: No such file or directory");
}

Test(migration_files, one_that_cannot_be_one_is_named)
{
    static const struct {
        const char *name, *text, *fault;
    } rows[] = {
        { "1_short.sql", "", "migrations are named NNNN_name.sql" },
        { "0000_zero.sql", "", "migrations are named NNNN_name.sql" },
        { "0002_a space.sql", "", "migrations are named NNNN_name.sql" },
        { "0002.sql", "", "migrations are named NNNN_name.sql" },
        { "0002_.sql", "", "migrations are named NNNN_name.sql" },
        { "0003_CASE.SQL", "", "migrations are named NNNN_name.sql" },
        { "1234567890123456789_long.sql", "", "migrations are named NNNN_name.sql" },
        { "0005_latin.sql", "\xE9", "it is not UTF-8" },
        { "0006_mark.sql", "\xEF\xBB\xBFselect 1", "it begins with a byte order mark" },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char expected[200];
        put(rows[i].name, rows[i].text);
        snprintf(expected, sizeof expected, "workers/%s: %s", rows[i].name, rows[i].fault);
        expect_fault(expected);
        migration_files_free(&files);
        cr_assert(unlink(path_of(rows[i].name)) == 0);
    }
    put_bytes("0004_nul.sql", "a\0b", 3);
    expect_fault("workers/0004_nul.sql: it has NUL bytes");
}

Test(migration_files, one_that_is_a_directory)
{
    cr_assert(mkdir(path_of("0007_dir.sql"), 0700) == 0);
    expect_fault("workers/0007_dir.sql: cannot be read: it is no regular file");
}

Test(migration_files, two_of_one_number)
{
    put("0001_a.sql", "");
    put("0001_b.sql", "");
    expect_fault("0001_b.sql: its number is that of 0001_a.sql, too; give it the next free one");
}

Test(migration_files, every_fault_is_told_or_counted)
{
    char name[40];
    put("0001_a.sql", "");
    put("0001_b.sql", "");
    put("x.sql", "");
    cr_assert_not(migration_files_read(home, &files, &status));
    cr_expect(strstr(status.text, "0001_b.sql: ") && strstr(status.text, "x.sql: "), "%s",
              status.text);
    migration_files_free(&files);
    for (unsigned i = 0; i < 30; i++) {
        snprintf(name, sizeof name, "x%u.sql", i);
        put(name, "");
    }
    cr_assert_not(migration_files_read(home, &files, &status));
    const char *rest = strstr(status.text, "\nand ");
    cr_assert(rest, "%s", status.text);
    unsigned told = 0, more = 0;
    for (const char *at = status.text; at < rest; at++) told += *at == '\n';
    cr_expect_eq(sscanf(rest, "\nand %u more", &more), 1); /* NOLINT(cert-err34-c) */
    cr_expect_eq(told + 1 + more, 32, "%s", status.text);
}

Test(migration_files, no_transaction_is_the_first_line_or_nothing)
{
    static const struct {
        const char *text;
        bool has_transaction;
    } rows[] = {
        { "-- no-transaction", false },
        { "-- no-transaction\nselect 1", false },
        { "-- no-transaction \r\nx", false },
        { "--no-transaction\n", false },
        { "-- no-transactions\n", true },
        { "-- why\n-- no-transaction\n", true },
        { "no-transaction\n", true },
        { "\n-- no-transaction\n", true },
        { "-- no-transaction, says I\n", true },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        put("0001_a.sql", rows[i].text);
        cr_assert(migration_files_read(home, &files, &status), "%s", status.text);
        cr_expect_eq(files.at[0].has_transaction, rows[i].has_transaction, "\"%s\"", rows[i].text);
        migration_files_free(&files);
    }
}

Test(migration_files, the_hosts_own_are_well)
{
    cr_assert(migration_files_from(own_migrations, MIGRATION_OWN_HOME, &files, &status), "%s",
              status.text);
    cr_assert_geq(files.n, 1);
    cr_expect_str_eq(files.at[0].path, "warrener/0001_inbox.sql");
    cr_expect(text_starts(files.at[0].text, "-- SPDX"));
    cr_expect_eq(files.at[0].text.at[files.at[0].text.len - 1], '\n');
}
