/* SPDX-License-Identifier: Apache-2.0
 *
 * What a handler writes to the cache is there when its message is acked, or is held, or is recorded and
 * repaired, whatever Redis does meanwhile. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "pantry.h"

TestSuite(cache, .timeout = 240);

#define FAILED(pantry)                                                                             \
    play_metric(&(pantry)->play, "warrener_cache_writes_total@,outcome=\"failed\"}")

static void send_sets(struct pantry *pantry, uint32_t first, uint32_t n)
{
    play_send_many(&pantry->play, first, n,
                   "{\"set\":\"k%u\",\"value\":\"written\",\"version\":7}");
}

static unsigned written(struct pantry *pantry, uint32_t first, uint32_t n)
{
    unsigned count = 0;
    for (uint32_t i = first; i < first + n; i++)
        count += strcmp(redis_ask(&pantry->redis, "HGET k%u value", i), "written") == 0;
    return count;
}

/* ---- well ------------------------------------------------------------------------------------ */

Test(cache, what_is_written_is_there_when_it_is_acked)
{
    struct pantry pantry;
    if (!open_pantry(&pantry, "cache-well", "shelf", "on_failure: hold", false)) return;
    struct play *play = &pantry.play;
    play_start_ready(play);
    PROVE(play, play_metric(play, "warrener_cache_writes_total@,outcome=\"stale\"}") == 0);
    PROVE(play, play_metric(play, "warrener_cache_reads_total@,outcome=\"absent\"}") == 0);
    WAIT(play, play_metric(play, "warrener_connected{server=\"redis\"}") == 1);
    send_sets(&pantry, 0, 300);
    WAIT(play, DONE(&pantry) == 300);
    PROVE(play, written(&pantry, 0, 300) == 300);
    PROVE(play, play_metric(play, "warrener_cache_writes_total@,outcome=\"stored\"}") == 300);
    send_sets(&pantry, 0, 10);
    play_send(play, "{\"id\":\"d\",\"body\":{\"drop\":\"k5\",\"version\":8}}\n"
                    "{\"id\":\"e\",\"body\":{\"drop\":\"k6\",\"version\":3}}\n"
                    "{\"id\":\"f\",\"body\":{\"set\":\"a\",\"also\":\"b\",\"value\":\"both\","
                    "\"version\":1}}\n");
    WAIT(play, DONE(&pantry) == 313);
    PROVE(play, play_metric(play, "warrener_cache_writes_total@,outcome=\"stale\"}") == 11);
    WAIT(play, play_status_says(play, "\"writes\":{\"stored\":303,\"stale\":11,\"failed\":0}"));
    PROVE(play, strcmp(redis_ask(&pantry.redis, "HGET k5 value"), "(nil)") == 0);
    PROVE(play, strcmp(redis_ask(&pantry.redis, "HGET k5 ver"), "00000000000000000008") == 0);
    PROVE(play, strcmp(redis_ask(&pantry.redis, "HGET k6 value"), "written") == 0);
    PROVE(play, strcmp(redis_ask(&pantry.redis, "HGET a value"), "both") == 0);
    PROVE(play, strcmp(redis_ask(&pantry.redis, "HGET b value"), "both") == 0);
    PROVE(play, play_end(play) == 0);
    close_pantry(&pantry);
}

Test(cache, without_redis_nothing_is_written_and_all_is_done)
{
    struct play play;
    if (!play_open(&play, "cache-none")) return;
    play_configure(&play, &(struct setup){ .handler = "shelf" });
    play_start_ready(&play);
    play_send_many(&play, 0, 50, "{\"set\":\"k%u\",\"value\":\"x\",\"version\":7}");
    WAIT(&play, play_metric(&play, "warrener_messages_settled_total@,outcome=\"done\"}") == 50);
    play_close(&play);
}

/* ---- hold ------------------------------------------------------------------------------------ */

Test(cache, held_until_redis_is_back)
{
    struct pantry pantry;
    if (!open_pantry(&pantry, "cache-hold", "shelf", "timeout: 500ms, on_failure: hold", false))
        return;
    struct play *play = &pantry.play;
    play_start_ready(play);
    send_sets(&pantry, 0, 50);
    WAIT(play, DONE(&pantry) == 50);
    redis_kill(&pantry.redis);
    WAIT(play, play_unready_says(play, "redis: "));
    double failed = FAILED(&pantry); /* by then: a machine that stutters may have cost some */
    send_sets(&pantry, 50, 100);
    /* As many as its prefetch. */
    WAIT(play, FAILED(&pantry) == failed + 50);
    PROVE(play, play_metric(play, "warrener_messages_in_flight@}") == 50);
    PROVE(play, DONE(&pantry) == 50, "acked although nothing was written");
    redis_again(&pantry.redis);
    WAIT(play, DONE(&pantry) == 150);
    PROVE(play, written(&pantry, 50, 100) == 100);
    WAIT(play, play_is_ready(play));
    redis_signal(&pantry.redis, SIGSTOP);
    failed = FAILED(&pantry);
    send_sets(&pantry, 150, 100);
    WAIT(play, FAILED(&pantry) >= failed + 50);
    PROVE(play, DONE(&pantry) == 150, "acked although nothing was written");
    redis_signal(&pantry.redis, SIGCONT);
    WAIT(play, DONE(&pantry) == 250);
    PROVE(play, written(&pantry, 150, 100) == 100);
    PROVE(play, play_end(play) == 0);
    close_pantry(&pantry);
}

Test(cache, held_messages_go_back_when_the_host_ends)
{
    struct pantry pantry;
    if (!open_pantry(&pantry, "cache-drain", "shelf",
                     "on_failure: hold}\ndrain: 2s\nlog: {level: info", false))
        return;
    struct play *play = &pantry.play;
    play_start_ready(play);
    redis_kill(&pantry.redis);
    send_sets(&pantry, 0, 30);
    WAIT(play, play_metric(play, "warrener_messages_in_flight@}") == 30);
    PROVE(play, play_end(play) == 0);
    PROVE(play, play_left(play) == 30);
    redis_again(&pantry.redis);
    play_start_ready(play);
    WAIT(play, DONE(&pantry) == 30);
    PROVE(play, written(&pantry, 0, 30) == 30);
    close_pantry(&pantry);
}

/* Degrade without a database has nowhere to record. */
Test(cache, degrade_without_a_database_holds)
{
    struct pantry pantry;
    if (!open_pantry(&pantry, "cache-alone", "shelf", "on_failure: degrade", false)) return;
    struct play *play = &pantry.play;
    play_start_ready(play);
    PROVE(play, play_log_has(play, "messages are held instead"));
    redis_kill(&pantry.redis);
    send_sets(&pantry, 0, 20);
    WAIT(play, play_metric(play, "warrener_cache_writes_total@,outcome=\"failed\"}") == 20);
    PROVE(play, DONE(&pantry) == 0);
    redis_again(&pantry.redis);
    WAIT(play, DONE(&pantry) == 20);
    close_pantry(&pantry);
}

/* ---- degrade --------------------------------------------------------------------------------- */

static void expect_repaired(struct pantry *pantry, uint32_t first, uint32_t n)
{
    struct play *play = &pantry->play;
    WAIT(play,
         strcmp(sql(pantry->db.conn, "select count(*) from warrener.cache_repair"), "0") == 0);
    PROVE(play, written(pantry, first, n) == n);
    WAIT(play, play_metric(play, "warrener_cache_repair_pending") == 0);
}

Test(cache, degraded_it_is_acked_and_repaired)
{
    struct pantry pantry;
    if (!open_pantry(&pantry, "cache-degrade", "shelf", "on_failure: degrade", true)) return;
    struct play *play = &pantry.play;
    play_start_ready(play);
    WAIT(play, play_metric(play, "warrener_connected{server=\"redis\"}") == 1);
    redis_kill(&pantry.redis);
    send_sets(&pantry, 0, 1500);
    play_send(play, "{\"id\":\"d\",\"body\":{\"drop\":\"gone\",\"version\":8}}\n"
                    "{\"id\":\"e\",\"body\":{\"set\":\"gone\",\"value\":\"x\",\"version\":7}}\n"
                    "{\"id\":\"f\",\"body\":{\"set\":\"odd\\u0000\\r\\n\",\"value\":\"\\u0000\","
                    "\"version\":7}}\n");
    WAIT(play, DONE(&pantry) == 1503);
    PROVE(play, play_is_ready(play), "degraded work flows");
    PROVE(play,
          strcmp(sql(pantry.db.conn, "select count(*) from warrener.cache_repair"), "1502") == 0);
    WAIT(play, play_metric(play, "warrener_cache_repair_pending") == 1502);
    redis_again(&pantry.redis);
    expect_repaired(&pantry, 0, 1500);
    PROVE(play, strcmp(redis_ask(&pantry.redis, "HGET gone ver"), "00000000000000000008") == 0);
    PROVE(play, strcmp(redis_ask(&pantry.redis, "HGET gone value"), "(nil)") == 0);
    PROVE(play, play_end(play) == 0);
    close_pantry(&pantry);
}

Test(cache, what_another_host_left_is_repaired)
{
    struct pantry pantry;
    if (!open_pantry(&pantry, "cache-left", "shelf", "on_failure: degrade", true)) return;
    struct play *play = &pantry.play;
    play_start_ready(play);
    redis_kill(&pantry.redis);
    send_sets(&pantry, 0, 20);
    WAIT(play, DONE(&pantry) == 20);
    play_kill(play);
    redis_again(&pantry.redis);
    play_start_ready(play);
    expect_repaired(&pantry, 0, 20);
    close_pantry(&pantry);
}

Test(cache, full_it_is_repaired_once_there_is_room)
{
    struct pantry pantry;
    if (!open_pantry(&pantry, "cache-full", "shelf", "on_failure: degrade", true)) return;
    struct play *play = &pantry.play;
    play_start_ready(play);
    WAIT(play, play_metric(play, "warrener_connected{server=\"redis\"}") == 1);
    redis_ask(&pantry.redis, "CONFIG SET maxmemory 1");
    send_sets(&pantry, 0, 200);
    WAIT(play, DONE(&pantry) == 200);
    PROVE(play, play_log_has(play, "maxmemory is reached"));
    PROVE(play,
          strcmp(sql(pantry.db.conn, "select count(*) from warrener.cache_repair"), "200") == 0);
    redis_ask(&pantry.redis, "CONFIG SET maxmemory 0");
    redis_ask(&pantry.redis, "SCRIPT FLUSH");
    expect_repaired(&pantry, 0, 200);
    close_pantry(&pantry);
}

Test(cache, both_away_nothing_is_acked)
{
    struct pantry pantry;
    if (!open_pantry(&pantry, "cache-both", "shelf", "on_failure: degrade", true)) return;
    struct play *play = &pantry.play;
    play_start_ready(play);
    WAIT(play, play_metric(play, "warrener_connected{server=\"redis\"}") == 1);
    sql(pantry.db.conn, "alter table warrener.cache_repair rename to hidden");
    redis_kill(&pantry.redis);
    send_sets(&pantry, 0, 20);
    WAIT(play, play_unready_says(play, "its repair is not recorded"));
    PROVE(play, DONE(&pantry) == 0);
    sql(pantry.db.conn, "alter table warrener.hidden rename to cache_repair");
    WAIT(play, DONE(&pantry) == 20);
    redis_again(&pantry.redis);
    expect_repaired(&pantry, 0, 20);
    close_pantry(&pantry);
}

/* Redis comes and goes while messages flow: none is lost, and each key ends at its newest version. */
Test(cache, every_key_ends_at_its_newest_version)
{
    struct pantry pantry;
    char lines[60000];
    if (!open_pantry(&pantry, "cache-nemesis", "shelf", "timeout: 500ms, on_failure: degrade",
                     true))
        return;
    struct play *play = &pantry.play;
    play_start_ready(play);
    uint64_t dice = 7, newest[40] = { 0 }, kept[40] = { 0 };
    unsigned sent = 0;
    for (unsigned round = 0; round < 8; round++) {
        size_t n = 0;
        if (round % 4 == 1)
            memset(kept, 0, sizeof kept); /* what was set before a kill goes with it */
        for (unsigned i = 0; i < 300; i++) {
            dice = dice * 6364136223846793005u + 1442695040888963407u;
            const unsigned key = (unsigned)(dice >> 33) % 40;
            const uint64_t version = 1 + (dice >> 40) % 100000;
            if (version > newest[key]) newest[key] = version;
            if (version > kept[key]) kept[key] = version;
            n += (size_t)snprintf(lines + n, sizeof lines - n,
                                  "{\"id\":\"n%u\",\"body\":{\"set\":\"n%u\",\"value\":\"%" PRIu64
                                  "\",\"version\":%" PRIu64 "}}\n",
                                  sent++, key, version, version);
        }
        if (round % 4 == 1) redis_kill(&pantry.redis);
        if (round % 4 == 3) redis_signal(&pantry.redis, SIGSTOP);
        play_send(play, lines);
        WAIT(play, DONE(&pantry) == sent);
        if (round % 4 == 1) redis_again(&pantry.redis);
        if (round % 4 == 3) redis_signal(&pantry.redis, SIGCONT);
    }
    WAIT(play, strcmp(sql(pantry.db.conn, "select count(*) from warrener.cache_repair"), "0") == 0);
    PROVE(play, play_metric(play, "warrener_dead_total@,reason=\"rejected\"}") == 0);
    for (unsigned key = 0; key < 40; key++) {
        const char *version = redis_ask(&pantry.redis, "HGET n%u ver", key);
        const char *value = redis_ask(&pantry.redis, "HGET n%u value", key);
        PROVE(play, strtoull(value, NULL, 10) == strtoull(version, NULL, 10));
        PROVE(play, strtoull(version, NULL, 10) >= kept[key], "key %u", key);
        PROVE(play, strtoull(version, NULL, 10) <= newest[key], "key %u", key);
    }
    close_pantry(&pantry);
}
