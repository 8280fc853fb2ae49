/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of a transaction: committed whole, failed with the server's words and class, or unknown
 * and then ended. */
#include <signal.h>
#include <stdio.h>

#include "integration/store/stage.h"
#include "store/reaper.h"

#define LONG_MS 10000

static bool open_with_table(struct stage *stage, struct line *line)
{
    if (!stage_open(stage)) return false;
    stage_do(stage, "create table t (id int primary key, n int check (n < 100),"
                    " name text not null default 'x', boss int references t"
                    " deferrable initially deferred)");
    line_open(line, stage, stage->url);
    return true;
}

static void close_all(struct stage *stage, struct line *line)
{
    line_close(line);
    stage_close(stage);
}

Test(transaction, commits_all_or_nothing)
{
    struct stage stage;
    struct line line;
    if (!open_with_table(&stage, &line)) return;
    const struct store_answer *answer = line_run(&line, LONG_MS, "insert into t values (1, 1)",
                                                 "insert into t values (2, 2)", NULL);
    cr_expect_eq(answer->result, STORE_COMMITTED, "%s", answer->text);
    cr_expect(answer->took_ns > 0 && answer->fault == FAULT_NONE);
    answer = line_run(&line, LONG_MS, "insert into t values (3, 3)", "insert into t values (1, 1)",
                      "insert into t values (4, 4)", NULL);
    cr_expect_eq(answer->result, STORE_FAILED);
    answer = line_run(&line, LONG_MS, "insert into t values (5, 5)", NULL);
    cr_expect_eq(answer->result, STORE_COMMITTED, "%s", answer->text);
    cr_expect_str_eq(stage_ask(&stage, "select string_agg(id::text, ',' order by id) from t"),
                     "1,2,5");
    cr_expect_eq(line.readies, 1);
    close_all(&stage, &line);
}

Test(transaction, a_large_one_goes_in_pieces_and_commits)
{
    struct stage stage;
    struct line line;
    if (!stage_open(&stage)) return;
    static char big[6 << 20];
    static const uint32_t types[] = { 25 };
    memset(big, 'x', sizeof big);
    const char *const values[] = { big };
    const int lengths[] = { (int)sizeof big };
    const struct parcel_step steps[] = {
        { .name = "a",
          .sql = "insert into big values ($1)",
          .n_values = 1,
          .types = types,
          .values = values,
          .lengths = lengths,
          .rows = 1 },
        { .name = "a",
          .sql = "insert into big values ($1)",
          .n_values = 1,
          .types = types,
          .values = values,
          .lengths = lengths,
          .rows = 1 },
    };
    stage_do(&stage, "create table big (v text)");
    line_open(&line, &stage, stage.url);
    line_start_steps(&line, LONG_MS, steps, 2);
    WAIT_ON(&stage, line.answers == 1);
    cr_expect_eq(line.answer.result, STORE_COMMITTED, "%s", line.answer.text);
    cr_expect_eq(line.answer.rows, 2);
    cr_expect_str_eq(stage_ask(&stage, "select count(*) || '/' || min(length(v)) from big"),
                     "2/6291456");
    line_start_steps(&line, LONG_MS, steps, 2);
    WAIT_ON(&stage, line.answers == 2);
    cr_expect_eq(line.answer.result, STORE_COMMITTED, "%s", line.answer.text);
    cr_expect_str_eq(stage_ask(&stage, "select count(*) from big"), "4");
    cr_expect(store_connection_uses_names(line.connection), "it was prepared twice");
    close_all(&stage, &line);
}

static void expect_fault(struct line *line, const char *sql, const char *sqlstate,
                         enum fault_class fault, const char *words)
{
    const struct store_answer *answer =
        line_run(line, LONG_MS, "insert into t values (1000)", sql, NULL);
    cr_expect_eq(answer->result, STORE_FAILED, "%s: %s", sql, answer->text);
    cr_expect_str_eq(answer->sqlstate, sqlstate, "%s: %s", sql, answer->text);
    cr_expect_eq(answer->fault, fault, "%s: %s", sql, answer->text);
    cr_expect_not_null(strstr(answer->text, words), "%s: %s", sql, answer->text);
    cr_expect_null(strstr(answer->text, "Key ("), "a row's values are for `detail`");
    cr_expect_str_eq(stage_ask(line->stage, "select count(*) from t where id = 1000"), "0");
}

Test(transaction, tells_the_servers_words_and_their_class)
{
    struct stage stage;
    struct line line;
    if (!open_with_table(&stage, &line)) return;
    stage_do(&stage, "create function refuse() returns trigger language plpgsql as"
                     " $$begin raise exception 'no %% here', new.name; end$$");
    stage_do(&stage, "create trigger refuse before insert on t for each row"
                     " when (new.name = 'cat') execute function refuse()");
    stage_do(&stage, "insert into t values (1, 1)");
    expect_fault(&line, "insert into t values ('x'::text::int)", "22P02", FAULT_DATA,
                 "invalid input");
    expect_fault(&line, "insert into t values (1, 1)", "23505", FAULT_DATA,
                 "duplicate key value violates unique constraint \"t_pkey\"");
    cr_expect_str_eq(line.answer.detail, "Key (id)=(1) already exists.");
    cr_expect_str_eq(line.answer.constraint, "t_pkey");
    cr_expect_str_eq(line.answer.table, "t");
    expect_fault(&line, "insert into t values (2, 100)", "23514", FAULT_DATA, "check constraint");
    cr_expect_str_eq(line.answer.constraint, "t_n_check");
    expect_fault(&line, "insert into t values (2, 1, null)", "23502", FAULT_DATA, "null value");
    cr_expect_str_eq(line.answer.column, "name");
    expect_fault(&line, "insert into t values (2, 1, 'cat')", "P0001", FAULT_DATA, "no cat here");
    expect_fault(&line, "insert into t values (2, 1, 'x', 77)", "23503", FAULT_PARENT,
                 "foreign key"); /* deferred: told at the Sync */
    expect_fault(&line, "insert into absent values (1)", "42P01", FAULT_DEPLOYMENT, "absent");
    close_all(&stage, &line);
}

/* As poolers in the cluster business say it. */
Test(transaction, an_error_that_leaves_it_open_is_unknown)
{
    struct stage stage;
    struct line line;
    if (!open_with_table(&stage, &line)) return;
    static const char *const codes[] = { "40003", "08007" };
    for (size_t i = 0; i < 2; i++) {
        char sql[100];
        snprintf(sql, sizeof sql, "do $$begin raise 'who knows' using errcode = '%s'; end$$",
                 codes[i]);
        const struct store_answer *answer = line_run(&line, LONG_MS, sql, NULL);
        cr_expect_eq(answer->result, STORE_UNKNOWN);
        cr_expect_eq(answer->fault, FAULT_TRANSIENT);
        cr_expect_str_eq(answer->text, "who knows");
    }
    close_all(&stage, &line);
}

Test(transaction, transient_faults_are_told_as_such)
{
    struct stage stage;
    struct line line;
    if (!open_with_table(&stage, &line)) return;
    stage_do(&stage, "insert into t values (1, 1), (2, 2)");
    const struct store_answer *answer;

    line_start(&line, LONG_MS, "select pg_sleep(30)");
    const int pid = store_connection_session(line.connection)->pid;
    WAIT_ON(&stage, *stage_ask(&stage,
                               "select 1 from pg_stat_activity where pid = %d and wait_event ="
                               " 'PgSleep'",
                               pid));
    stage_do(&stage, "select pg_cancel_backend(%d)", pid);
    WAIT_ON(&stage, line.answers == 1);
    cr_expect(line.answer.result == STORE_FAILED && line.answer.fault == FAULT_TRANSIENT);
    cr_expect_str_eq(line.answer.sqlstate, "57014");

    stage_do(&stage, "begin");
    stage_do(&stage, "update t set n = 3 where id = 1");
    answer = line_run(&line, LONG_MS, "update t set n = 4 where id = 1", NULL);
    cr_expect_str_eq(answer->sqlstate, "55P03"); /* after 5 s */
    cr_expect_eq(answer->fault, FAULT_TRANSIENT);
    stage_do(&stage, "rollback");

    answer = line_run(&line, LONG_MS, "select set_config('transaction_read_only', 'on', true)",
                      "update t set n = 4", NULL);
    cr_expect_str_eq(answer->sqlstate, "25006");
    cr_expect_eq(answer->fault, FAULT_TRANSIENT);
    close_all(&stage, &line);
}

Test(transaction, of_two_that_deadlock_one_is_told_so)
{
    struct stage stage;
    struct line a, b;
    stage_open_cluster(&stage);
    stage_do(&stage, "create table t (id int primary key, n int)");
    stage_do(&stage, "insert into t values (1, 1), (2, 2)");
    line_open(&a, &stage, stage.url);
    line_open(&b, &stage, stage.url);
    const struct parcel_step up[] = { { .sql = "update t set n = 3 where id = 1" },
                                      { .sql = "select pg_advisory_xact_lock_shared(1)" },
                                      { .sql = "update t set n = 3 where id = 2" } };
    const struct parcel_step down[] = { up[2], up[1], up[0] };
    WAIT_ON(&stage, a.readies && b.readies);
    stage_do(&stage, "select pg_advisory_lock(1)"); /* until each has its first row */
    line_start_steps(&a, LONG_MS, up, 3);
    line_start_steps(&b, LONG_MS, down, 3);
    WAIT_ON(&stage, strcmp(stage_ask(&stage, "select count(*) from pg_locks where locktype ="
                                             " 'advisory' and not granted"),
                           "2") == 0);
    stage_do(&stage, "select pg_advisory_unlock(1)");
    WAIT_ON(&stage, a.answers && b.answers);
    const struct line *loser = a.answer.result == STORE_FAILED ? &a : &b;
    const struct line *winner = loser == &a ? &b : &a;
    cr_expect_eq(winner->answer.result, STORE_COMMITTED);
    cr_expect_eq(loser->answer.result, STORE_FAILED);
    cr_expect_str_eq(loser->answer.sqlstate, "40P01");
    cr_expect_eq(loser->answer.fault, FAULT_TRANSIENT);
    line_close(&a);
    close_all(&stage, &b);
}

struct verdicts {
    int n;
    enum reaped last;
};

static void on_reaped(void *own, enum reaped reaped, const char *why UNUSED)
{
    struct verdicts *verdicts = own;
    verdicts->n++;
    verdicts->last = reaped;
}

static enum reaped reap(struct line *by, const struct fence *fence, bool only_watches)
{
    struct verdicts verdicts = { 0 };
    WAIT_ON(by->stage, store_connection_is_ready(by->connection));
    reaping_start(by->connection, fence, only_watches, LONG_MS, on_reaped, &verdicts);
    WAIT_ON(by->stage, verdicts.n);
    return verdicts.last;
}

Test(transaction, a_stopped_backend_is_alive_until_it_is_gone)
{
    struct stage stage;
    struct line line, other;
    stage_open_cluster(&stage);
    stage_do(&stage, "create table t (id int primary key)");
    line_open(&line, &stage, stage.url);
    line_open(&other, &stage, stage.url);
    WAIT_ON(&stage, line.readies && other.readies);
    const int pid = store_connection_session(line.connection)->pid;
    cr_assert_eq(kill(pid, SIGSTOP), 0);
    const struct store_answer *answer = line_run(&line, 300, "insert into t values (1)", NULL);
    cr_expect_eq(answer->result, STORE_UNKNOWN);
    cr_expect_not_null(strstr(answer->text, "no answer within 300 ms"), "%s", answer->text);
    cr_expect_eq(reap(&other, &line.fence, true), REAPED_ALIVE);
    cr_expect_eq(reap(&other, &line.fence, false), REAPED_ALIVE);
    cr_expect_eq(reap(&other, &line.fence, false), REAPED_ALIVE);
    cr_assert_eq(kill(pid, SIGCONT), 0);
    WAIT_ON(&stage, reap(&other, &line.fence, false) == REAPED_GONE);
    cr_expect_str_eq(stage_ask(&stage, "select count(*) from t"), "0");
    cr_expect_eq(other.losses, 0, "the reaper ended somebody else: %s", other.why);
    line_close(&other);
    close_all(&stage, &line);
}

Test(transaction, a_server_started_again_has_no_old_backends)
{
    struct stage stage;
    struct line line;
    stage_open_cluster(&stage);
    line_open(&line, &stage, stage.url);
    line_start(&line, LONG_MS, "select pg_sleep(30)");
    stage_turn(&stage);
    stage_cluster(&stage, "kill", "");
    WAIT_ON(&stage, line.answers == 1);
    cr_expect_eq(line.answer.result, STORE_UNKNOWN);
    cr_expect_eq(line.answer.fault, FAULT_TRANSIENT);
    stage_cluster(&stage, "start", "");
    WAIT_ON(&stage, line.readies == 2);
    cr_expect_eq(reap(&line, &line.fence, false), REAPED_GONE);
    line_close(&line);
    stage_admin_again(&stage);
    stage_close(&stage);
}

Test(transaction, who_may_not_end_a_backend_watches_it)
{
    struct stage stage;
    struct line line, other;
    char url[300];
    stage_open_cluster(&stage);
    stage_do(&stage, "create role other login password 'other'");
    snprintf(url, sizeof url, "postgresql://other:other@127.0.0.1:%d/warrener", stage.port);
    line_open(&line, &stage, stage.url);
    line_open(&other, &stage, url);
    WAIT_ON(&stage, line.readies);
    const int pid = store_connection_session(line.connection)->pid;
    line_start(&line, 300, "select pg_sleep(600)");
    WAIT_ON(&stage, line.answers == 1);
    cr_expect_eq(line.answer.result, STORE_UNKNOWN);
    cr_expect_eq(reap(&other, &line.fence, false), REAPED_ALIVE);
    cr_expect_eq(reap(&other, &line.fence, true), REAPED_ALIVE);
    stage_do(&stage, "select pg_terminate_backend(%d)", pid);
    WAIT_ON(&stage, reap(&other, &line.fence, true) == REAPED_GONE);
    line_close(&other);
    close_all(&stage, &line);
}
