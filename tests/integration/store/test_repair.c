/* SPDX-License-Identifier: Apache-2.0
 *
 * Single statements beside parcels, and those of warrener.cache_repair among them, on a server of their
 * own: the newest of a key stays, and a row goes only at the seq it was read at. */
#include <signal.h>
#include <stdio.h>

#include "integration/store/stage.h"
#include "store/query.h"
#include "store/repair.h"

#define LONG_MS 10000

struct asked {
    struct query query;
    bool is_over, is_done;
    char why[300];
    struct arena arena;
    struct repair_row rows[20];
    size_t n;
    char first[100];
};

static void on_rows(void *own, const struct query_rows *rows)
{
    struct asked *asked = own;
    const struct wr_text first = query_text(rows, 0, 0);
    snprintf(asked->first, sizeof asked->first, "%.*s", TEXT_ARGS(first));
}

static void on_page(void *own, const struct query_rows *rows)
{
    struct asked *asked = own;
    for (asked->n = 0; asked->n < query_count(rows); asked->n++)
        cr_assert(repair_take_row(rows, asked->n, &asked->arena, &asked->rows[asked->n]));
}

static void on_end(void *own, bool is_done, const char *why)
{
    struct asked *asked = own;
    cr_assert(!asked->is_over);
    asked->is_over = true;
    asked->is_done = is_done;
    snprintf(asked->why, sizeof asked->why, "%s", why);
}

static void ask(struct shop *shop, struct asked *asked, struct parcel_step step,
                void (*takes)(void *, const struct query_rows *))
{
    asked->is_over = false;
    asked->query.step = step;
    asked->query.on_rows = takes;
    asked->query.on_end = on_end;
    asked->query.owner = asked;
    store_ask(shop->store, &asked->query);
    cr_assert(!asked->is_over, "told from inside");
}

static void do_it(struct stage *stage, struct shop *shop, struct parcel_step step,
                  struct asked *asked)
{
    ask(shop, asked, step, on_page);
    WAIT_ON(stage, asked->is_over);
    cr_assert(asked->is_done, "%s", asked->why);
}

static struct repair_row row(const char *key, uint64_t version, const char *value)
{
    return (struct repair_row){ .key = text_of(key),
                                .value = text_of(value),
                                .is_drop = !value,
                                .version = version,
                                .ttl_s = 60 };
}

static void migrate(struct stage *stage, const char *path)
{
    FILE *file = fopen(path, "re");
    char text[4000] = "";
    cr_assert(file && fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    stage_do(stage, "%s", text);
}

static void open_all(struct stage *stage, struct shop *shop)
{
    stage_open_cluster(stage);
    shop_make_table(stage);
    stage_do(stage, "create schema warrener");
    migrate(stage, OWN_SQL "/0002_cache_repair.sql");
    migrate(stage, OWN_SQL "/0003_cache_repair_rows.sql");
    shop_open(shop, stage, stage->url, 1, LONG_MS);
    WAIT_ON(stage, shop->is_ready);
}

#define SHOWN                                                                                      \
    "select string_agg(encode(key, 'escape') || ' ' || version || ' ' || coalesce(encode(value, "  \
    "'escape'), '-'), ', ' order by key) from warrener.cache_repair"

Test(repair, the_newest_of_a_key_stays_whatever_order_they_come_in, .timeout = 120)
{
    if (!getenv("DATABASE_URL")) return;
    struct stage stage;
    struct shop shop;
    static struct asked asked;
    open_all(&stage, &shop);
    arena_init(&asked.arena, NULL, 0);
    const struct repair_row first[] = { row("b", 5, "five"),        row("a", 1, NULL),
                                        row("b", 7, "seven"),       row("a", 1, "one"),
                                        row("c", UINT64_MAX, NULL), row("b", 6, "six") };
    do_it(&stage, &shop, repair_record(first, 6, &asked.arena), &asked);
    cr_expect_str_eq(stage_ask(&stage, SHOWN), "a 1 one, b 7 seven, c 18446744073709551615 -");
    const struct repair_row second[] = { row("a", 1, NULL), row("b", 8, NULL),
                                         row("c", UINT64_MAX, "last") };
    do_it(&stage, &shop, repair_record(second, 3, &asked.arena), &asked);
    cr_expect_str_eq(stage_ask(&stage, SHOWN), "a 1 one, b 8 -, c 18446744073709551615 last");
    shop_close(&shop);
    stage_close(&stage);
    arena_reset(&asked.arena);
}

Test(repair, a_row_goes_only_at_the_seq_it_was_read_at, .timeout = 120)
{
    if (!getenv("DATABASE_URL")) return;
    struct stage stage;
    struct shop shop;
    static struct asked asked;
    open_all(&stage, &shop);
    arena_init(&asked.arena, NULL, 0);
    struct repair_row rows[] = { row("b", 5, "x"), row("a", 1, NULL), row("c", 2, "") };
    rows[2].key = text_from("c\0\xff", 3);
    do_it(&stage, &shop, repair_record(rows, 3, &asked.arena), &asked);
    do_it(&stage, &shop, repair_read(0, 20, &asked.arena), &asked);
    cr_assert_eq(asked.n, 3);
    for (size_t i = 0; i < 3; i++) {
        const struct repair_row *read = &asked.rows[i];
        const struct repair_row *put = text_is(read->key, "a")   ? &rows[1]
                                       : text_is(read->key, "b") ? &rows[0]
                                                                 : &rows[2];
        cr_expect(text_equal(read->key, put->key) && text_equal(read->value, put->value));
        cr_expect(read->version == put->version && read->is_drop == put->is_drop);
        cr_expect(read->ttl_s == 60 && (i == 0 || read->seq > asked.rows[i - 1].seq));
    }
    struct repair_row all[3];
    memcpy(all, asked.rows, sizeof all);
    do_it(&stage, &shop, repair_record(rows, 1, &asked.arena), &asked); /* b again, the same */
    do_it(&stage, &shop, repair_delete(all, 3, &asked.arena), &asked);
    cr_expect_str_eq(stage_ask(&stage, SHOWN), "b 5 x");
    do_it(&stage, &shop, repair_read(all[2].seq, 20, &asked.arena), &asked);
    cr_assert_eq(asked.n, 1);
    do_it(&stage, &shop, repair_delete(asked.rows, 1, &asked.arena), &asked);
    ask(&shop, &asked, repair_count(), on_rows);
    WAIT_ON(&stage, asked.is_over);
    cr_expect_str_eq(asked.first, "0");
    shop_close(&shop);
    stage_close(&stage);
    arena_reset(&asked.arena);
}

Test(query, goes_between_parcels_fails_in_words_and_waits_for_the_server, .timeout = 120)
{
    if (!getenv("DATABASE_URL")) return;
    struct stage stage;
    struct shop shop;
    static struct asked one, two, three;
    open_all(&stage, &shop);
    struct crate *crate = shop_send(&shop, 2, "a", NULL);
    ask(&shop, &one, (struct parcel_step){ .sql = "select count(*) from pair" }, on_rows);
    ask(&shop, &two, (struct parcel_step){ .sql = "select nonesuch" }, on_rows);
    ask(&shop, &three, (struct parcel_step){ .sql = "select 3" }, on_rows);
    store_unask(&three.query);
    WAIT_ON(&stage, one.is_over && two.is_over && crate->is_answered);
    cr_expect(one.is_done && strcmp(one.first, "1") == 0);
    cr_expect(!two.is_done && strstr(two.why, "nonesuch"), "%s", two.why);
    ask(&shop, &one, (struct parcel_step){ .sql = "select pg_sleep(60)" }, NULL);
    ask(&shop, &two, (struct parcel_step){ .sql = "select 4" }, on_rows);
    stage_turn(&stage);
    stage_cluster(&stage, "restart", "");
    WAIT_ON(&stage, one.is_over && two.is_over);
    cr_expect(!one.is_done && *one.why);
    cr_expect(two.is_done && strcmp(two.first, "4") == 0, "%s", two.why);
    cr_expect(!three.is_over);
    ask(&shop, &one, (struct parcel_step){ .sql = "select pg_sleep(60)" }, NULL);
    ask(&shop, &two, (struct parcel_step){ .sql = "select 4" }, NULL);
    stage_turn(&stage);
    store_unask(&one.query);
    stage_admin_again(&stage);
    shop_close(&shop); /* with one out and one that waits */
    stage_close(&stage);
}
