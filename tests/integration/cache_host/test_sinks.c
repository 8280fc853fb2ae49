/* SPDX-License-Identifier: Apache-2.0
 *
 * Sinks with a cache_key fill the cache with what was committed: every key that was touched, under its
 * row's version, before the message is acked; and whatever was missed is read from the table again. */
#include <stdlib.h>
#include <string.h>

#include "pantry.h"

TestSuite(sinks, .timeout = 240);

static bool open_cupboard(struct pantry *pantry, const char *name, const char *redis)
{
    if (!open_pantry(pantry, name, "cupboard", redis, true)) return false;
    pantry_make_tables(pantry);
    return true;
}

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

static const char *value_of(struct pantry *pantry, const char *key)
{
    return redis_ask(&pantry->redis, "HGET %s value", key);
}

/* Under the table's own version, with the value that SQL makes of the row. */
static bool equals(struct pantry *pantry, const char *table, const char *id, const char *value)
{
    const char *row = sql(pantry->db.conn,
                          "select lpad(t.ver::text, 20, '0') || ' ' || (%s)::text"
                          " from %s t where %s = '%s'",
                          value, table, is(table, "cart") ? "user_id" : "id", id);
    const char *ver = redis_ask(&pantry->redis, "HGET %s:%s ver", table, id);
    const char *text = redis_ask(&pantry->redis, "HGET %s:%s value", table, id);
    char entry[800];
    snprintf(entry, sizeof entry, "%s %s", ver, text);
    if (is(entry, row)) return true;
    fprintf(stderr, "%s:%s is %s, and in the table %s\n", table, id, entry, row);
    return false;
}

#define LINES "(select jsonb_object_agg(l.sku, l.n) from cart_line l where l.user_id = t.user_id)"
#define ABSENT "(nil)"

/* ---- well ------------------------------------------------------------------------------------ */

Test(sinks, what_is_committed_is_cached)
{
    struct pantry pantry;
    if (!open_cupboard(&pantry, "sinks-well", "on_failure: hold")) return;
    struct play *play = &pantry.play;
    play_start_ready(play);
    play_send(play, "{\"id\":\"1\",\"body\":{\"to\":\"cup\",\"id\":\"a\",\"n\":1}}\n"
                    "{\"id\":\"2\",\"body\":{\"to\":\"cup\",\"id\":\"a\",\"n\":2}}\n"
                    "{\"id\":\"3\",\"body\":{\"to\":\"first\",\"id\":\"it's\",\"n\":3}}\n"
                    "{\"id\":\"4\",\"body\":{\"to\":\"first\",\"id\":\"it's\",\"n\":4}}\n"
                    "{\"id\":\"5\",\"body\":{\"to\":\"total\",\"id\":\"a\",\"n\":5}}\n"
                    "{\"id\":\"5\",\"body\":{\"to\":\"total\",\"id\":\"a\",\"n\":5}}\n"
                    "{\"id\":\"6\",\"body\":{\"to\":\"total\",\"id\":\"a\",\"n\":6}}\n"
                    "{\"id\":\"7\",\"body\":{\"to\":\"cart\",\"user\":42,\"sku\":\"x\",\"n\":1}}\n"
                    "{\"id\":\"8\",\"body\":{\"to\":\"cart\",\"user\":42,\"sku\":\"y\",\"n\":2}}\n"
                    "{\"id\":\"9\",\"body\":{\"to\":\"around\",\"id\":\"a\",\"n\":2}}\n");
    WAIT(play, DONE(&pantry) == 10);
    PROVE(play, equals(&pantry, "cup", "a", "to_jsonb(t)"));
    PROVE(play, is(redis_ask(&pantry.redis, "HGET first:it's value"), "3"));
    PROVE(play, equals(&pantry, "total", "a", "t.n"));
    PROVE(play, equals(&pantry, "cart", "42", LINES));
    PROVE(play, is(value_of(&pantry, "cart:42"), "{\"x\": 1, \"y\": 2}"));
    PROVE(play, is(value_of(&pantry, "around:a"), ABSENT));
    PROVE(play, is(redis_ask(&pantry.redis, "HGET around:a ver"),
                   sql(pantry.db.conn, "select lpad(ver::text, 20, '0') from around")));
    PROVE(play, redis_ask_number(&pantry.redis, "TTL cup:a") > 400);
    play_send(play,
              "{\"id\":\"20\",\"body\":{\"to\":\"cup\",\"id\":\"a\",\"delete\":true}}\n"
              "{\"id\":\"21\",\"body\":{\"to\":\"cart\",\"user\":42,\"sku\":\"x\",\"delete\":1}}\n"
              "{\"id\":\"22\",\"body\":{\"to\":\"cup\",\"id\":\"never\",\"delete\":true}}\n");
    WAIT(play, DONE(&pantry) == 13);
    PROVE(play, is(value_of(&pantry, "cup:a"), ABSENT));
    PROVE(play, is(value_of(&pantry, "cup:never"), ABSENT));
    PROVE(play, is(value_of(&pantry, "cart:42"), "{\"y\": 2}"));
    play_send(play, "{\"id\":\"30\",\"body\":{\"to\":\"cup\",\"id\":\"a\",\"n\":7}}\n");
    WAIT(play, DONE(&pantry) == 14);
    PROVE(play, equals(&pantry, "cup", "a", "to_jsonb(t)"));
    PROVE(play, play_end(play) == 0);
    close_pantry(&pantry);
}

/* Whatever the statement then does with the row, or does not. */
Test(sinks, a_repeat_repairs_the_cache)
{
    struct pantry pantry;
    static const char lines[] = "{\"id\":\"1\",\"body\":{\"to\":\"cup\",\"id\":\"a\",\"n\":1}}\n"
                                "{\"id\":\"2\",\"body\":{\"to\":\"first\",\"id\":\"a\",\"n\":2}}\n"
                                "{\"id\":\"3\",\"body\":{\"to\":\"total\",\"id\":\"a\",\"n\":3}}\n"
                                "{\"id\":\"4\",\"body\":{\"to\":\"total\",\"id\":\"b\",\"n\":4}}\n";
    if (!open_cupboard(&pantry, "sinks-repeat", "on_failure: degrade")) return;
    struct play *play = &pantry.play;
    play_start_ready(play);
    play_send(play, lines);
    WAIT(play, DONE(&pantry) == 4);
    sql(pantry.db.conn, "delete from total where id = 'b'"); /* behind our back */
    redis_ask(&pantry.redis, "DEL cup:a first:a total:a");
    play_send(play, lines);
    WAIT(play, DONE(&pantry) == 8);
    PROVE(play, equals(&pantry, "cup", "a", "to_jsonb(t)"));
    PROVE(play, equals(&pantry, "first", "a", "t.n"));
    PROVE(play, equals(&pantry, "total", "a", "t.n"));
    PROVE(play, is(value_of(&pantry, "total:a"), "3"));
    PROVE(play, is(value_of(&pantry, "total:b"), ABSENT));
    close_pantry(&pantry);
}

/* A failover may leave versions that the clock has not reached. */
Test(sinks, a_drop_is_above_the_row_it_drops)
{
    struct pantry pantry;
    if (!open_cupboard(&pantry, "sinks-ahead", "on_failure: hold")) return;
    struct play *play = &pantry.play;
    play_start_ready(play);
    sql(pantry.db.conn, "insert into cup values ('a', 1, 8000000000000000000)");
    play_send(play, "{\"id\":\"1\",\"body\":{\"to\":\"cup\",\"id\":\"a\",\"n\":2}}\n");
    WAIT(play, DONE(&pantry) == 1);
    PROVE(play, is(redis_ask(&pantry.redis, "HGET cup:a ver"), "08000000000000000001"));
    play_send(play, "{\"id\":\"2\",\"body\":{\"to\":\"cup\",\"id\":\"a\",\"delete\":true}}\n"
                    "{\"id\":\"3\",\"body\":{\"to\":\"cup\",\"id\":\"a\",\"n\":3}}\n");
    WAIT(play, DONE(&pantry) == 3);
    PROVE(play, is(value_of(&pantry, "cup:a"), ABSENT), "older than what a reader has seen");
    PROVE(play, is(redis_ask(&pantry.redis, "HGET cup:a ver"), "08000000000000000002"));
    close_pantry(&pantry);
}

Test(sinks, without_redis_nothing_is_read_back)
{
    struct pantry pantry;
    char top[400];
    if (!open_cupboard(&pantry, "sinks-none", "on_failure: hold")) return;
    struct play *play = &pantry.play;
    snprintf(top, sizeof top, "postgres: {url: \"%s\"}", pantry.db.url);
    play_configure(play, &(struct setup){ .handler = "cupboard", .top = top });
    sql(pantry.db.conn, "alter table cart_line drop constraint cart_line_pkey;"
                        "alter table cart_line alter sku drop not null;"
                        "create unique index on cart_line (user_id, sku);"
                        "insert into cart_line values (7)"); /* of which no value can be made */
    play_start_ready(play);
    play_send_many(play, 0, 20, "{\"to\":\"cup\",\"id\":\"k%u\",\"n\":1}");
    play_send(play, "{\"id\":\"1\",\"body\":{\"to\":\"cart\",\"user\":7,\"sku\":\"x\",\"n\":1}}\n");
    WAIT(play, DONE(&pantry) == 21);
    PROVE(play,
          is(sql(pantry.db.conn, "select count(*) from cup where ver > 1700000000000000"), "20"));
    PROVE(play, redis_ask_number(&pantry.redis, "DBSIZE") == 0);
    close_pantry(&pantry);
}

/* ---- Redis fails ----------------------------------------------------------------------------- */

/* While they are held, another writes the rows: what was read in their commit is not what goes. */
Test(sinks, held_entries_are_read_again)
{
    struct pantry pantry;
    if (!open_cupboard(&pantry, "sinks-hold", "on_failure: hold")) return;
    struct play *play = &pantry.play;
    play_start_ready(play);
    WAIT(play, play_metric(play, "warrener_connected{server=\"redis\"}") == 1);
    play_send(play, "{\"id\":\"0\",\"body\":{\"to\":\"cup\",\"id\":\"gone\",\"n\":1}}\n");
    WAIT(play, DONE(&pantry) == 1);
    redis_kill(&pantry.redis);
    WAIT(play, play_unready_says(play, "redis: "));
    play_send(play, "{\"id\":\"1\",\"body\":{\"to\":\"cup\",\"id\":\"a\",\"n\":1}}\n"
                    "{\"id\":\"2\",\"body\":{\"to\":\"cup\",\"id\":\"b\",\"n\":1}}\n"
                    "{\"id\":\"3\",\"body\":{\"to\":\"cup\",\"id\":\"gone\",\"delete\":1}}\n"
                    "{\"id\":\"4\",\"body\":{\"to\":\"cart\",\"user\":7,\"sku\":\"x\",\"n\":1}}\n");
    WAIT(play, is(sql(pantry.db.conn, "select count(*) from cart"), "1"));
    sql(pantry.db.conn, "update cup set n = 2, ver = ver + 1 where id = 'a';"
                        "delete from cup where id = 'b';"
                        "insert into cart_line values (7, 'y', 2);"
                        "update cart set ver = ver + 1");
    PROVE(play, DONE(&pantry) == 1, "acked although nothing was written");
    redis_again(&pantry.redis);
    WAIT(play, DONE(&pantry) == 5);
    PROVE(play, equals(&pantry, "cup", "a", "to_jsonb(t)"));
    PROVE(play, equals(&pantry, "cart", "7", LINES));
    PROVE(play, is(value_of(&pantry, "cup:b"), ABSENT));
    PROVE(play, is(value_of(&pantry, "cup:gone"), ABSENT));
    PROVE(play, play_end(play) == 0);
    close_pantry(&pantry);
}

Test(sinks, degraded_entries_are_repaired_from_the_table)
{
    struct pantry pantry;
    if (!open_cupboard(&pantry, "sinks-degrade", "on_failure: degrade")) return;
    struct play *play = &pantry.play;
    play_start_ready(play);
    WAIT(play, play_metric(play, "warrener_connected{server=\"redis\"}") == 1);
    redis_kill(&pantry.redis);
    play_send_many(play, 0, 1200, "{\"to\":\"cup\",\"id\":\"k%u\",\"n\":1}");
    play_send(play,
              "{\"id\":\"a\",\"body\":{\"to\":\"cup\",\"id\":\"k1\",\"delete\":true}}\n"
              "{\"id\":\"b\",\"body\":{\"to\":\"cart\",\"user\":7,\"sku\":\"x\",\"n\":1}}\n"
              "{\"id\":\"c\",\"body\":{\"to\":\"first\",\"id\":\"{\\\"o'd\\\\d}, ü\",\"n\":1}}\n");
    WAIT(play, DONE(&pantry) == 1203);
    PROVE(play, is(sql(pantry.db.conn, "select count(*) from warrener.cache_repair"), "1202"));
    PROVE(play, is(sql(pantry.db.conn, "select count(*) from warrener.cache_repair"
                                       " where source = '\"cup\" cup:{id}' and value is null"),
                   "1200"));
    sql(pantry.db.conn,
        "update cup set n = 9, ver = ver + 1 where id = 'k2';"
        "delete from cup where id = 'k3';"
        "insert into warrener.cache_repair (key, version, ttl_s, source, row_key, at)"
        " values ('new', 5, 60, 'other x', '{1}', now()),"
        " ('old', 5, 60, 'other x', '{1}', now() - interval '1 hour')");
    redis_again(&pantry.redis);
    WAIT(play, is(sql(pantry.db.conn, "select string_agg(encode(key, 'escape'), ',')"
                                      " from warrener.cache_repair"),
                  "new"));
    PROVE(play, equals(&pantry, "cup", "k0", "to_jsonb(t)"));
    PROVE(play, equals(&pantry, "cup", "k2", "to_jsonb(t)"));
    PROVE(play, equals(&pantry, "cup", "k1199", "to_jsonb(t)"));
    PROVE(play, equals(&pantry, "cart", "7", LINES));
    PROVE(play, is(value_of(&pantry, "cup:k1"), ABSENT));
    PROVE(play, is(value_of(&pantry, "cup:k3"), ABSENT));
    PROVE(play, is(redis_ask(&pantry.redis, "HGET %s value", "first:{\"o'd\\d}, ü"), "1"));
    PROVE(play, is(redis_ask(&pantry.redis, "HGET old ver"), "00000000000000000005"));
    WAIT(play, play_metric(play, "warrener_cache_repair_pending") == 1);
    PROVE(play, play_end(play) == 0);
    close_pantry(&pantry);
}

/* ---- the deployment's faults ----------------------------------------------------------------- */

Test(sinks, check_names_what_the_cache_lacks)
{
    struct pantry pantry;
    char output[6000];
    if (!open_cupboard(&pantry, "sinks-check", "on_failure: hold")) return;
    struct play *play = &pantry.play;
    PROVE(play, RUN(play, output, "check", "--connect") == 0, "%s", output);
    PROVE(play, strstr(output, ", Redis ") && strstr(output, ": connected\n"), "%s", output);
    PROVE(play, strstr(output, "maxmemory-policy is noeviction") && !strstr(output, "old entries"),
          "%s", output);
    redis_ask(&pantry.redis, "CONFIG SET save %s", "60 1");
    PROVE(play, RUN(play, output, "check", "--connect") == 0, "%s", output);
    PROVE(play, strstr(output, "serves the old entries of its last dump"), "%s", output);
    redis_ask(&pantry.redis, "CONFIG SET requirepass secret");
    PROVE(play, RUN(play, output, "check", "--connect") == 78, "%s", output);
    PROVE(play, strstr(output, "it wants a password"), "%s", output);
    redis_ask(&pantry.redis, "CONFIG SET requirepass %s", "");
    sql(pantry.db.conn,
        "alter table cup drop column ver; alter table cart_line drop column n cascade;"
        "alter table cart_line add column m bigint; alter table first alter ver drop not null;"
        "alter table cart_line add column n text");
    sql(pantry.db.conn, "alter table cart_line alter n type bigint using 0;"
                        "alter table cart_line rename sku to product");
    PROVE(play, RUN(play, output, "check", "--connect") == 78, "%s", output);
    PROVE(play,
          strstr(output, "table \"cup\": there is no column \"ver\", expected is bigint; to "
                         "make it: ALTER TABLE \"cup\" ADD COLUMN \"ver\" bigint NOT NULL"),
          "%s", output);
    PROVE(play, strstr(output, "table \"first\": column \"ver\" may be NULL; to mend it"), "%s",
          output);
    PROVE(play,
          strstr(output, "table \"cart\": PostgreSQL cannot make its cache_value: column "
                         "l.sku does not exist"),
          "%s", output);
    close_pantry(&pantry);
}
