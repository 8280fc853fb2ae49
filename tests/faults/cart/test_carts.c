/* SPDX-License-Identifier: Apache-2.0
 *
 * Carts, after events that were shuffled and repeated while hosts were killed, are what a plain replay of
 * the log makes of them; and no cart holds more than it may at any commit, however many hosts add to it. */
#include <stdlib.h>
#include <string.h>

#include "shop.h"
#include "support/dice.h"

TestSuite(carts, .timeout = 1500);

/* ---- a log ------------------------------------------------------------------------------------- */

struct event {
    const char *type;
    unsigned user, sku, quantity;
    long seq;
};

#define SKUS 15 /* of a user's events: below max_lines whatever comes first */

static struct event random_event(unsigned users, unsigned skus, long *seqs)
{
    const uint64_t dice = dice_below(100);
    struct event event = { .user = (unsigned)dice_below(users), .sku = (unsigned)dice_below(skus) };
    event.seq = ++seqs[event.user];
    event.type = dice < 65   ? "item.set"
                 : dice < 94 ? "item.removed"
                 : dice < 97 ? "cleared"
                             : "checked_out";
    if (dice < 65) event.quantity = 1 + (unsigned)dice_below(99);
    return event;
}

/* What an event says, in order and once. */
static void replay(struct cart *carts, const struct event *event)
{
    struct cart *cart = &carts[event->user];
    cart->seq = event->seq;
    if (strncmp(event->type, "item.", 5) == 0)
        cart->quantity[event->sku] = event->quantity;
    else
        memset(cart->quantity, 0, sizeof cart->quantity);
}

static void shuffle(struct event *events, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        const size_t k = dice_below(i);
        const struct event kept = events[i - 1];
        events[i - 1] = events[k];
        events[k] = kept;
    }
}

static unsigned compare(const struct cart *expected, const struct cart *found, unsigned n)
{
    unsigned differ = 0;
    for (unsigned i = 0; i < n; i++)
        if (expected[i].seq != found[i].seq ||
            memcmp(expected[i].quantity, found[i].quantity, sizeof found[i].quantity) != 0)
            differ += 1;
    return differ;
}

Test(carts, are_what_a_replay_makes_of_them)
{
    struct shop shop;
    const unsigned n = shop_is_full() ? 200000 : 2000, users = n / 40;
    if (!shop_open(&shop, "replay", 3, "lanes: 2, options: {max_lines: 15}")) return;
    struct play *play = &shop.pantry.play;
    dice_begin("carts");
    struct event *events = calloc(n, sizeof *events);
    struct cart *expected = calloc(users, sizeof *expected);
    long *seqs = calloc(users, sizeof *seqs);
    cr_assert(events && expected && seqs);
    const unsigned different = n - n / 6; /* the others are repeats */
    for (unsigned i = 0; i < different; i++) {
        events[i] = random_event(users, SKUS, seqs);
        replay(expected, &events[i]);
    }
    for (unsigned i = different; i < n; i++) events[i] = events[dice_below(different)];
    shuffle(events, n);
    FILE *file = shop_begin(&shop);
    for (unsigned i = 0; i < n; i++)
        shop_print(&shop, file, events[i].type, events[i].user, events[i].seq, events[i].sku,
                   events[i].quantity);
    cr_assert(fclose(file) == 0);
    const uint64_t began_ms = clock_now_ms();
    const pid_t publisher = shop_publish(&shop);
    unsigned kills = 0;
    for (unsigned some = n / 60; kills < (shop_is_full() ? 10 : 2); some += n / 60, kills++) {
        WAIT_UP_TO(play, 1200000, DONE(&shop.pantry) >= some || play_is_still(play));
        shop_kill_host(&shop, kills % 2);
    }
    shop_await_published(&shop, publisher);
    shop_end_hosts(&shop);
    fprintf(stderr, "%u messages of %u events for %u carts, %u hosts killed: %llu ms\n", n,
            different, users, kills, (unsigned long long)(clock_now_ms() - began_ms));
    PROVE(play, rabbit_ready(play->rabbit, play->dead) == 0, "something was rejected");
    struct cart *found = shop_carts(&shop, users);
    PROVE(play, compare(expected, found, users) == 0);
    PROVE(play, shop_compare_cache(&shop, found, users) == 0);
    free(events);
    free(expected);
    free(seqs);
    free(found);
    shop_close(&shop);
}

/* ---- limits ------------------------------------------------------------------------------------ */

#define HOT 20
#define LINES 8

/* Counts at the end of each transaction, when it holds every lock that it will have. */
static const char counting[] =
    "create table seen (user_id bigint, lines int);"
    "create function count_lines() returns trigger language plpgsql as $$ begin"
    " insert into seen select new.user_id, count(*) from cart_line"
    " where user_id = new.user_id and quantity > 0; return null; end $$;"
    "create constraint trigger count_lines after insert or update on cart_line"
    " deferrable initially deferred for each row execute function count_lines();";

Test(carts, hold_no_more_than_they_may)
{
    struct shop shop;
    const unsigned n = shop_is_full() ? 40000 : 1000;
    long seqs[HOT] = { 0 };
    if (!shop_open(&shop, "limits", 4, "lanes: 2, prefetch: 200, options: {max_lines: 8}")) return;
    struct play *play = &shop.pantry.play;
    dice_begin("limits");
    sql(shop.pantry.db.conn, "%s", counting);
    FILE *file = shop_begin(&shop);
    for (unsigned i = 0; i < n; i++) {
        const struct event event = random_event(HOT, SHOP_PRODUCTS, seqs);
        shop_print(&shop, file, event.type, event.user, event.seq, event.sku, event.quantity);
    }
    cr_assert(fclose(file) == 0);
    const uint64_t began_ms = clock_now_ms();
    sql(shop.pantry.db.conn, "begin; lock table cart in exclusive mode");
    shop_await_published(&shop, shop_publish(&shop));
    WAIT(play, postgres_blocked(&shop.pantry.db) >= 4); /* so that all of them are at it at once */
    sql(shop.pantry.db.conn, "commit");
    WAIT_UP_TO(play, 1200000, play_is_still(play));
    const double done = DONE(&shop.pantry);
    const double again = play_metric(play, "warrener_batches_total@,outcome=\"retried\"}");
    shop_end_hosts(&shop);
    const unsigned rejected = rabbit_ready(play->rabbit, play->dead);
    fprintf(
        stderr,
        "%u events for %d carts by 4 hosts: %llu ms, %u rejected, %s commits counted, at most %s "
        "lines, %s times as many; one host: %.0f done, %.0f batches again\n",
        n, HOT, (unsigned long long)(clock_now_ms() - began_ms), rejected,
        sql(shop.pantry.db.conn, "select count(*) from seen"),
        sql(shop.pantry.db.conn, "select max(lines) from seen"),
        sql(shop.pantry.db.conn, "select count(*) from seen where lines = %d", LINES), done, again);
    PROVE(play,
          strcmp(sql(shop.pantry.db.conn, "select count(*) from seen where lines > %d", LINES),
                 "0") == 0,
          "a cart held more than it may");
    PROVE(play, strcmp(sql(shop.pantry.db.conn, "select max(lines) from seen"), "8") == 0);
    PROVE(play, rejected > 0, "no limit was ever met");
    PROVE(play, again > 0 && done < n, "hosts never met");
    struct cart *found = shop_carts(&shop, HOT);
    PROVE(play, shop_compare_cache(&shop, found, HOT) == 0);
    free(found);
    shop_close(&shop);
}

/* ---- cleaning ---------------------------------------------------------------------------------- */

/* One article for each of the three, the seq-th event of each. */
static void send(struct shop *shop, const long seqs[3])
{
    FILE *file = shop_begin(shop);
    for (unsigned user = 0; user < 3; user++)
        shop_print(shop, file, "item.set", user, seqs[user], 1, 1);
    cr_assert(fclose(file) == 0);
    shop_await_published(shop, shop_publish(shop));
}

Test(carts, are_cleaned_when_they_are_idle)
{
    struct shop shop;
    if (!shop_open(&shop, "idle", 1, "options: {idle_days: 10}")) return;
    struct play *play = &shop.pantry.play;
    PGconn *conn = shop.pantry.db.conn;
    send(&shop, (const long[]){ 1, 1, 1 });
    WAIT(play, DONE(&shop.pantry) == 3);
    sql(conn, "update cart set touched_at = now() - interval '11 days' where user_id < 2");
    char *idle = strdup(sql(conn, "select string_agg(m, e'\\n') from cart_idle('10 days') m"));
    cr_assert_eq(strlen(sql(conn, "select m from cart_idle('12 days') m")), 0);
    sql(conn, "update cart set touched_at = now() where user_id = 1"); /* meanwhile */
    play_send(play, idle);
    free(idle);
    WAIT(play, DONE(&shop.pantry) == 5);
    PROVE(play,
          strcmp(sql(conn, "select string_agg(user_id::text, ' ' order by user_id) from cart"),
                 "1 2") == 0);
    PROVE(play, strcmp(sql(conn, "select count(*) from cart_line"), "2") == 0);
    PROVE(play, strcmp(redis_ask(&shop.pantry.redis, "HGET cart:0 value"), "(nil)") == 0);
    PROVE(play,
          play_metric(play, "warrener_handler_swept_total{handler=\"cart_keep\",queue=\"%s\"}",
                      play->queue) == 1);
    redis_ask(&shop.pantry.redis, "DEL cart:2");
    send(&shop, (const long[]){ 2, 2, 1 }); /* a repeat mends its entry */
    WAIT(play, DONE(&shop.pantry) == 8);
    shop_end_hosts(&shop);
    struct cart *found = shop_carts(&shop, 3);
    PROVE(play, found[0].seq == 2 && found[0].quantity[1] == 1);
    PROVE(play, shop_compare_cache(&shop, found, 3) == 0);
    free(found);
    shop_close(&shop);
}
