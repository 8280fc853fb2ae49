/* SPDX-License-Identifier: Apache-2.0
 *
 * The store as a whole: parcels that meet never overlap and keep their order, what is unknown is certain
 * before it is told, and it comes back from every outage by itself. */
#include <signal.h>
#include <stdio.h>

#include "integration/store/stage.h"
#include "store/pool.h"

#define STOPPED_MS 4000 /* enough for a server that is not */
#define LONG_MS 10000

static bool open_shop(struct stage *stage, struct shop *shop, unsigned connections)
{
    if (!stage_open(stage)) return false;
    shop_make_table(stage);
    shop_open(shop, stage, stage->url, connections, LONG_MS);
    WAIT_ON(stage, shop->is_ready);
    return true;
}

static void close_all(struct stage *stage, struct shop *shop)
{
    shop_close(shop);
    stage_close(stage);
}

static void expect_pairs(struct stage *stage, const char *expected)
{
    cr_expect_str_eq(
        stage_ask(stage, "select string_agg(key || value, ' ' order by key) from pair"), expected);
}

Test(store, commits_parcels)
{
    struct stage stage;
    struct shop shop;
    if (!open_shop(&stage, &shop, 1)) return;
    cr_expect(store_has_room(shop.store) && shop.rooms == 1);
    cr_expect_str_eq(store_fault(shop.store), "");
    struct crate *crate = shop_send(&shop, 2, "a", "b", "a", NULL);
    cr_expect_not(store_has_room(shop.store));
    WAIT_ON(&stage, crate->is_answered);
    cr_expect_eq(crate->answer.result, STORE_COMMITTED, "%s", crate->answer.text);
    cr_expect_eq(crate->answer.rows, 2);
    cr_expect_eq(shop.rooms, 2);
    crate = shop_send(&shop, 3, "b", NULL);
    WAIT_ON(&stage, crate->is_answered);
    expect_pairs(&stage, "a4 b5");
    cr_expect_eq(store_reconnects(shop.store), 0);
    close_all(&stage, &shop);
}

/* Each row takes its time, and fails where another transaction is at the same key: an advisory lock
 * that is not waited for. */
static void make_jealous(struct stage *stage)
{
    stage_do(stage, "create table turn (who xid8, began timestamptz, ended timestamptz)");
    stage_do(stage, "create function jealous() returns trigger language plpgsql as $$"
                    " declare began timestamptz := clock_timestamp(); begin"
                    " if not pg_try_advisory_xact_lock(hashtext(tg_table_schema || new.key)) then"
                    " raise exception 'two at once'; end if; perform pg_sleep(0.05);"
                    " insert into turn values (pg_current_xact_id(), began, clock_timestamp());"
                    " return new; end $$");
    stage_do(stage, "create trigger jealous before insert on pair for each row"
                    " execute function jealous()");
}

Test(store, parcels_that_share_keys_never_overlap)
{
    struct stage stage;
    struct shop shop;
    if (!open_shop(&stage, &shop, 3)) return;
    make_jealous(&stage);
    WAIT_ON(&stage, store_has_room(shop.store));
    unsigned sent = 0;
    while (sent < 24 || shop.answers < (int)sent) {
        while (sent < 24 && store_has_room(shop.store)) {
            const char *const keys[] = { "a", "b", "c", "d" };
            shop_send(&shop, 1, keys[sent % 3], keys[(sent / 2) % 4], NULL);
            sent++;
        }
        stage_turn(&stage);
    }
    for (unsigned i = 0; i < sent; i++)
        cr_expect_eq(shop.crates[i].answer.result, STORE_COMMITTED, "%s",
                     shop.crates[i].answer.text);
    cr_expect_str_eq(stage_ask(&stage, "select count(*) > 0 from turn a, turn b where a.who < b.who"
                                       " and a.began < b.ended and b.began < a.ended"),
                     "t", "those that do not meet went one by one too");
    cr_expect_str_eq(stage_ask(&stage, "select sum(value) from pair"), "48");
    close_all(&stage, &shop);
}

Test(store, those_that_waited_for_a_failure_are_handed_back)
{
    struct stage stage;
    struct shop shop;
    if (!open_shop(&stage, &shop, 3)) return;
    stage_do(&stage, "alter table pair add check (value < 100)");
    WAIT_ON(&stage, store_has_room(shop.store));
    stage_do(&stage, "begin");
    stage_do(&stage, "lock table pair in share mode");
    struct crate *bad = shop_send(&shop, 100, "a", NULL);
    WAIT_ON(&stage, store_has_room(shop.store));
    struct crate *waiting = shop_send(&shop, 1, "a", "b", NULL);
    WAIT_ON(&stage, store_has_room(shop.store));
    struct crate *behind = shop_send(&shop, 1, "b", NULL);
    cr_expect_not(store_has_room(shop.store));
    stage_do(&stage, "rollback");
    WAIT_ON(&stage, behind->is_answered);
    cr_expect_eq(bad->answer.result, STORE_FAILED);
    cr_expect_eq(bad->answer.fault, FAULT_DATA);
    cr_expect_str_eq(bad->answer.constraint, "pair_value_check");
    cr_expect_eq(waiting->answer.result, STORE_NOT_SENT);
    cr_expect_eq(behind->answer.result, STORE_NOT_SENT);
    cr_expect(bad->place == 0 && waiting->place == 1 && behind->place == 2);
    cr_expect_str_eq(stage_ask(&stage, "select count(*) from pair"), "0");
    close_all(&stage, &shop);
}

static int backend_pid(struct stage *stage)
{
    return atoi(
        stage_ask(stage, // NOLINT(cert-err34-c)
                  "select pid from pg_stat_activity where application_name = 'warrener-test'"
                  " order by backend_start limit 1"));
}

Test(store, a_stopped_backend_is_ended_before_its_parcel_is_unknown)
{
    struct stage stage;
    struct shop shop;
    stage_open_cluster(&stage);
    shop_make_table(&stage);
    shop_open(&shop, &stage, stage.url, 2, STOPPED_MS);
    WAIT_ON(&stage, shop.is_ready && pool_up(shop.store) == 2); /* or both might ride on one */
    const int pid = backend_pid(&stage);
    cr_assert_eq(kill(pid, SIGSTOP), 0);
    /* Which connection takes it is the store's to say: one of two that do not meet is stopped. */
    struct crate *a = shop_send(&shop, 1, "a", NULL);
    cr_assert(store_has_room(shop.store));
    struct crate *b = shop_send(&shop, 1, "b", NULL);
    WAIT_ON(&stage, a->is_answered || b->is_answered);
    struct crate *stuck = a->is_answered ? b : a;
    const char *const key = a->is_answered ? "b" : "a";
    const uint64_t until_ms = stage_now_ms() + STOPPED_MS + 2000;
    while (stage_now_ms() < until_ms) stage_turn(&stage);
    cr_expect_not(stuck->is_answered, "it may yet commit");
    cr_expect(store_has_room(shop.store));
    struct crate *next = shop_send(&shop, 1, key, NULL);
    for (int i = 0; i < 10; i++) stage_turn(&stage);
    cr_expect_not(next->is_answered, "it meets one that may yet commit");
    cr_assert_eq(kill(pid, SIGCONT), 0);
    WAIT_ON(&stage, stuck->is_answered);
    cr_expect_eq(stuck->answer.result, STORE_UNKNOWN);
    cr_expect_eq(stuck->answer.fault, FAULT_TRANSIENT);
    WAIT_ON(&stage, next->is_answered);
    cr_expect_eq(next->answer.result, STORE_NOT_SENT);
    cr_expect_str_eq(stage_ask(&stage, "select count(*) from pair"), "1");
    close_all(&stage, &shop);
}

Test(store, a_terminated_backend_is_not_the_messages_fault)
{
    struct stage stage;
    struct shop shop;
    if (!open_shop(&stage, &shop, 1)) return;
    stage_do(&stage, "begin");
    stage_do(&stage, "lock table pair in share mode");
    struct crate *crate = shop_send(&shop, 1, "a", NULL);
    WAIT_ON(&stage, *stage_ask(&stage, "select 1 from pg_locks where not granted and relation ="
                                       " 'pair'::regclass"));
    stage_do(&stage,
             "select pg_terminate_backend(pid) from pg_locks where not granted and relation ="
             " 'pair'::regclass");
    WAIT_ON(&stage, crate->is_answered);
    cr_expect_eq(crate->answer.result, STORE_UNKNOWN);
    cr_expect_eq(crate->answer.fault, FAULT_TRANSIENT);
    stage_do(&stage, "rollback");
    WAIT_ON(&stage, shop.is_ready && store_has_room(shop.store));
    crate = shop_send(&shop, 1, "a", NULL);
    WAIT_ON(&stage, crate->is_answered);
    cr_expect_eq(crate->answer.result, STORE_COMMITTED);
    cr_expect(store_reconnects(shop.store) == 1 && shop.losses == 1 && !shop.is_deployment);
    expect_pairs(&stage, "a1");
    close_all(&stage, &shop);
}

Test(store, a_server_killed_and_started_again)
{
    struct stage stage;
    struct shop shop;
    stage_open_cluster(&stage);
    shop_make_table(&stage);
    shop_open(&shop, &stage, stage.url, 2, LONG_MS);
    WAIT_ON(&stage, shop.is_ready);
    stage_do(&stage, "begin");
    stage_do(&stage, "lock table pair in share mode");
    struct crate *crate = shop_send(&shop, 1, "a", NULL);
    for (int i = 0; i < 5; i++) stage_turn(&stage);
    stage_cluster(&stage, "kill", "");
    WAIT_ON(&stage, !shop.is_ready);
    cr_expect_not(shop.is_deployment, "%s", shop.why);
    cr_expect_not(crate->is_answered, "nobody has said that it cannot commit");
    cr_expect_not(store_has_room(shop.store));
    stage_cluster(&stage, "start", "");
    stage_admin_again(&stage);
    WAIT_ON(&stage, crate->is_answered && shop.is_ready);
    cr_expect_eq(crate->answer.result, STORE_UNKNOWN);
    crate = shop_send(&shop, 1, "a", NULL);
    WAIT_ON(&stage, crate->is_answered);
    cr_expect_eq(crate->answer.result, STORE_COMMITTED, "%s", crate->answer.text);
    expect_pairs(&stage, "a1");
    close_all(&stage, &shop);
}

/* All of the cluster's twelve but two, which are for superusers, and the admin's. No more: whoever is
 * refused has one of the two until it has gone, and without them the words would be others. */
#define OTHERS 9

static void take_connection(struct stage *stage, const char *url, PGconn **conn)
{
    *conn = PQconnectdb(url);
    while (PQstatus(*conn) != CONNECTION_OK) { /* who made the cluster may still be leaving */
        PQfinish(*conn);
        stage_turn(stage);
        *conn = PQconnectdb(url);
    }
}

Test(store, too_many_connections_is_waited_out)
{
    struct stage stage;
    struct shop shop;
    PGconn *others[OTHERS];
    char url[200];
    stage_open_cluster(&stage);
    shop_make_table(&stage);
    stage_do(&stage, "create role app login password 'app'");
    stage_do(&stage, "grant usage on schema %s to app", stage.schema);
    stage_do(&stage, "grant all on pair to app");
    snprintf(url, sizeof url,
             "postgresql://app:app@127.0.0.1:%d/warrener?options=-csearch_path%%3D%s", stage.port,
             stage.schema);
    for (int i = 0; i < OTHERS; i++) take_connection(&stage, url, &others[i]);
    shop_open(&shop, &stage, url, 1, LONG_MS);
    WAIT_ON(&stage, shop.losses);
    cr_expect_not_null(strstr(shop.why, "remaining connection slots are reserved"), "%s", shop.why);
    cr_expect_not(shop.is_deployment, "%s", shop.why);
    for (int i = 0; i < OTHERS; i++) PQfinish(others[i]);
    WAIT_ON(&stage, shop.is_ready);
    close_all(&stage, &shop);
}

Test(store, a_server_that_becomes_read_only_is_left)
{
    struct stage stage;
    struct shop shop;
    stage_open_cluster(&stage);
    shop_make_table(&stage);
    shop_open(&shop, &stage, stage.url, 1, LONG_MS);
    WAIT_ON(&stage, shop.is_ready);
    stage_do(&stage, "alter system set default_transaction_read_only = on");
    stage_do(&stage, "select pg_reload_conf()");
    WAIT_ON(&stage, strcmp(stage_ask(&stage, "show default_transaction_read_only"), "on") == 0);
    struct crate *crate = NULL;
    do { /* until the backend has read its configuration again */
        WAIT_ON(&stage, store_has_room(shop.store));
        crate = shop_send(&shop, 1, "a", NULL);
        WAIT_ON(&stage, crate->is_answered);
        for (int i = 0; i < 5 && crate->answer.result == STORE_COMMITTED; i++) stage_turn(&stage);
    } while (crate->answer.result == STORE_COMMITTED && shop.n_crates < HEARD_MOST - 1);
    cr_expect_str_eq(crate->answer.sqlstate, "25006");
    cr_expect_eq(crate->answer.fault, FAULT_TRANSIENT);
    WAIT_ON(&stage, !shop.is_ready && strstr(shop.why, "read-only"));
    cr_expect_not(shop.is_deployment, "%s", shop.why);
    stage_do(&stage, "set default_transaction_read_only = off");
    stage_do(&stage, "alter system reset default_transaction_read_only");
    stage_do(&stage, "select pg_reload_conf()");
    WAIT_ON(&stage, store_has_room(shop.store));
    crate = shop_send(&shop, 1, "b", NULL);
    WAIT_ON(&stage, crate->is_answered);
    cr_expect_eq(crate->answer.result, STORE_COMMITTED, "%s", crate->answer.text);
    close_all(&stage, &shop);
}

Test(store, a_table_dropped_and_restored)
{
    struct stage stage;
    struct shop shop;
    if (!open_shop(&stage, &shop, 2)) return;
    stage_do(&stage, "drop table pair");
    WAIT_ON(&stage, store_has_room(shop.store));
    struct crate *crate = shop_send(&shop, 1, "a", NULL);
    WAIT_ON(&stage, crate->is_answered);
    cr_expect_eq(crate->answer.result, STORE_FAILED);
    cr_expect_eq(crate->answer.fault, FAULT_DEPLOYMENT);
    cr_expect(!shop.is_ready && shop.is_deployment && !store_has_room(shop.store));
    cr_expect(store_is_at_fault(shop.store));
    WAIT_ON(&stage, strstr(shop.why, "there is no such table"));
    cr_expect_not_null(strstr(shop.why, "consumer pairs, table \"pair\""), "%s", shop.why);
    cr_expect_leq(shop.losses, 2, "the same fault is told once");
    shop_make_table(&stage);
    WAIT_ON(&stage, shop.is_ready && store_has_room(shop.store));
    crate = shop_send(&shop, 1, "a", NULL);
    WAIT_ON(&stage, crate->is_answered);
    cr_expect_eq(crate->answer.result, STORE_COMMITTED, "%s", crate->answer.text);
    close_all(&stage, &shop);
}

/* The catalogue cannot know what a trigger needs: no hot loop of failures then. */
Test(store, a_fault_that_the_catalogue_does_not_see_rests)
{
    struct stage stage;
    struct shop shop;
    if (!open_shop(&stage, &shop, 1)) return;
    stage_do(&stage, "create function lost() returns trigger language plpgsql as $$ begin"
                     " perform 1 from absent; return new; end $$");
    stage_do(&stage,
             "create trigger lost before insert on pair for each row execute function lost()");
    const uint64_t sent_ms = stage_now_ms();
    struct crate *crate = shop_send(&shop, 1, "a", NULL);
    WAIT_ON(&stage, crate->is_answered);
    cr_expect_str_eq(crate->answer.sqlstate, "42P01");
    cr_expect_not(shop.is_ready);
    cr_expect_not_null(strstr(shop.why, "absent"), "%s", shop.why);
    WAIT_ON(&stage, shop.is_ready);
    cr_expect_geq(stage_now_ms() - sent_ms, 2000);
    close_all(&stage, &shop);
}

Test(store, freed_with_everything_under_way)
{
    struct stage stage;
    struct shop shop;
    if (!open_shop(&stage, &shop, 3)) return;
    stage_do(&stage, "begin");
    stage_do(&stage, "lock table pair in share mode");
    WAIT_ON(&stage, store_has_room(shop.store));
    shop_send(&shop, 1, "a", NULL);
    WAIT_ON(&stage, store_has_room(shop.store));
    shop_send(&shop, 1, "a", NULL);
    stage_turn(&stage);
    shop_close(&shop);
    cr_expect_eq(shop.answers, 0);
    stage_do(&stage, "rollback");
    shop_open(&shop, &stage, "postgresql://nowhere.invalid/x", 2, LONG_MS);
    stage_turn(&stage);
    close_all(&stage, &shop);
}
