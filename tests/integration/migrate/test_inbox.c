/* SPDX-License-Identifier: Apache-2.0
 *
 * sql/warrener: the inbox is kept in partitions of a day, by whoever comes first, in nobody's way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "integration/migrate/stage.h"

#define DAYS(from, to)                                                                             \
    "select 'inbox_' || to_char((now() at time zone 'UTC')::date + n, 'YYYYMMDD')"                 \
    " from generate_series(" from ", " to ") n order by 1"
#define DAYS_THERE                                                                                 \
    "select relname from pg_inherits join pg_class c on c.oid = inhrelid"                          \
    " where inhparent = 'warrener.inbox'::regclass and relname ~ '[0-9]$' order by 1"
#define PUT(id, day, at)                                                                           \
    "insert into warrener.inbox (consumer, message_id, day, at) values ('c', '" id "', (" day      \
    "), " at ")"
#define TODAY "(now() at time zone 'UTC')::date"

static bool open_inbox(void)
{
    if (!stage_open()) return false;
    EXPECT_EXIT(0, stage_run((const char *const[]){ NULL }));
    return true;
}
#define OPEN_INBOX()                                                                               \
    if (!open_inbox()) return

TestSuite(inbox, .fini = stage_close, .timeout = 120);

static void expect_days(const char *wanted)
{
    char expected[4096];
    snprintf(expected, sizeof expected, "%s", stage_ask(stage.conn, wanted));
    EXPECT_SQL(expected, DAYS_THERE);
}

/* "create table warrener.inbox_20260102 …" for a day from now. */
static void add_day(const char *offset)
{
    char sql[600];
    snprintf(
        sql, sizeof sql,
        "do $$ declare d date := " TODAY " + %s; begin execute format('create table "
        "warrener.%%I partition of warrener.inbox for values from (%%L) to (%%L)', 'inbox_' || "
        "to_char(d, 'YYYYMMDD'), d, d + 1); end $$",
        offset);
    stage_do(stage.conn, sql);
}

static void drop_day(const char *offset)
{
    char sql[400];
    snprintf(sql, sizeof sql,
             "do $$ begin execute format('drop table warrener.%%I', 'inbox_' || to_char(" TODAY
             " + %s, 'YYYYMMDD')); end $$",
             offset);
    stage_do(stage.conn, sql);
}

Test(inbox, begins_with_yesterday_and_a_week)
{
    OPEN_INBOX();
    expect_days(DAYS("-1", "7"));
    stage_do(stage.conn, PUT("m1", TODAY, "now()"));
    EXPECT_SQL("t", "select tableoid::regclass::text ~ '[0-9]$' from warrener.inbox");
    stage_refused(stage.conn, PUT("m1", TODAY, "now()"), "duplicate key value");
    stage_do(stage.conn, PUT("m1", "date '1970-01-01'", "now()"));
    EXPECT_SQL("1", "select count(*) from warrener.inbox_other");
}

Test(inbox, old_days_go_and_new_ones_come)
{
    OPEN_INBOX();
    add_day("-7");
    add_day("-8");
    add_day("-20");
    drop_day("7");
    drop_day("0");
    stage_do(stage.conn, "select warrener.tend_inbox(7)");
    char expected[4096];
    snprintf(expected, sizeof expected, "%s", stage_ask(stage.conn, DAYS("-1", "7")));
    char *all = strdup(expected);
    snprintf(expected, sizeof expected, "%s %s", stage_ask(stage.conn, DAYS("-7", "-7")), all);
    free(all);
    EXPECT_SQL(expected, DAYS_THERE);
    stage_do(stage.conn, "select warrener.tend_inbox(6)");
    expect_days(DAYS("-1", "7"));
    add_day("-2");
    stage_do(stage.conn, "select warrener.tend_inbox(1)");
    expect_days(DAYS("-1", "7"));
}

Test(inbox, rows_move_into_their_partition)
{
    OPEN_INBOX();
    drop_day("2");
    stage_do(stage.conn, PUT("m1", TODAY " + 2", "now() - interval '3 hours'"));
    stage_do(stage.conn, PUT("m2", "date '1970-01-01'", "now()"));
    char before[200];
    snprintf(
        before, sizeof before, "%s",
        stage_ask(stage.conn, "select (batch, at) from warrener.inbox where message_id = 'm1'"));
    EXPECT_SQL("2", "select count(*) from warrener.inbox_other");
    stage_do(stage.conn, "select warrener.tend_inbox(7)");
    EXPECT_SQL("m2", "select message_id from warrener.inbox_other");
    EXPECT_SQL(before, "select (batch, at) from warrener.inbox where message_id = 'm1'");
    stage_refused(stage.conn, PUT("m1", TODAY " + 2", "now()"), "duplicate key value");
}

Test(inbox, rows_on_their_way_are_waited_for)
{
    OPEN_INBOX();
    PGconn *other = stage_connect();
    drop_day("7");
    stage_do(stage.conn, "begin");
    stage_do(stage.conn, PUT("m1", TODAY " + 7", "now()"));
    stage_send_waiting(other, "select warrener.tend_inbox(7)");
    stage_do(stage.conn, "commit");
    stage_receive(other);
    expect_days(DAYS("-1", "7"));
    EXPECT_SQL("1",
               "select count(*) from warrener.inbox where tableoid::regclass::text ~ '[0-9]$'");
    PQfinish(other);
}

Test(inbox, what_is_old_goes_from_the_default_partition)
{
    OPEN_INBOX();
    stage_do(stage.conn, PUT("old", "date '1970-01-01'", "now() - interval '169 hours'"));
    stage_do(stage.conn, PUT("new", "date '1970-01-01'", "now() - interval '167 hours'"));
    stage_do(stage.conn, "select warrener.tend_inbox(7)");
    EXPECT_SQL("new", "select message_id from warrener.inbox");
}

Test(inbox, one_at_a_time_and_nobody_waits)
{
    OPEN_INBOX();
    PGconn *other = stage_connect();
    drop_day("7");
    stage_do(other, "begin; select warrener.tend_inbox(7)");
    uint64_t least_ms = UINT64_MAX; /* one that waits does so each time, and for two seconds */
    for (int i = 0; i < 10 && least_ms >= 1000; i++) {
        const uint64_t since_ms = clock_now_ms();
        stage_do(stage.conn, "select warrener.tend_inbox(7)");
        const uint64_t took_ms = clock_now_ms() - since_ms;
        if (took_ms < least_ms) least_ms = took_ms;
    }
    cr_expect_lt(least_ms, 1000, "it waits for another");
    EXPECT_SQL("8", "select count(*) from (" DAYS_THERE ") t");
    stage_do(other, "commit");
    EXPECT_SQL("9", "select count(*) from (" DAYS_THERE ") t");
    PQfinish(other);
}

Test(inbox, a_busy_table_is_left_for_later)
{
    OPEN_INBOX();
    PGconn *other = stage_connect();
    drop_day("7");
    add_day("-9");
    stage_do(other, "begin; select count(*) from warrener.inbox");
    stage_do(stage.conn, "set statement_timeout = '60s'; select warrener.tend_inbox(7)");
    EXPECT_SQL("9", "select count(*) from (" DAYS_THERE ") t");
    stage_do(other, "commit");
    stage_do(stage.conn, "select warrener.tend_inbox(7)");
    expect_days(DAYS("-1", "7"));
    PQfinish(other);
}

Test(inbox, sessions_may_be_set_to_anything)
{
    OPEN_INBOX();
    for (int n = -1; n <= 7; n++) {
        char offset[8];
        snprintf(offset, sizeof offset, "%d", n);
        drop_day(offset);
    }
    stage_do(stage.conn,
             "create schema trap; create function trap.to_char(timestamptz, text) returns "
             "text language sql as $$select 'x'$$");
    stage_do(stage.conn, "set timezone = 'Pacific/Kiritimati'; set datestyle = 'German, DMY';"
                         "set search_path = trap, public; set lock_timeout = '1h'");
    stage_do(stage.conn, "select warrener.tend_inbox(7)");
    stage_do(stage.conn, "reset all");
    expect_days(DAYS("-1", "7"));
    EXPECT_SQL("t",
               "select bool_and(pg_get_expr(relpartbound, oid) = format('FOR VALUES FROM (%L) TO "
               "(%L)', to_date(right(relname, 8), 'YYYYMMDD'), to_date(right(relname, 8), "
               "'YYYYMMDD') + 1)) from pg_class where relname ~ '^inbox_[0-9]{8}$'");
}

Test(inbox, keeping_nothing_is_refused)
{
    OPEN_INBOX();
    stage_refused(stage.conn, "select warrener.tend_inbox(0)",
                  "keep is 0, and at least a day is kept");
    stage_refused(stage.conn, "select warrener.tend_inbox(-5)", "keep is -5");
    stage_refused(stage.conn, "select warrener.tend_inbox(null)", "at least a day is kept");
    expect_days(DAYS("-1", "7"));
}

Test(inbox, the_host_may_be_another_role)
{
    OPEN_INBOX();
    char sql[300];
    snprintf(sql, sizeof sql, "create role host_%d", (int)getpid());
    stage_do(stage.conn, sql);
    snprintf(sql, sizeof sql,
             "grant usage on schema warrener to host_%d; grant select, insert on warrener.inbox to "
             "host_%d",
             (int)getpid(), (int)getpid());
    stage_do(stage.conn, sql);
    drop_day("7");
    snprintf(sql, sizeof sql, "set role host_%d", (int)getpid());
    stage_do(stage.conn, sql);
    stage_do(stage.conn, PUT("m1", TODAY, "now()"));
    stage_do(stage.conn, "select warrener.tend_inbox(7)");
    stage_refused(stage.conn, "delete from warrener.inbox", "permission denied");
    stage_do(stage.conn, "reset role");
    expect_days(DAYS("-1", "7"));
    snprintf(sql, sizeof sql, "drop owned by host_%d; drop role host_%d", (int)getpid(),
             (int)getpid());
    stage_do(stage.conn, sql);
}

/* Batches as the host sends them, on ids of their own, for as long as the parent keeps the pipe. Tells it
 * when there have been some. */
static _Noreturn void write_until_told(int nth, int told, int tells)
{
    PGconn *conn = PQconnectdb(stage.url);
    char sql[900];
    for (unsigned long n = 0;; n++) {
        fd_set set;
        struct timeval now = { 0, 0 };
        FD_ZERO(&set);
        FD_SET(told, &set);
        if (select(told + 1, &set, NULL, NULL, &now) != 0) _exit(0);
        if (n == 10 && write(tells, "", 1) != 1) _exit(2);
        snprintf(sql, sizeof sql,
                 "insert into warrener.inbox (consumer, message_id, day) select 'c', '%d-%lu-' || "
                 "i, " TODAY
                 " + i %% 8 from generate_series(-1, 40) i order by 2 on conflict do nothing;"
                 "select count(*) from warrener.inbox i where consumer = 'c' and message_id = "
                 "'%d-%lu-1' "
                 "and day = " TODAY " + 1 and batch = pg_current_xact_id()",
                 nth, n, nth, n);
        PGresult *result = PQexec(conn, sql);
        if (PQresultStatus(result) != PGRES_TUPLES_OK) {
            fprintf(stderr, "%s", PQerrorMessage(conn));
            _exit(1);
        }
        PQclear(result);
    }
}

/* One call leaves a table that is busy to the next. */
static void tend_all(void)
{
    static const char is_tended[] =
        "select count(*) = 9 and count(*) filter (where relname < 'inbox_' || to_char(" TODAY
        " - 1, 'YYYYMMDD')) = 0 from (" DAYS_THERE ") t";
    const uint64_t deadline_ms = clock_now_ms() + 60000;
    do {
        cr_assert_lt(clock_now_ms(), deadline_ms, "it is never tended");
        stage_do(stage.conn, "select warrener.tend_inbox(7)");
    } while (strcmp(stage_ask(stage.conn, is_tended), "t") != 0);
}

/* How many have told so far. */
static int count_told(int fd)
{
    int n = 0;
    cr_assert_eq(ioctl(fd, FIONREAD, &n), 0);
    return n;
}

Test(inbox, writers_are_not_disturbed)
{
    OPEN_INBOX();
    enum { WRITERS = 4, ROUNDS = 15 };
    int ends[2], told[2];
    pid_t pids[WRITERS];
    cr_assert(pipe(ends) == 0 && pipe(told) == 0);
    for (int i = 0; i < WRITERS; i++) {
        pids[i] = fork();
        cr_assert(pids[i] >= 0);
        if (pids[i] == 0) {
            close(ends[1]);
            write_until_told(i, ends[0], told[1]);
        }
    }
    stage_do(stage.conn, "set deadlock_timeout = '60s'"); /* the writers' find would fail them */
    for (int i = 0; i < ROUNDS || (count_told(told[0]) < WRITERS && i < 40 * ROUNDS); i++) {
        tend_all();
        drop_day("3");
        drop_day("4");
        add_day("-9");
        tend_all();
    }
    cr_expect_eq(count_told(told[0]), WRITERS, "they have hardly written");
    close(ends[1]);
    for (int i = 0; i < WRITERS; i++) cr_expect_eq(stage_reap(pids[i]), 0, "writer %d", i);
    for (int i = 0; i < 3; i++) stage_do(stage.conn, "select warrener.tend_inbox(7)");
    expect_days(DAYS("-1", "7"));
    EXPECT_SQL("0", "select count(*) from warrener.inbox_other where day >= " TODAY " - 1");
}
