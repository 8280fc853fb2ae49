/* SPDX-License-Identifier: Apache-2.0
 *
 * Behind PgBouncer in transaction mode: prepared statements that do not last, backends that nobody
 * knows beforehand, and parcels that the pooler may yet pass on. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "integration/store/stage.h"
#include "store/reaper.h"

#define LONG_MS 10000
#define SLEEPER "select pid from pg_stat_activity where wait_event = 'PgSleep'"

static bool has_pooler(void)
{
    if (system("command -v pgbouncer >/dev/null 2>&1") == 0) return true; // NOLINT(cert-env33-c)
    fputs("no pgbouncer: passed over\n", stderr);
    return false;
}

static int open_pool(struct stage *stage, const char *mode, char *url, size_t url_bytes)
{
    stage_open_cluster(stage);
    stage_do(stage, "alter role warrener set search_path = %s", stage->schema);
    const int port = stage_cluster(stage, "pool", mode);
    snprintf(url, url_bytes, "postgresql://warrener:warrener@127.0.0.1:%d/warrener", port);
    return port;
}

static int open_pooled(struct stage *stage, char *url, size_t url_bytes)
{
    return open_pool(stage, "transaction", url, url_bytes);
}

static pid_t pooler_pid(const struct stage *stage, int port)
{
    char path[200];
    int pid = 0;
    snprintf(path, sizeof path, "%s/pool-%d.mark", stage->cluster, port);
    FILE *from = fopen(path, "re");
    cr_assert(from && fscanf(from, "%d", &pid) == 1); // NOLINT(cert-err34-c)
    fclose(from);
    return pid;
}

static const char *const text_values[] = { "a" };
static const int text_lengths[] = { 1 };
static const uint32_t text_types[] = { 25 };
static const struct parcel_step kept = { .name = "kept",
                                         .sql = "insert into t values ($1)",
                                         .n_values = 1,
                                         .types = text_types,
                                         .values = text_values,
                                         .lengths = text_lengths };

static void expect_kept_commits(struct line *line)
{
    const int before = line->answers;
    line_start_steps(line, LONG_MS, &kept, 1);
    WAIT_ON(line->stage, line->answers > before);
    cr_expect_eq(line->answer.result, STORE_COMMITTED, "%s", line->answer.text);
}

/* One backend has the statement and is kept busy, so that the next transaction meets another: to whom
 * it is unknown (26000). Somebody new then prepares it where it is (42P05). */
Test(pooler, a_statement_that_is_not_there_or_is_there_already)
{
    struct stage stage;
    struct line line, busy, stranger;
    char url[200];
    if (!has_pooler()) return;
    open_pooled(&stage, url, sizeof url);
    stage_do(&stage, "create table t (v text)");
    line_open(&line, &stage, url);
    WAIT_ON(&stage, line.readies); /* one after the other: so there is one backend */
    line_open(&busy, &stage, url);
    WAIT_ON(&stage, busy.readies);
    expect_kept_commits(&line);
    cr_expect(store_connection_uses_names(line.connection));
    store_connection_forget_names(busy.connection); /* or it finds out, and moves to another */
    line_start(&busy, 2 * PATIENCE_MS, "select pg_sleep(600)");
    WAIT_ON(&stage, *stage_ask(&stage, SLEEPER));
    expect_kept_commits(&line);
    cr_expect_not(store_connection_uses_names(line.connection), "it met the same backend");
    stage_do(&stage, "select pg_cancel_backend(pid) from (" SLEEPER ") x");
    WAIT_ON(&stage, busy.answers == 1);
    /* PgBouncer hands out the backend that was used last. */
    line_open(&stranger, &stage, url);
    expect_kept_commits(&stranger);
    cr_expect_not(store_connection_uses_names(stranger.connection));
    cr_expect_str_eq(stage_ask(&stage, "select count(*) from t"), "3");
    line_close(&line);
    line_close(&busy);
    line_close(&stranger);
    stage_close(&stage);
}

static void take_turns(const char *mode)
{
    struct stage stage;
    struct shop shops[3];
    char url[200];
    if (!has_pooler()) return;
    open_pool(&stage, mode, url, sizeof url);
    shop_make_table(&stage);
    for (int i = 0; i < 3; i++) shop_open(&shops[i], &stage, url, 2, LONG_MS);
    for (int i = 0; i < 3; i++) WAIT_ON(&stage, shops[i].is_ready);
    for (int n = 0; n < 60; n++) {
        struct shop *shop = &shops[n % 3];
        WAIT_ON(&stage, store_has_room(shop->store));
        struct crate *crate = shop_send(shop, 1, n % 2 ? "a" : "b", "c", NULL);
        if (n % 4 == 0) WAIT_ON(&stage, crate->is_answered);
    }
    for (int i = 0; i < 3; i++) {
        WAIT_ON(&stage, shops[i].answers == (int)shops[i].n_crates);
        for (unsigned n = 0; n < shops[i].n_crates; n++)
            cr_expect_eq(shops[i].crates[n].answer.result, STORE_COMMITTED, "%s",
                         shops[i].crates[n].answer.text);
        cr_expect_not_null(strstr(store_server(shops[i].store), "behind a pooler"));
        shop_close(&shops[i]);
    }
    cr_expect_str_eq(
        stage_ask(&stage, "select string_agg(key || value, ' ' order by key) from pair"),
        "a30 b30 c60");
    stage_close(&stage);
}

Test(pooler, statements_that_do_not_last)
{
    take_turns("transaction");
}

/* Where the pooler is too old to keep them, it is the test before once more. */
Test(pooler, statements_that_the_pooler_keeps)
{
    take_turns("named");
}

static void take_verdict(void *own, enum reaped reaped, const char *why UNUSED)
{
    *(enum reaped *)own = reaped;
}

static enum reaped reap(struct line *by, const struct fence *fence)
{
    enum reaped verdict = REAPED_LOST;
    WAIT_ON(by->stage, store_connection_is_ready(by->connection));
    reaping_start(by->connection, fence, false, LONG_MS, take_verdict, &verdict);
    WAIT_ON(by->stage, store_connection_is_ready(by->connection));
    return verdict;
}

Test(pooler, whichever_backend_has_it_is_ended)
{
    struct stage stage;
    struct line line, other;
    char url[200];
    if (!has_pooler()) return;
    open_pooled(&stage, url, sizeof url);
    stage_do(&stage, "create table t (id int)");
    line_open(&line, &stage, url);
    line_open(&other, &stage, url);
    WAIT_ON(&stage, line.readies && other.readies);
    cr_expect(store_connection_session(line.connection)->is_pooled);
    const struct parcel_step steps[] = { { .sql = "insert into t values (1)" },
                                         { .sql = "select pg_sleep(600)" } };
    line_start_steps(&line, 2000, steps, 2);
    WAIT_ON(&stage, line.answers == 1);
    cr_expect_eq(line.answer.result, STORE_UNKNOWN);
    cr_expect_eq(reap(&other, &line.fence), REAPED_ALIVE);
    WAIT_ON(&stage, reap(&other, &line.fence) == REAPED_GONE);
    cr_expect_str_eq(stage_ask(&stage, "select count(*) from pg_stat_activity where wait_event ="
                                       " 'PgSleep'"),
                     "0");
    cr_expect_str_eq(stage_ask(&stage, "select count(*) from t"), "0");
    line_close(&line);
    line_close(&other);
    stage_close(&stage);
}

/* It is gone only when the time is over in which it may begin, and then it says so by itself. */
static bool is_gone_in_time(struct line *by, const struct fence *fence)
{
    const enum reaped verdict = reap(by, fence);
    const bool is_over =
        *stage_ask(by->stage, "select extract(epoch from clock_timestamp()) * 1000000 > %s",
                   fence->begin_by_us) == 't';
    cr_expect(verdict == REAPED_ALIVE || is_over, "it may yet begin");
    return verdict == REAPED_GONE;
}

/* The pooler stands still with the parcel in its hands, and passes it on after we have given up. */
Test(pooler, what_it_passes_on_too_late_does_not_begin)
{
    struct stage stage;
    struct line line, other;
    char url[200];
    if (!has_pooler()) return;
    const int port = open_pooled(&stage, url, sizeof url);
    stage_do(&stage, "create table t (id int)");
    line_open(&line, &stage, url);
    line_open(&other, &stage, stage.url);
    WAIT_ON(&stage, line.readies && other.readies);
    const pid_t pid = pooler_pid(&stage, port);
    cr_assert_eq(kill(pid, SIGSTOP), 0);
    line_start(&line, 300, "insert into t values (1)");
    WAIT_ON(&stage, line.answers == 1);
    cr_expect_eq(line.answer.result, STORE_UNKNOWN);
    WAIT_ON(&stage, is_gone_in_time(&other, &line.fence));
    cr_assert_eq(kill(pid, SIGCONT), 0);
    WAIT_ON(&stage, line.readies == 2);
    cr_expect_str_eq(stage_ask(&stage, "select count(*) from t"), "0");
    line_close(&line);
    line_close(&other);
    stage_close(&stage);
}

Test(pooler, one_that_is_late_says_so_where_we_still_listen)
{
    struct stage stage;
    struct line line;
    char url[200];
    if (!has_pooler()) return;
    open_pooled(&stage, url, sizeof url);
    stage_do(&stage, "create table t (id int)");
    line_open(&line, &stage, url);
    WAIT_ON(&stage, line.readies);
    struct session *session = (struct session *)store_connection_session(line.connection);
    session->clock_ahead_us -= 3600LL * 1000000; /* the server's clock went on by an hour */
    const struct store_answer *answer = line_run(&line, LONG_MS, "insert into t values (1)", NULL);
    cr_expect_eq(answer->result, STORE_FAILED);
    cr_expect_eq(answer->fault, FAULT_TRANSIENT);
    cr_expect_not_null(strstr(answer->text, "too late"), "%s", answer->text);
    cr_expect_str_eq(stage_ask(&stage, "select count(*) from t"), "0");
    line_close(&line);
    stage_close(&stage);
}

/* A session of its own keeps its statements, and is still not the backend that libpq was told of. */
Test(pooler, statements_last_in_session_mode)
{
    struct stage stage;
    struct line line;
    char url[200];
    if (!has_pooler()) return;
    stage_open_cluster(&stage);
    stage_do(&stage, "alter role warrener set search_path = %s", stage.schema);
    stage_do(&stage, "create table t (v text)");
    snprintf(url, sizeof url, "postgresql://warrener:warrener@127.0.0.1:%d/warrener",
             stage_cluster(&stage, "pool", "session"));
    line_open(&line, &stage, url);
    for (int n = 0; n < 3; n++) expect_kept_commits(&line);
    cr_expect(store_connection_session(line.connection)->is_pooled);
    cr_expect(store_connection_uses_names(line.connection));
    cr_expect_str_eq(stage_ask(&stage, "select count(*) from t"), "3");
    line_close(&line);
    stage_close(&stage);
}
