/* SPDX-License-Identifier: Apache-2.0
 *
 * Scripts taken apart. */
#include <criterion/criterion.h>

#include "store/split_sql.h"

/* The statements of a script, as they should come, with NULL at the end. */
static void expect(const char *script, const char *const *statements)
{
    struct split_sql split = { .script = text_of(script) };
    struct wr_text got;
    for (; *statements; statements++) {
        cr_assert(split_sql_next(&split, &got), "\"%s\": no \"%s\"", script, *statements);
        cr_expect(text_is(got, *statements), "\"%s\": \"%.*s\" is not \"%s\"", script,
                  TEXT_ARGS(got), *statements);
    }
    cr_expect_not(split_sql_next(&split, &got), "\"%s\": also \"%.*s\"", script, TEXT_ARGS(got));
}
#define EXPECT(script, ...) expect(script, (const char *const[]){ __VA_ARGS__, NULL })

Test(split_sql, semicolons_end_statements)
{
    EXPECT("", NULL);
    EXPECT(" \n;; ; \n", NULL);
    EXPECT("-- only words\n/* and /* more */ of them */", NULL);
    EXPECT("select 1", "select 1");
    EXPECT("select 1;select 2 ;\n\tselect 3\n", "select 1", "select 2", "select 3");
    EXPECT("-- first\nselect 1; -- of one\n-- of two\nselect 2 -- at the end", "select 1",
           "select 2");
}

Test(split_sql, quotes_hide_them)
{
    EXPECT("select ';''; '; select 2", "select ';''; '", "select 2");
    EXPECT("select \"a;\"\"b\"; select 2", "select \"a;\"\"b\"", "select 2");
    EXPECT("select '\\'; select 2", "select '\\'", "select 2");
    EXPECT("select E'\\';'; select 2", "select E'\\';'", "select 2");
    EXPECT("select e'a''\\';'; select 2", "select e'a''\\';'", "select 2");
    EXPECT("select E'a'\n  '\\';'; select 2", "select E'a'\n  '\\';'", "select 2");
    EXPECT("select E'a' , '\\'; select 2", "select E'a' , '\\'", "select 2");
    EXPECT("select date'\\'; select 2", "select date'\\'", "select 2");
    EXPECT("select U&'\\0041;', N';', X'1'; select 2", "select U&'\\0041;', N';', X'1'",
           "select 2");
}

Test(split_sql, dollar_quotes_hide_them)
{
    EXPECT("do $$ begin; end $$; select 2", "do $$ begin; end $$", "select 2");
    EXPECT("do $a$ $$;$b$;$a $a$; select 2", "do $a$ $$;$b$;$a $a$", "select 2");
    EXPECT("do $_1\xC3\xA9$;$_1\xC3\xA9$; x", "do $_1\xC3\xA9$;$_1\xC3\xA9$", "x");
    EXPECT("select $1; select a$b$; select c$b$", "select $1", "select a$b$", "select c$b$");
    EXPECT("select $ ; x", "select $", "x");
}

Test(split_sql, comments_hide_them)
{
    EXPECT("select 1 -- ; '\n + 2; x", "select 1 -- ; '\n + 2", "x");
    EXPECT("select /* ; /* ' */ ; */ 1; x", "select /* ; /* ' */ ; */ 1", "x");
    EXPECT("select 1 -/* ; */ 2; x", "select 1 -/* ; */ 2", "x");
    EXPECT("select '--'; x", "select '--'", "x");
}

Test(split_sql, parentheses_hide_them)
{
    EXPECT("create rule r as on insert to t do also (insert into u values (1); notify x); y",
           "create rule r as on insert to t do also (insert into u values (1); notify x)", "y");
    EXPECT("select ); x", "select )", "x");
}

Test(split_sql, atomic_bodies_hide_them)
{
    EXPECT(
        "create function f() returns int begin atomic select 1; select case when true then 1 end; "
        "end; x",
        "create function f() returns int begin atomic select 1; select case when true then 1 end; "
        "end",
        "x");
    EXPECT("Create or Replace Procedure p() Begin Atomic select 1; End; begin; end",
           "Create or Replace Procedure p() Begin Atomic select 1; End", "begin", "end");
    EXPECT("create table begin (a int); x", "create table begin (a int)", "x");
}

Test(split_sql, what_is_not_closed_runs_to_the_end)
{
    EXPECT("select 'a; b", "select 'a; b");
    EXPECT("select E'a\\", "select E'a\\");
    EXPECT("select \"a; b", "select \"a; b");
    EXPECT("do $$ a; $b$", "do $$ a; $b$");
    EXPECT("select (1; b", "select (1; b");
    EXPECT("select 1 /* ; /* */", "select 1");
    EXPECT("select $a", "select $a");
}

Test(split_sql, nothing_is_read_behind_the_script)
{
    static const char script[] = { 's', '$', 'a', '$', 'E', '\'', '\\', '-', '/' };
    for (size_t n = 0; n <= sizeof script; n++) {
        char *copy = malloc(n ? n : 1);
        memcpy(copy, script, n);
        struct split_sql split = { .script = text_from(copy, n) };
        struct wr_text got;
        while (split_sql_next(&split, &got)) continue;
        cr_expect_eq(split.at, n);
        free(copy);
    }
}

Test(split_sql, transactions_are_known)
{
    static const char *const yes[] = { "begin",
                                       "BEGIN WORK",
                                       "start transaction",
                                       "commit",
                                       "END",
                                       "abort",
                                       "rollback",
                                       "rollback and chain",
                                       "prepare transaction 'x'",
                                       "commit /* a */ prepared 'x'" };
    static const char *const no[] = { "select 1",
                                      "rollback to a",
                                      "rollback work to savepoint a",
                                      "savepoint begin",
                                      "release a",
                                      "prepare p as select 1",
                                      "\"begin\"",
                                      "beginning",
                                      "do $$begin end$$",
                                      "" };
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        cr_expect(split_sql_is_transaction(text_of(yes[i])), "%s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        cr_expect_not(split_sql_is_transaction(text_of(no[i])), "%s", no[i]);
}

static void expect_place(const char *script, size_t at, unsigned line, unsigned column)
{
    const struct sql_place place = sql_place_of(text_of(script), at);
    cr_expect(place.line == line && place.column == column, "\"%s\" at %zu: %u:%u", script, at,
              place.line, place.column);
}

Test(split_sql, places_count_characters)
{
    expect_place("ab\ncd", 0, 1, 1);
    expect_place("ab\ncd", 1, 1, 2);
    expect_place("ab\ncd", 2, 1, 3);
    expect_place("ab\ncd", 3, 2, 1);
    expect_place("ab\ncd", 9, 2, 3);
    expect_place("\xC3\xA9\xE2\x82\xACx", 5, 1, 3);
    cr_expect_eq(sql_byte_of(text_of("\xC3\xA9\xE2\x82\xACx"), 1), 0);
    cr_expect_eq(sql_byte_of(text_of("\xC3\xA9\xE2\x82\xACx"), 2), 2);
    cr_expect_eq(sql_byte_of(text_of("\xC3\xA9\xE2\x82\xACx"), 3), 5);
    cr_expect_eq(sql_byte_of(text_of("\xC3\xA9\xE2\x82\xACx"), 4), 6);
}
