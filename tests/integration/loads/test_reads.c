/* SPDX-License-Identifier: Apache-2.0
 *
 * What handlers read: from the cache where it is there, from the database where not, each key once, and
 * nobody's fault when a server is away. */
#include <stdlib.h>
#include <string.h>

#include "library.h"

TestSuite(reads, .timeout = 240);

static bool open_shelves(struct library *library, const char *name, bool has_redis,
                         const char *consumer)
{
    if (!library_open(library, name, has_redis)) return false;
    sql(library->db.conn,
        "create table item (key text primary key, ver bigint, value text);"
        "create table plain (key text primary key, ver bigint, value text);"
        "create table number (id int primary key, ver bigint, value text);"
        "create table seen (id text, key text, found bool, ver bigint, value text,"
        " nth bigint, primary key (id, key));"
        "insert into item select 'k' || n, 100 + n, 'value ' || n"
        " from generate_series(0, 499) n;"
        "insert into plain values ('p', 7, 'plain'), ('', 8, 'empty'), ('n', 9, null);"
        "insert into number select n, 5, 'number ' || n from generate_series(0, 99) n");
    library_configure(library, "reader", consumer);
    return true;
}

#define SEEN(library, expected, id)                                                                \
    IS(library, expected,                                                                          \
       "select string_agg(concat_ws(' ', key, found, ver, value), ', ' order by key) from seen"    \
       " where id = '%s'",                                                                         \
       id)

static void prove_what_is_got(struct library *library)
{
    struct play *play = &library->play;
    play_send(play, "{\"id\":\"a\",\"body\":{\"item\":[\"k1\",\"nowhere\",\"k2\",\"k1\"],"
                    "\"plain\":[\"p\",\"\",\"n\"],\"number\":[\"3\",\"1000\"]}}\n"
                    "{\"id\":\"b\",\"body\":{\"plain\":[]}}\n"
                    "{\"id\":\"c\",\"body\":{\"item\":[\"k1\"],\"unwanted\":\"k2\"}}\n");
    WAIT(play, DONE(library) == 2);
    PROVE(play, SEEN(library,
                     " t 8 empty, 1000 f 0 , 3 t 5 number 3, k1 t 101 value 1, k2 t 102 value 2,"
                     " n f 0 , nowhere f 0 , p t 7 plain",
                     "a"));
    WAIT(play, play_metric(play, "warrener_dead_total@,reason=\"rejected\"}") == 1);
    PROVE(play, play_log_has(play, "the key \\\"k2\\\" of the loader item was not wanted") ||
                    play_log_has(play, "of the loader item was not wanted"));
}

Test(reads, from_the_database_alone)
{
    struct library library;
    if (!open_shelves(&library, "reads-plain", false, "")) return;
    play_start_ready(&library.play);
    prove_what_is_got(&library);
    PROVE(&library.play, play_end(&library.play) == 0);
    library_close(&library);
}

Test(reads, by_way_of_the_cache)
{
    struct library library;
    if (!open_shelves(&library, "reads-cache", true, "")) return;
    struct play *play = &library.play;
    play_start_ready(play);
    WAIT(play, play_metric(play, "warrener_connected{server=\"redis\"}") == 1);
    prove_what_is_got(&library);
    WAIT(play, strcmp(redis_ask(&library.redis, "HGET item:k1 value"), "value 1") == 0);
    PROVE(play, strcmp(redis_ask(&library.redis, "HGET item:k1 ver"), "00000000000000000101") == 0);
    PROVE(play, redis_ask_number(&library.redis, "TTL item:k1") > 400);
    PROVE(play, redis_ask_number(&library.redis, "TTL item:nowhere") <= 70);
    PROVE(play, redis_ask_number(&library.redis, "EXISTS item:p plain:p") == 0);
    /* The second who wants k1 waits for the first one's, or comes late and finds it. */
    const double hits = READS(&library, "hit");
    PROVE(play, hits <= 1 && READS(&library, "miss") + hits == 4);
    redis_ask(&library.redis, "HSET item:k2 ver 00000000000000000900 value cached");
    ASK(&library, "insert into item values ('nowhere', 1, 'here')");
    play_send(play, "{\"id\":\"d\",\"body\":{\"item\":[\"k1\",\"k2\",\"nowhere\"]}}\n");
    WAIT(play, DONE(&library) == 3);
    PROVE(play, SEEN(&library, "k1 t 101 value 1, k2 t 900 cached, nowhere f 0 ", "d"));
    PROVE(play, READS(&library, "hit") == hits + 2);
    PROVE(play, READS(&library, "absent") == 1);
    redis_kill(&library.redis);
    play_send(play, "{\"id\":\"e\",\"body\":{\"item\":[\"k2\"]}}\n");
    WAIT(play, DONE(&library) == 4);
    PROVE(play, SEEN(&library, "k2 t 102 value 2", "e"), "without Redis the table is read");
    PROVE(play, play_end(play) == 0);
    library_close(&library);
}

/* A key that the database cannot take is one message's fault, and holds up nobody. */
Test(reads, a_bad_key_costs_its_own_message)
{
    struct library library;
    if (!open_shelves(&library, "reads-bad", false, "prefetch: 400")) return;
    struct play *play = &library.play;
    play_start_ready(play);
    ASK(&library, "begin; lock table number in access exclusive mode");
    play_send_many(play, 0, 60, "{\"number\":[\"%u\"]}");
    play_send(play, "{\"id\":\"bad\",\"body\":{\"number\":[\"sixty\"]}}\n");
    play_send_many(play, 60, 40, "{\"number\":[\"%u\"]}");
    WAIT(play, play_metric(play, "warrener_messages_in_flight@}") == 101);
    ASK(&library, "commit");
    WAIT(play, DONE(&library) == 100);
    PROVE(play, IS(&library, "100", "select count(*) from seen where found"));
    WAIT(play, play_metric(play, "warrener_dead_total@,reason=\"rejected\"}") == 1);
    PROVE(play, play_log_has(play, "invalid input syntax for type integer"));
    PROVE(play, play_end(play) == 0);
    library_close(&library);
}

/* The database goes while keys are being loaded: messages wait, and nothing is spent. */
Test(reads, an_outage_is_waited_out)
{
    struct library library;
    if (!open_shelves(&library, "reads-outage", false, "lanes: 2, prefetch: 200")) return;
    struct play *play = &library.play;
    play_start_ready(play);
    ASK(&library, "begin; lock table item in access exclusive mode");
    for (unsigned round = 0; round < 3; round++) {
        play_send_many(play, round * 100, 100, "{\"item\":[\"k%u\"]}");
        WAIT(play, postgres_blocked(&library.db) > 0);
        sql(library.db.admin,
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where datname = '%s' and query like '%%from item%%' and pid <> %d",
            library.db.name, PQbackendPID(library.db.conn));
    }
    PROVE(play, DONE(&library) == 0);
    ASK(&library, "commit");
    WAIT(play, DONE(&library) == 300);
    PROVE(play, IS(&library, "300", "select count(*) from seen where found"));
    PROVE(play, play_metric(play, "warrener_messages_settled_total@,outcome=\"retry\"}") == 0);
    PROVE(play, play_end(play) == 0);
    library_close(&library);
}

/* SQL that does not fit the tables is the deployment's fault: nothing is dead, and it goes on when that is
 * mended. */
Test(reads, what_does_not_fit_is_waited_for)
{
    struct library library;
    char output[4000];
    if (!open_shelves(&library, "reads-fit", false, "")) return;
    struct play *play = &library.play;
    PROVE(play, RUN(play, output, "check", "--connect") == 0, "%s", output);
    ASK(&library, "alter table item rename to hidden; alter table plain alter ver type text");
    PROVE(play, RUN(play, output, "check", "--connect") == 78, "%s", output);
    PROVE(play, strstr(output, "loader item: PostgreSQL refuses its sql: relation \"item\""), "%s",
          output);
    PROVE(play, strstr(output, "loader plain: the second column of its sql is the version"), "%s",
          output);
    ASK(&library, "alter table hidden rename to item;"
                  "alter table plain alter ver type bigint using ver::bigint");
    play_start_ready(play);
    play_send(play, "{\"id\":\"a\",\"body\":{\"item\":[\"k1\"]}}\n");
    WAIT(play, DONE(&library) == 1);
    ASK(&library, "alter table item rename to hidden");
    play_send(play, "{\"id\":\"b\",\"body\":{\"item\":[\"k2\"]}}\n");
    WAIT(play, play_unready_says(play, "relation \"item\" does not exist"));
    ASK(&library, "alter table hidden rename to item");
    WAIT(play, DONE(&library) == 2);
    WAIT(play, play_is_ready(play));
    PROVE(play, IS(&library, "2", "select count(*) from seen where found"));
    PROVE(play, play_end(play) == 0);
    library_close(&library);
}

/* What only the server can mend is said where readiness is asked for, and nobody pays for it. */
Test(reads, what_the_server_lacks_is_said)
{
    struct library library;
    if (!open_shelves(&library, "reads-lacks", false, "")) return;
    struct play *play = &library.play;
    ASK(&library, "alter table item rename to hidden;"
                  "create function full() returns text language plpgsql as $$ begin"
                  " raise exception 'the disk is full' using errcode = '53100'; end $$;"
                  "create view item as select key, ver, full() as value from hidden");
    play_start_ready(play);
    play_send(play, "{\"id\":\"a\",\"body\":{\"item\":[\"k1\"]}}\n");
    WAIT(play,
         play_unready_says(play, "keys are not loaded: loader item: 53100: the disk is full"));
    ASK(&library, "create or replace view item as select * from hidden");
    WAIT(play, DONE(&library) == 1);
    WAIT(play, play_is_ready(play));
    PROVE(play, play_metric(play, "warrener_messages_settled_total@,outcome=\"retry\"}") == 0);
    PROVE(play, play_end(play) == 0);
    library_close(&library);
}

/* With an order, what one key's messages load may come in any order: they are handled in theirs. */
Test(reads, order_is_kept)
{
    struct library library;
    if (!open_shelves(&library, "reads-order", true,
                      "lanes: 2, order_by: \"json:user\", retry: {delays: [100ms]}"))
        return;
    struct play *play = &library.play;
    play_start_ready(play);
    for (unsigned i = 0; i < 300; i += 50) {
        play_send_many(play, i, 48, "{\"user\":1,\"item\":[\"k%u\"],\"plain\":[\"p\"]}");
        play_send_many(play, i + 48, 1, "{\"user\":1,\"item\":[\"k%u\"],\"retry\":true}");
        play_send_many(play, i + 49, 1, "{\"user\":1,\"plain\":[],\"none\":%u}");
    }
    WAIT(play, DONE(&library) == 300);
    PROVE(play, play_metric(play, "warrener_messages_settled_total@,outcome=\"retry\"}") == 6);
    PROVE(play, IS(&library, "0",
                   "select count(*) from (select substr(id, 2)::int - lag(substr(id, 2)::int)"
                   " over (order by nth) as step from seen) x where step < 0"));
    PROVE(play, play_end(play) == 0);
    library_close(&library);
}

/* ---- counted by the server -------------------------------------------------------------------- */

static bool has_statistics(struct library *library)
{
    if (strstr(ASK(library, "show shared_preload_libraries"), "pg_stat_statements")) {
        ASK(library, "create extension if not exists pg_stat_statements");
        return true;
    }
    fputs("pg_stat_statements is not preloaded: passed over\n", stderr);
    return false;
}

static long queries(struct library *library)
{
    return strtol(ASK(library, "select coalesce(sum(calls), 0) from pg_stat_statements s"
                               " join pg_database d on d.oid = s.dbid"
                               " where datname = current_database() and query like '%%from item%%'"
                               " and query like '%%any(%%'"),
                  NULL, 10);
}

#define READS_MANY 50000u
#define READS_EACH 5u
#define MESSAGES (READS_MANY / READS_EACH)

/* Reads of keys PREFIX<0 .. spread>, some to a message. */
static void send_reads(struct library *library, const char *prefix, unsigned spread)
{
    const size_t room = READS_MANY * 20 + MESSAGES * 60;
    char *lines = malloc(room);
    size_t n = 0;
    uint64_t dice = 11;
    for (unsigned i = 0; i < MESSAGES; i++) {
        n += (size_t)snprintf(lines + n, room - n, "{\"id\":\"%s-%u\",\"body\":{\"item\":[", prefix,
                              i);
        for (unsigned k = 0; k < READS_EACH; k++) {
            dice = dice * 6364136223846793005u + 1442695040888963407u;
            n += (size_t)snprintf(lines + n, room - n, "%s\"%s%u\"", k ? "," : "", prefix,
                                  (unsigned)(dice >> 33) % spread);
        }
        n += (size_t)snprintf(lines + n, room - n, "]}}\n");
    }
    play_send(&library->play, lines);
    free(lines);
}

static void prove_few(struct library *library, const char *prefix, unsigned spread, bool are_there)
{
    struct play *play = &library->play;
    const double wanted = DONE(library) + (double)MESSAGES;
    const long before = queries(library);
    send_reads(library, prefix, spread);
    WAIT(play, DONE(library) == wanted);
    const long n = queries(library) - before;
    fprintf(stderr, "%u reads over %u keys %s*: %ld queries\n", READS_MANY, spread, prefix, n);
    PROVE(play, n > 0);
    PROVE(play, n <= 600);
    PROVE(play, IS(library, "0", "select count(*) from seen where key like '%s%%' and found <> %s",
                   prefix, are_there ? "true" : "false"));
}

Test(reads, fifty_thousand_cost_few_queries)
{
    struct library library;
    if (!open_shelves(&library, "reads-many", true, "lanes: 2")) return;
    struct play *play = &library.play;
    if (has_statistics(&library)) {
        play_start_ready(play);
        WAIT(play, play_metric(play, "warrener_connected{server=\"redis\"}") == 1);
        prove_few(&library, "k", 500, true);
        prove_few(&library, "absent", 500, false);
        prove_few(&library, "never", 50000, false); /* nearly all different */
        PROVE(play, play_end(play) == 0);
    }
    library_close(&library);
}

/* Without a cache the keys of many messages still go together. */
Test(reads, without_a_cache_they_go_together)
{
    struct library library;
    if (!open_shelves(&library, "reads-bare", false, "lanes: 2")) return;
    struct play *play = &library.play;
    if (has_statistics(&library)) {
        play_start_ready(play);
        prove_few(&library, "k", 500, true);
        PROVE(play, play_end(play) == 0);
    }
    library_close(&library);
}
