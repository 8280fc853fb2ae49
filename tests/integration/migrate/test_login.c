/* SPDX-License-Identifier: Apache-2.0
 *
 * sql/workers: the login log's tables and what looks after them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "integration/migrate/stage.h"

#define PUT(id, at)                                                                                \
    "insert into login_event (event_id, user_id, kind, at) values ('00000000-0000-7000-8000-"      \
    "00000000000" id "', 42, 'login_ok', " at ")"
#define MONTHS                                                                                     \
    "select right(inhrelid::regclass::text, 6) from pg_inherits"                                   \
    " where inhparent = 'login_event'::regclass and inhrelid::regclass::text ~ '[0-9]{6}$' order " \
    "by 1"
#define IS_OTHER(id)                                                                               \
    "select tableoid::regclass::text from login_event where event_id = '00000000-0000-7000-8000-"  \
    "00000000000" id "'"

TestSuite(login, .fini = stage_close, .timeout = 120);

static bool open_login(void)
{
    if (!stage_open()) return false;
    EXPECT_EXIT(0, MIGRATE("--dir", TEST_SQL "/workers"));
    EXPECT_EXIT(0, MIGRATE("--dir", TEST_SQL "/workers"));
    EXPECT_SAID("nothing to do");
    return true;
}
#define OPEN_LOGIN()                                                                               \
    if (!open_login()) return

Test(login, a_year_ahead_is_there)
{
    OPEN_LOGIN();
    EXPECT_SQL("14", "select count(*) from (" MONTHS ") t");
    stage_do(stage.conn, PUT("1", "now()"));
    stage_do(stage.conn, PUT("2", "'1999-01-01Z'"));
    EXPECT_SQL("t",
               "select tableoid::regclass::text = 'login_event_' || to_char(now() at time zone "
               "'UTC', 'YYYYMM') from login_event order by event_id limit 1");
    EXPECT_SQL("login_event_other", IS_OTHER("2"));
    EXPECT_SQL("0", "select login_event_make_partitions(now()::date, 12)");
}

Test(login, months_are_those_of_utc)
{
    OPEN_LOGIN();
    stage_do(stage.conn, "set timezone = 'America/New_York'; set datestyle = 'SQL, DMY'");
    stage_do(stage.conn, PUT("1", "'2019-12-31 23:59:59.999999Z'"));
    stage_do(stage.conn, PUT("2", "'2020-01-01 00:00:00Z'"));
    stage_do(stage.conn, PUT("3", "'2020-01-31 23:59:59Z'"));
    stage_do(stage.conn, "select login_event_make_partitions(date '2020-01-31', -1)");
    EXPECT_SQL("login_event_other", IS_OTHER("1"));
    EXPECT_SQL("login_event_202001", IS_OTHER("2"));
    EXPECT_SQL("login_event_202001", IS_OTHER("3"));
    stage_do(stage.conn, "reset all");
    EXPECT_SQL(
        "FOR VALUES FROM ('2020-01-01 00:00:00+00') TO ('2020-02-01 00:00:00+00')",
        "set timezone = 'UTC'; select pg_get_expr(relpartbound, oid) from pg_class where relname "
        "= 'login_event_202001'");
    EXPECT_SQL("t",
               "select count(*) = 3 from pg_index where indrelid = 'login_event_202001'::regclass "
               "and indisvalid");
    stage_refused(
        stage.conn,
        "insert into login_event (event_id, user_id, kind, at) values (gen_random_uuid(), 1, "
        "'other', '2020-01-05Z')",
        "login_event_kind_check");
}

Test(login, two_at_once_wait_for_each_other)
{
    OPEN_LOGIN();
    const char *make = "select login_event_make_partitions('2021-01-01', 1)";
    PGconn *other = stage_connect();
    stage_do(stage.conn, "begin");
    stage_do(stage.conn, make);
    stage_send_waiting(other, make);
    stage_do(stage.conn, "commit");
    cr_expect_str_eq(stage_receive(other), "0");
    PQfinish(other);
}

Test(login, events_on_their_way_are_waited_for)
{
    OPEN_LOGIN();
    PGconn *other = stage_connect();
    stage_do(stage.conn, "begin");
    stage_do(stage.conn, PUT("1", "'2023-05-06Z'"));
    stage_send_waiting(other, "select login_event_make_partitions('2023-05-01', 0)");
    stage_do(stage.conn, "commit");
    stage_receive(other);
    EXPECT_SQL("login_event_202305", IS_OTHER("1"));
    PQfinish(other);
}

Test(login, old_months_are_detached)
{
    OPEN_LOGIN();
    stage_do(stage.conn, "select login_event_make_partitions('2020-11-15', 0)");
    stage_do(stage.conn, PUT("1", "'2020-12-24Z'"));
    EXPECT_SQL("login_event_202011 login_event_202012", "select login_event_detach('2021-01-31')");
    EXPECT_SQL("", "select login_event_detach('2021-01-31')");
    EXPECT_SQL("202101", "select * from (" MONTHS ") t limit 1");
    EXPECT_SQL("0", "select count(*) from login_event");
    EXPECT_SQL("1", "select count(*) from login_event_202012");
    stage_do(stage.conn, PUT("2", "'2020-12-25Z'"));
    EXPECT_SQL("login_event_other", IS_OTHER("2"));
    EXPECT_SQL("0", "select login_event_make_partitions('2020-11-15', 0)");
    stage_do(stage.conn, "drop table login_event_202011, login_event_202012");
    EXPECT_SQL("2", "select login_event_make_partitions('2020-11-15', 0)");
    EXPECT_SQL("login_event_202012", IS_OTHER("2"));
}

Test(login, it_works_from_another_search_path)
{
    OPEN_LOGIN();
    stage_do(stage.conn, "set search_path = pg_catalog");
    stage_do(stage.conn, "select public.login_event_make_partitions('2022-01-01', 0)");
    stage_do(stage.conn, "reset all");
    EXPECT_SQL("202201", "select * from (" MONTHS ") t limit 1");
}

/* The way that docs/login-log.md describes, files and all. */
static void grow(void)
{
    char text[8192];
    FILE *file = fopen(TEST_SQL "/../docs/examples/login_by_user.sql", "re");
    cr_assert_not_null(file);
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);
    stage_write("app/0001_login_key.sql",
                "CREATE UNIQUE INDEX login_event_key ON login_event (event_id, at, user_id);");
    stage_write("app/0002_login_by_user.sql", text);
    EXPECT_EXIT(0, MIGRATE_APP());
}

#define LEAVES(month)                                                                              \
    "select count(*) from pg_partition_tree('login_event_' || to_char(" month                      \
    ", 'YYYYMM')) where isleaf"

Test(login, months_may_be_in_parts_by_user)
{
    OPEN_LOGIN();
    stage_do(stage.conn, PUT("1", "now()"));
    stage_do(stage.conn, PUT("2", "'2024-05-05Z'"));
    grow();
    EXPECT_SQL("1", LEAVES("now()"));
    EXPECT_SQL("4", LEAVES("now() + interval '1 month'"));
    const char *insert =
        "insert into login_event (event_id, user_id, kind, at) select md5(i::text)::uuid, i, "
        "'logout', "
        "date_trunc('month', now()) + interval '1 month 2 days' from generate_series(1, 400) i "
        "on conflict (event_id, at, user_id) do nothing";
    stage_do(stage.conn, insert);
    stage_do(stage.conn, insert);
    EXPECT_SQL("402", "select count(*) from login_event");
    EXPECT_SQL("t", "select count(distinct tableoid) = 6 and count(*) filter (where tableoid = "
                    "'login_event_other'::regclass) = 1 from login_event");
    stage_refused(stage.conn, "select login_event_make_parts(now()::date, 4)",
                  "holds events already; name a month ahead");
    stage_do(stage.conn, "select login_event_make_parts('2024-05-31', 2)");
    EXPECT_SQL("2", LEAVES("date '2024-05-01'"));
    EXPECT_SQL("0", "select count(*) from login_event_other");
    EXPECT_SQL("login_event_202405", "select login_event_detach('2024-06-01')");
    EXPECT_SQL("0", "select login_event_make_partitions(now()::date, 1)");
}
