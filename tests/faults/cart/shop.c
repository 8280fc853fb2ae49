/* SPDX-License-Identifier: Apache-2.0
 *
 * See shop.h. */
#include "shop.h"

#include <stdlib.h>
#include <string.h>

__attribute__((constructor)) static void one_at_a_time(void)
{
    setenv("CRITERION_JOBS", "1", 1);
}

bool shop_is_full(void)
{
    const char *form = getenv("WARRENER_FAULTS");
    return form && strcmp(form, "full") == 0;
}

/* ---- hosts ----------------------------------------------------------------------------------- */

static void start_hosts(struct shop *shop, unsigned n)
{
    struct play *play = &shop->pantry.play;
    uint32_t ready, consumers = 0;
    play_start_ready(play);
    while (shop->n_others + 1 < n)
        shop->others[shop->n_others++] = play_spawn(play, (const char *const[]){ "run", NULL });
    WAIT(play, rabbit_look(play->rabbit, play->queue, &ready, &consumers) && consumers == n);
}

bool shop_open(struct shop *shop, const char *name, unsigned hosts, const char *consumer)
{
    char top[600], output[2000];
    *shop = (struct shop){ .n_others = 0 };
    struct pantry *pantry = &shop->pantry;
    struct play *play = &pantry->play;
    if (!open_pantry(pantry, name, "cart_keep", "on_failure: degrade", true)) return false;
    snprintf(top, sizeof top,
             "redis: {url: \"redis://127.0.0.1:%u/0\"}\n"
             "postgres: {url: \"%s\", connections: 2}",
             pantry->redis.port, pantry->db.url);
    play_configure(play, &(struct setup){ .handler = "cart_keep",
                                          .plugins = play_workers_dir(),
                                          .top = top,
                                          .consumer = consumer });
    PROVE(play, RUN(play, output, "migrate", "--dir", TEST_SOURCE "/../sql/workers") == 0, "%s",
          output);
    sql(pantry->db.conn,
        "insert into product (sku, name, price) select format('p%%s', lpad(i::text, 2, '0')),"
        " format('Product %%s', i), 0.99 + i * 0.07 from generate_series(0, %d) i",
        SHOP_PRODUCTS - 1);
    snprintf(shop->at, sizeof shop->at, "%s",
             sql(pantry->db.conn, "select to_char(now() at time zone 'UTC' - interval '1 minute',"
                                  " 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"));
    start_hosts(shop, hosts);
    return true;
}

void shop_kill_host(struct shop *shop, unsigned nth)
{
    kill(shop->others[nth], SIGKILL);
    PROVE(&shop->pantry.play, play_reap(shop->others[nth]) == -SIGKILL);
    shop->others[nth] = play_spawn(&shop->pantry.play, (const char *const[]){ "run", NULL });
}

/* What the others give back, the play's own finishes. */
void shop_end_hosts(struct shop *shop)
{
    struct play *play = &shop->pantry.play;
    WAIT_UP_TO(play, 1200000, play_is_still(play));
    for (unsigned i = 0; i < shop->n_others; i++) kill(shop->others[i], SIGTERM);
    for (unsigned i = 0; i < shop->n_others; i++)
        PROVE(play, play_reap(shop->others[i]) == 0, "a host did not end well");
    shop->n_others = 0;
    WAIT(play, play_is_still(play));
    PROVE(play, play_end(play) == 0);
    PROVE(play, play_left(play) == 0, "something was not acked");
    PROVE(play, strcmp(sql(shop->pantry.db.conn, "select count(*) from warrener.cache_repair"),
                       "0") == 0);
}

void shop_close(struct shop *shop)
{
    for (unsigned i = 0; i < shop->n_others; i++) kill(shop->others[i], SIGKILL);
    close_pantry(&shop->pantry);
}

/* ---- messages -------------------------------------------------------------------------------- */

FILE *shop_begin(const struct shop *shop)
{
    FILE *file = fopen(play_path(&shop->pantry.play, "messages"), "we");
    cr_assert(file);
    return file;
}

void shop_print(const struct shop *shop, FILE *file, const char *type, unsigned user, long seq,
                unsigned sku, unsigned quantity)
{
    fprintf(file,
            "{\"id\":\"%u-%ld\",\"type\":\"cart.%s\",\"body\":{\"user_id\":%u,\"seq\":%ld,"
            "\"at\":\"%s\"",
            user, seq, type, user, seq, shop->at);
    if (strncmp(type, "item.", 5) == 0) fprintf(file, ",\"sku\":\"p%02u\"", sku);
    if (quantity) fprintf(file, ",\"quantity\":%u", quantity);
    fputs("}}\n", file);
}

pid_t shop_publish(const struct shop *shop)
{
    const struct play *play = &shop->pantry.play;
    return play_spawn(play,
                      (const char *const[]){ "publish", "--exchange", "", "--key", play->queue,
                                             "--ndjson", play_path(play, "messages"), NULL });
}

void shop_await_published(struct shop *shop, pid_t publisher)
{
    const struct play *play = &shop->pantry.play;
    WAIT_UP_TO(play, 1200000, play_has_ended(publisher));
    PROVE(play, play_reap(publisher) == 0, "publishing failed");
}

/* ---- carts ----------------------------------------------------------------------------------- */

static PGresult *ask(struct shop *shop, const char *text)
{
    PGresult *rows = PQexec(shop->pantry.db.conn, text);
    cr_assert_eq(PQresultStatus(rows), PGRES_TUPLES_OK, "%s", PQerrorMessage(shop->pantry.db.conn));
    return rows;
}

static struct cart *cart_in(struct cart *carts, unsigned n, const PGresult *rows, int i)
{
    const unsigned long user = strtoul(PQgetvalue(rows, i, 0), NULL, 10);
    cr_assert(user < n);
    return &carts[user];
}

struct cart *shop_carts(struct shop *shop, unsigned n)
{
    struct cart *carts = calloc(n, sizeof *carts);
    PGresult *rows =
        ask(shop, "select user_id, seq, lpad(ver::text, 20, '0'),"
                  " to_char(touched_at at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.MS\"Z\"')"
                  " from cart");
    cr_assert(carts);
    for (int i = 0; i < PQntuples(rows); i++) {
        struct cart *cart = cart_in(carts, n, rows, i);
        cart->seq = strtol(PQgetvalue(rows, i, 1), NULL, 10);
        snprintf(cart->ver, sizeof cart->ver, "%s", PQgetvalue(rows, i, 2));
        snprintf(cart->touched_at, sizeof cart->touched_at, "%s", PQgetvalue(rows, i, 3));
    }
    PQclear(rows);
    rows = ask(shop, "select user_id, substr(sku, 2)::int, quantity from cart_line");
    for (int i = 0; i < PQntuples(rows); i++) {
        const unsigned long sku = strtoul(PQgetvalue(rows, i, 1), NULL, 10);
        cr_assert(sku < SHOP_PRODUCTS);
        cart_in(carts, n, rows, i)->quantity[sku] =
            (unsigned)strtoul(PQgetvalue(rows, i, 2), NULL, 10);
    }
    PQclear(rows);
    return carts;
}

/* As PostgreSQL writes it. */
static void print_value(const struct cart *cart, unsigned user, char *out, size_t room)
{
    unsigned cents = 0, lines = 0;
    size_t n = (size_t)snprintf(out, room, "{\"seq\": %ld, \"lines\": [", cart->seq);
    for (unsigned sku = 0; sku < SHOP_PRODUCTS; sku++) {
        const unsigned price = 99 + 7 * sku;
        if (!cart->quantity[sku]) continue;
        n += (size_t)snprintf(
            out + n, room - n,
            "%s{\"sku\": \"p%02u\", \"name\": \"Product %u\", \"price\": %u.%02u, "
            "\"quantity\": %u}",
            lines++ ? ", " : "", sku, sku, price / 100, price % 100, cart->quantity[sku]);
        cents += cart->quantity[sku] * price;
    }
    n += (size_t)snprintf(out + n, room - n, "], \"total\": %u", cents / 100);
    if (lines) n += (size_t)snprintf(out + n, room - n, ".%02u", cents % 100);
    snprintf(out + n, room - n, ", \"user_id\": %u, \"touched_at\": \"%s\"}", user,
             cart->touched_at);
}

unsigned shop_compare_cache(struct shop *shop, const struct cart *carts, unsigned n)
{
    static char expected[8192];
    struct redis *redis = &shop->pantry.redis;
    unsigned differ = 0;
    for (unsigned user = 0; user < n; user++) {
        const char *ver = redis_ask(redis, "HGET cart:%u ver", user);
        const char *kept = redis_ask(redis, "HGET cart:%u value", user);
        print_value(&carts[user], user, expected, sizeof expected);
        const bool is_same = carts[user].seq
                                 ? strcmp(kept, expected) == 0 && strcmp(ver, carts[user].ver) == 0
                                 : strcmp(kept, "(nil)") == 0;
        if (!is_same && differ++ < 5)
            fprintf(stderr, "cart:%u is\n%s %s, and should be\n%s %s\n", user, ver, kept,
                    carts[user].ver, expected);
    }
    return differ;
}
