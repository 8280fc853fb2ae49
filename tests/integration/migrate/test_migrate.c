/* SPDX-License-Identifier: Apache-2.0
 *
 * warrener migrate as people and pods use it. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "integration/migrate/stage.h"

#define BOOKS                                                                                      \
    "select home || '/' || number || '/' || name from warrener.migration order by home, number"

TestSuite(migrate, .fini = stage_close, .timeout = 120);

Test(migrate, once_and_then_nothing)
{
    OPEN();
    stage_write("app/0001_a.sql", "create table a (n int);\ninsert into a values (1);\n");
    stage_write("app/0003_b.sql", "insert into a values (3)");
    EXPECT_EXIT(0, MIGRATE_APP());
    EXPECT_SAID("warrener/0001_inbox.sql: applied in ");
    EXPECT_SAID("app/0001_a.sql: applied in ");
    EXPECT_SQL("app/1/0001_a.sql app/3/0003_b.sql warrener/1/0001_inbox.sql "
               "warrener/2/0002_cache_repair.sql warrener/3/0003_cache_repair_rows.sql",
               BOOKS);
    EXPECT_EXIT(0, MIGRATE_APP());
    EXPECT_SAID("nothing to do");
    EXPECT_SQL("1 3", "select n from a order by n");
    stage_write("app/0004_c.sql", "insert into a values (4)");
    EXPECT_EXIT(0, MIGRATE_APP());
    cr_expect_not(strstr(stage_said, "0003_b"), "%s", stage_said);
    EXPECT_SQL("1 3 4", "select n from a order by n");
    EXPECT_SQL("t",
               "select bool_and(took_ms >= 0 and applied_at between now() - interval '1 hour' and "
               "now() and checksum ~ '^[0-9a-f]{64}$') from warrener.migration");
}

Test(migrate, the_hosts_own_alone)
{
    OPEN();
    EXPECT_EXIT(0, stage_run((const char *const[]){ NULL }));
    EXPECT_SQL("warrener/1/0001_inbox.sql "
               "warrener/2/0002_cache_repair.sql warrener/3/0003_cache_repair_rows.sql",
               BOOKS);
}

Test(migrate, a_directory_without_any_is_told)
{
    OPEN();
    stage_write("app/notes.txt", "there is nothing to apply");
    EXPECT_EXIT(0, MIGRATE_APP());
    EXPECT_SAID("app: there are no migrations in it (NNNN_name.sql)");
}

/* How often it stands in what the ten said. */
static int count_said(const char *words)
{
    char command[300], said[200] = "";
    snprintf(command, sizeof command, "cat '%s'/said? | grep -c '%s'", stage.dir, words);
    FILE *grep = popen(command, "re");
    cr_assert(grep && fgets(said, sizeof said, grep));
    pclose(grep);
    return atoi(said);
}

/* The one that is first stays in its first file until the others have said that they wait. */
Test(migrate, ten_at_once_do_it_once)
{
    OPEN();
    pid_t pids[10];
    char output[20];
    stage_do(stage.conn, "select pg_advisory_lock(1)");
    stage_write("app/0001_slow.sql", "create table a (n int); insert into a values (1);"
                                     "select pg_advisory_xact_lock(1);");
    stage_write("app/0002_index.sql", "-- no-transaction\ncreate index concurrently a_n on a (n);\n"
                                      "insert into a values (2);");
    for (int i = 0; i < 10; i++) {
        snprintf(output, sizeof output, "said%d", i);
        pids[i] = stage_spawn((const char *const[]){ "--dir", stage_path("app"), NULL },
                              stage_path(output));
    }
    for (int i = 0; i < 12000 && count_said("another migrate is at work (process") < 9; i++)
        usleep(5000);
    cr_expect_eq(count_said("another migrate is at work (process"), 9, "those that wait say so");
    stage_do(stage.conn, "select pg_advisory_unlock(1)");
    for (int i = 0; i < 10; i++) cr_expect_eq(stage_reap(pids[i]), 0, "number %d", i);
    EXPECT_SQL("1 2", "select n from a order by n");
    EXPECT_SQL("app/1/0001_slow.sql app/2/0002_index.sql warrener/1/0001_inbox.sql "
               "warrener/2/0002_cache_repair.sql warrener/3/0003_cache_repair_rows.sql",
               BOOKS);
    cr_expect_eq(count_said(": nothing to do"), 9, "and find nothing left");
}

Test(migrate, a_changed_file_is_refused)
{
    OPEN();
    char sum[80];
    stage_write("app/0001_a.sql", "create table a (n int)");
    EXPECT_EXIT(0, MIGRATE_APP());
    stage_write("app/0001_a.sql", "create table a (n bigint)");
    stage_write("app/0002_b.sql", "create table b (n int)");
    EXPECT_EXIT(78, MIGRATE_APP());
    EXPECT_SAID("app/0001_a.sql: changed since it was applied as 0001_a.sql at 20");
    EXPECT_SAID("make the change in a new file with the next free number");
    snprintf(sum, sizeof sum, "%s",
             stage_ask(stage.conn, "select checksum from warrener.migration where home = 'app'"));
    EXPECT_SAID(sum);
    snprintf(sum, sizeof sum, "%s",
             stage_ask(stage.conn, "select encode(sha256('create table a (n bigint)'), 'hex')"));
    EXPECT_SAID(sum);
    EXPECT_SQL("", "select to_regclass('b')");
    EXPECT_EXIT(78, MIGRATE("--status", "--dir", stage_path("app")));
    EXPECT_SAID(" changed ");
}

Test(migrate, a_late_number_is_refused)
{
    OPEN();
    stage_write("app/0005_a.sql", "create table a (n int)");
    EXPECT_EXIT(0, MIGRATE_APP());
    stage_write("app/0004_b.sql", "create table b (n int)");
    stage_write("app/0006_c.sql", "create table c (n int)");
    EXPECT_EXIT(78, MIGRATE_APP());
    EXPECT_SAID("app/0004_b.sql: not applied, and too late for its number: 0005_a.sql was applied");
    EXPECT_SAID("give it a number above 5");
    EXPECT_SQL("", "select coalesce(to_regclass('b'), to_regclass('c'))");
}

Test(migrate, a_failing_file_leaves_nothing)
{
    OPEN();
    stage_write("app/0001_a.sql", "create table a (n int);");
    stage_write("app/0002_b.sql", "create table b (n int);\n"
                                  "-- \xC3\xA9\n"
                                  "insert into a values (1);\n"
                                  "  select '\xC3\xA9', nonesuch from a;\n");
    stage_write("app/0003_c.sql", "create table c (n int);");
    EXPECT_EXIT(78, MIGRATE_APP());
    EXPECT_SAID("app/0001_a.sql: applied");
    EXPECT_SAID("app/0002_b.sql:4:15: column \"nonesuch\" does not exist (42703)");
    EXPECT_SAID("nothing of this file was applied");
    EXPECT_SQL("0", "select count(*) from a");
    EXPECT_SQL("", "select coalesce(to_regclass('b'), to_regclass('c'))");
    EXPECT_SQL("app/1/0001_a.sql warrener/1/0001_inbox.sql "
               "warrener/2/0002_cache_repair.sql warrener/3/0003_cache_repair_rows.sql",
               BOOKS);
    stage_write("app/0002_b.sql", "create table b (n int)");
    EXPECT_EXIT(0, MIGRATE_APP());
    EXPECT_SQL("c", "select to_regclass('c')");
}

static void expect_failing(const char *text, int exit, const char *words)
{
    stage_write("app/0001_x.sql", text);
    EXPECT_EXIT(exit, MIGRATE_APP());
    EXPECT_SAID(words);
    EXPECT_SQL("0", "select count(*) from warrener.migration where home = 'app'");
}

Test(migrate, faults_have_a_place_and_a_way_out)
{
    OPEN();
    expect_failing(
        "create table a (n int primary key);\n\ninsert into a values (1), (1);", 78,
        "0001_x.sql:3:1: duplicate key value violates unique constraint \"a_pkey\" (23505)\n"
        "  detail: Key (n)=(1) already exists.");
    expect_failing("select 1;\nselect now('x');", 78, "  hint: No function matches");
    expect_failing("do $$ begin perform 1 / 0; end $$", 78, "  in: SQL ");
    expect_failing("create table a (n int); create index concurrently i on a (n)", 78,
                   "hint: a file whose first line is `-- no-transaction` runs without one");
    expect_failing("select 1;\n commit;\nselect 2", 78, "0001_x.sql:2:2: each file runs in a");
    expect_failing("create table a (n int); copy a from stdin;", 78,
                   "COPY from or to the client has no place in a migration");
    expect_failing("create table a (n int unique deferrable initially deferred);"
                   "insert into a values (1), (1)",
                   78, "duplicate key value violates unique constraint");
    expect_failing("create table a (n int);\nselect pg_terminate_backend(pg_backend_pid());", 69,
                   "0001_x.sql:2:1: the connection to postgresql://");
    EXPECT_SQL("", "select to_regclass('a')");
}

Test(migrate, without_a_transaction_half_of_it_stays)
{
    OPEN();
    stage_write("app/0001_a.sql", "-- no-transaction\n"
                                  "create table if not exists a (n int);\n"
                                  "create index concurrently if not exists a_n on a (n);\n"
                                  "insert into nonesuch values (1);\n");
    EXPECT_EXIT(78, MIGRATE_APP());
    EXPECT_SAID("app/0001_a.sql:4:13: relation \"nonesuch\" does not exist (42P01)");
    EXPECT_SAID("2 statements before this one, up to line 3, stay done");
    EXPECT_SQL("a_n", "select to_regclass('a_n')");
    EXPECT_SQL("warrener/1/0001_inbox.sql "
               "warrener/2/0002_cache_repair.sql warrener/3/0003_cache_repair_rows.sql",
               BOOKS);
    stage_write("app/0001_a.sql", "-- no-transaction\n"
                                  "create table if not exists a (n int);\n"
                                  "create index concurrently if not exists a_n on a (n);\n"
                                  "begin; insert into a values (1); commit;\n");
    EXPECT_EXIT(0, MIGRATE_APP());
    EXPECT_SAID("0001_a.sql: NOTICE: relation \"a\" already exists, skipping");
    EXPECT_SQL("1", "select n from a");
    stage_write("app/0002_b.sql", "-- no-transaction\nbegin; insert into a values (2);");
    EXPECT_EXIT(78, MIGRATE_APP());
    EXPECT_SAID("the file ends within a transaction it began");
    EXPECT_SQL("1", "select n from a");
}

Test(migrate, what_a_file_sets_stays_its_own)
{
    OPEN();
    stage_write("app/0001_a.sql", "select pg_catalog.set_config('search_path', '', false);\n"
                                  "set standard_conforming_strings = off;\n"
                                  "set role pg_monitor;\n");
    stage_write("app/0002_b.sql", "create table a as select '\\' as t, current_user::text as u;");
    EXPECT_EXIT(0, MIGRATE_APP());
    EXPECT_SQL("\\", "select t from public.a");
    EXPECT_SQL("t", "select u <> 'pg_monitor' from public.a");
}

Test(migrate, a_role_called_warrener_has_its_tables_elsewhere)
{
    OPEN();
    stage_write("app/0001_a.sql", "create table a (n int)");
    stage_do(stage.conn,
             "do $$ begin execute format('alter role %I in database %I set search_path = "
             "warrener, public', current_user, current_database()); end $$");
    EXPECT_EXIT(0, MIGRATE_APP());
    EXPECT_SQL("public", "select relnamespace::regnamespace from pg_class where relname = 'a'");
    stage_write("app/0002_b.sql", "create table b (n int)");
    stage_do(
        stage.conn,
        "create schema \"My Own\"; do $$ begin execute format('alter role %I in database %I set "
        "search_path = warrener, \"My Own\", public', current_user, current_database()); end $$");
    EXPECT_EXIT(0, MIGRATE_APP());
    EXPECT_SQL("\"My Own\"", "select relnamespace::regnamespace from pg_class where relname = 'b'");
}

Test(migrate, status_lists_and_changes_nothing)
{
    OPEN();
    stage_write("app/0001_a.sql", "create table a (n int)");
    stage_write("app/0002_b.sql", "create table b (n int)");
    EXPECT_EXIT(0, MIGRATE("--status", "--dir", stage_path("app")));
    EXPECT_SAID("app               1  0001_a.sql                           pending");
    EXPECT_SQL("", "select to_regnamespace('warrener')");
    EXPECT_EXIT(0, MIGRATE_APP());
    stage_remove("app/0002_b.sql");
    stage_write("app/0003_c.sql", "create table c (n int)");
    EXPECT_EXIT(0, MIGRATE("--dir", stage_path("app"), "--status"));
    EXPECT_SAID("app               1  0001_a.sql                           applied  20");
    EXPECT_SAID("app               2  0002_b.sql                           missing  20");
    EXPECT_SAID("app               3  0003_c.sql                           pending");
    EXPECT_SAID("warrener          1  0001_inbox.sql                       applied  20");
    EXPECT_EXIT(0, MIGRATE_APP());
    EXPECT_SQL("c", "select to_regclass('c')");
}

Test(migrate, every_fault_of_files_before_any_is_applied)
{
    OPEN();
    stage_write("app/0001_a.sql", "create table a (n int)");
    stage_write("app/x.sql", "");
    EXPECT_EXIT(78, MIGRATE_APP());
    EXPECT_SAID("app/x.sql: migrations are named NNNN_name.sql");
    EXPECT_SQL("", "select to_regnamespace('warrener')");
    EXPECT_EXIT(78, MIGRATE("--dir", stage_path("nowhere")));
    EXPECT_SAID("nowhere: cannot be read: No such file");
}

Test(migrate, a_server_that_is_away)
{
    OPEN();
    stage_write("w.yaml", "postgres: {url: \"postgresql://u:secret@127.0.0.1:1/d\"}\n"
                          "consumers: [{queue: q, handler: none}]\n");
    EXPECT_EXIT(69, MIGRATE_APP());
    EXPECT_SAID("postgresql://u@127.0.0.1:1/d: ");
    cr_expect_not(strstr(stage_said, "secret"), "%s", stage_said);
}

Test(migrate, the_direct_url_counts)
{
    OPEN();
    char text[700];
    snprintf(text, sizeof text,
             "postgres: {url: \"postgresql://u@127.0.0.1:1/d\", migrate_url: \"%s\"}\n"
             "consumers: [{queue: q, handler: none}]\n",
             stage.url);
    stage_write("w.yaml", text);
    EXPECT_EXIT(0, MIGRATE_APP());
}

/* A job that migrates has neither handlers nor the broker's secrets. */
Test(migrate, needs_nothing_but_the_database)
{
    OPEN();
    char text[900];
    snprintf(text, sizeof text, "postgres: {url: \"%s\"}\n", stage.url);
    stage_write("w.yaml", text);
    EXPECT_EXIT(0, MIGRATE("--status"));
    snprintf(text, sizeof text,
             "postgres: {url: \"%s\"}\nplugins: /nowhere\nlog: loud\n"
             "amqp: {url: \"${file:/nowhere}\"}\nredis: {url: \"${WARRENER_UNSET}\"}\n"
             "consumers: [{queue: \"\", lanes: none}]\n",
             stage.url);
    stage_write("w.yaml", text);
    EXPECT_EXIT(0, MIGRATE_APP());
    stage_write("w.yaml", "postgers: {url: \"postgresql://127.0.0.1:1/d\"}\n");
    EXPECT_EXIT(78, MIGRATE_APP());
    EXPECT_SAID("did you mean \"postgres\"?");
    stage_write("w.yaml", "postgres: {url: \"mysql://h/d\", pool: 3}\nconsumers: 1\n");
    EXPECT_EXIT(78, MIGRATE_APP());
    EXPECT_SAID("w.yaml:1:17: postgres.url: it does not begin with postgresql://");
    EXPECT_SAID("postgres.pool: unknown key");
    cr_expect_not(strstr(stage_said, "consumers"), "%s", stage_said);
}

Test(migrate, a_wrong_line)
{
    OPEN();
    EXPECT_EXIT(64, MIGRATE("--stats"));
    EXPECT_SAID("did you mean \"--status\"?");
    EXPECT_EXIT(64, MIGRATE("--dir"));
    stage_write("w.yaml", "postgres: nothing\n");
    EXPECT_EXIT(78, MIGRATE_APP());
    EXPECT_SAID("w.yaml:1:");
}
