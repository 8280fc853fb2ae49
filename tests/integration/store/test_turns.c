/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose turn it is when a connection becomes free, with nobody else there to ask: what waits goes at
 * once, and a backend that could not be ended is tried again. */
#include <stdio.h>
#include <stdlib.h>

#include "integration/store/stage.h"
#include "store/query.h"
#include "store/reaper.h"

#define LONG_MS 10000
#define SHORT_MS 500

/* ---- one connection for all -------------------------------------------------------------------- */

struct question {
    struct query query;
    bool is_answered;
};

static void on_question_end(void *own, bool is_done, const char *why)
{
    struct question *question = own;
    cr_expect(is_done, "%s", why);
    question->is_answered = true;
}

static void ask(struct shop *shop, struct question *question, const char *sql)
{
    *question = (struct question){
        .query = { .step = { .sql = sql }, .on_end = on_question_end, .owner = question }
    };
    store_ask(shop->store, &question->query);
}

static bool open_narrow(struct stage *stage, struct shop *shop)
{
    if (!stage_open(stage)) return false;
    shop_make_table(stage);
    shop_open(shop, stage, stage->url, 1, LONG_MS);
    WAIT_ON(stage, store_has_room(shop->store));
    stage_do(stage, "begin");
    stage_do(stage, "lock table pair");
    return true;
}

static void await_blocked(struct stage *stage)
{
    WAIT_ON(stage, *stage_ask(stage, "select 1 from pg_locks where not granted and relation ="
                                     " 'pair'::regclass"));
}

static void close_narrow(struct stage *stage, struct shop *shop)
{
    shop_close(shop);
    stage_close(stage);
}

Test(turns, a_query_goes_when_a_parcel_is_done)
{
    struct stage stage;
    struct shop shop;
    struct question question;
    if (!open_narrow(&stage, &shop)) return;
    const struct crate *const crate = shop_send(&shop, 1, "a", NULL);
    await_blocked(&stage);
    ask(&shop, &question, "select 1");
    stage_turn(&stage);
    cr_expect_not(question.is_answered);
    stage_do(&stage, "rollback");
    WAIT_ON(&stage, question.is_answered);
    cr_expect_eq(crate->answer.result, STORE_COMMITTED);
    close_narrow(&stage, &shop);
}

Test(turns, a_parcel_goes_when_a_query_is_done)
{
    struct stage stage;
    struct shop shop;
    struct question question;
    if (!open_narrow(&stage, &shop)) return;
    ask(&shop, &question, "select count(*) from pair");
    await_blocked(&stage);
    const struct crate *const crate = shop_send(&shop, 1, "a", NULL);
    stage_turn(&stage);
    cr_expect_not(crate->is_answered);
    stage_do(&stage, "rollback");
    WAIT_ON(&stage, crate->is_answered);
    cr_expect(question.is_answered && crate->answer.result == STORE_COMMITTED);
    close_narrow(&stage, &shop);
}

/* Of many that wait, neither kind goes only when the other is through. */
Test(turns, queries_and_parcels_take_turns)
{
    struct stage stage;
    struct shop shop;
    struct question questions[3];
    if (!open_narrow(&stage, &shop)) return;
    for (int i = 0; i < 3; i++) ask(&shop, &questions[i], "select count(*) from pair");
    await_blocked(&stage);
    const struct crate *const crate = shop_send(&shop, 1, "a", NULL);
    stage_do(&stage, "rollback");
    WAIT_ON(&stage, questions[1].is_answered);
    cr_expect(crate->is_answered, "it came before the second");
    WAIT_ON(&stage, questions[2].is_answered);
    close_narrow(&stage, &shop);
}

/* ---- backends that cannot be ended --------------------------------------------------------------- */

/* As these connections see it, ending a backend fails the first `times` with that SQLSTATE. */
static void forbid(struct stage *stage, const char *sqlstate, int times, char *url,
                   size_t url_bytes)
{
    stage_do(stage, "create sequence tries");
    stage_do(
        stage,
        "create function pg_terminate_backend(pid int) returns bool language plpgsql as $$ begin"
        " if nextval('tries') <= %d then raise exception 'not now' using errcode = '%s'; end if;"
        " return pg_catalog.pg_terminate_backend(pid); end $$",
        times, sqlstate);
    snprintf(url, url_bytes, "%s%%2Cpg_catalog", stage->url);
}

static void take_verdict(void *own, enum reaped reaped, const char *why UNUSED)
{
    *(enum reaped *)own = reaped;
}

/* Asks once whether the backend of a transaction without an answer has gone. */
static enum reaped ask_with(const char *sqlstate)
{
    struct stage stage;
    struct line line, other;
    char url[600];
    enum reaped verdict = REAPED_LOST;
    if (!stage_open(&stage)) return verdict;
    forbid(&stage, sqlstate, 1000, url, sizeof url);
    line_open(&line, &stage, stage.url);
    line_open(&other, &stage, url);
    line_start(&line, SHORT_MS, "select pg_sleep(600)");
    WAIT_ON(&stage, line.answers == 1 && store_connection_is_ready(other.connection));
    reaping_start(other.connection, &line.fence, false, LONG_MS, take_verdict, &verdict);
    WAIT_ON(&stage, verdict != REAPED_LOST);
    stage_do(&stage, "select pg_catalog.pg_terminate_backend(%d)", line.fence.session.pid);
    line_close(&other);
    line_close(&line);
    stage_close(&stage);
    return verdict;
}

Test(turns, the_want_of_the_right_is_a_refusal)
{
    if (getenv("DATABASE_URL")) cr_expect_eq(ask_with("42501"), REAPED_REFUSED);
}

Test(turns, another_failure_is_none)
{
    if (getenv("DATABASE_URL")) cr_expect_eq(ask_with("57014"), REAPED_ALIVE);
}

Test(turns, a_backend_is_told_to_end_until_that_is_done)
{
    struct stage stage;
    struct shop shop;
    char url[600];
    if (!stage_open(&stage)) return;
    shop_make_table(&stage);
    forbid(&stage, "57014", 2, url, sizeof url);
    stage_do(&stage, "create function slow() returns trigger language plpgsql as $$ begin"
                     " perform pg_sleep(600); return new; end $$");
    stage_do(&stage,
             "create trigger slow before insert on pair for each row execute function slow()");
    shop_open(&shop, &stage, url, 2, SHORT_MS);
    WAIT_ON(&stage, store_has_room(shop.store));
    const struct crate *const crate = shop_send(&shop, 1, "a", NULL);
    WAIT_ON(&stage, crate->is_answered);
    cr_expect_eq(crate->answer.result, STORE_UNKNOWN);
    cr_expect_str_eq(stage_ask(&stage, "select last_value >= 3 from tries"), "t");
    shop_close(&shop);
    stage_close(&stage);
}
