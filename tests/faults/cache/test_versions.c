/* SPDX-License-Identifier: Apache-2.0
 *
 * Eight hosts write one key while each of them is stopped now and then, Redis is restarted empty, and
 * the way to it is slow, or loses its voice: who reads that key never sees it go back, and when all is
 * quiet the cache is the table. */
#include <stdlib.h>
#include <string.h>

#include "ground.h"
#include "poller.h"

TestSuite(versions, .timeout = 1500);

#define HOSTS 8
#define STOPPED_MOST 5

struct plan {
    unsigned messages, keys, rate;
    uint32_t stop_most_ms, tick_ms, restart_each; /* one tick of so many */
};

struct nemesis {
    struct ground *ground;
    const struct plan *plan;
    uint64_t until_ms[HOSTS]; /* stopped; 0: it runs */
    unsigned ticks, stops, restarts, flushes, ways;
};

/* Mostly short ones: with many long ones nobody would be left to write. */
static uint32_t stop_ms(const struct plan *plan)
{
    const uint32_t most_ms = dice_below(8) ? plan->stop_most_ms / 10 : plan->stop_most_ms;
    return 100 + (uint32_t)dice_below(most_ms);
}

static void resume(struct nemesis *nemesis, uint64_t now_ms)
{
    for (unsigned i = 0; i < HOSTS; i++) {
        if (!nemesis->until_ms[i] || nemesis->until_ms[i] > now_ms) continue;
        kill(ground_host(nemesis->ground, i), SIGCONT);
        nemesis->until_ms[i] = 0;
    }
}

static void stop_one(struct nemesis *nemesis, uint64_t now_ms)
{
    const unsigned which = (unsigned)dice_below(HOSTS);
    unsigned stopped = 0;
    for (unsigned i = 0; i < HOSTS; i++) stopped += nemesis->until_ms[i] != 0;
    const pid_t pid = ground_host(nemesis->ground, which);
    if (stopped >= STOPPED_MOST || nemesis->until_ms[which] || pid <= 0) return;
    kill(pid, SIGSTOP);
    nemesis->until_ms[which] = now_ms + stop_ms(nemesis->plan);
    nemesis->stops++;
}

static void restart_redis(struct nemesis *nemesis)
{
    struct redis *redis = &nemesis->ground->pantry.redis;
    redis_kill(redis);
    play_pause_ms((uint32_t)dice_below(300));
    redis_again(redis);
    nemesis->restarts++;
}

static void change_way(struct nemesis *nemesis)
{
    static const enum proxy_mode modes[] = { PROXY_PASS, PROXY_PASS,           PROXY_BYTEWISE,
                                             PROXY_SLOW, PROXY_DEAF_TO_BROKER, PROXY_DEAF };
    proxy_set(nemesis->ground->proxy, modes[dice_below(sizeof modes / sizeof *modes)]);
    nemesis->ways++;
}

static void rage(struct nemesis *nemesis)
{
    const uint64_t now_ms = clock_now_ms();
    resume(nemesis, now_ms);
    const uint64_t what = dice_below(10);
    if (nemesis->ticks++ == 10 || dice_below(nemesis->plan->restart_each) == 0)
        restart_redis(nemesis);
    else if (what < 6)
        stop_one(nemesis, now_ms);
    else if (what < 9)
        change_way(nemesis);
    else if (strcmp(redis_ask(&nemesis->ground->pantry.redis, "SCRIPT FLUSH"), "OK") == 0)
        nemesis->flushes++;
}

/* Three of four add one to the one key that is watched; the others go to many keys. */
static unsigned write_messages(struct ground *ground, const struct plan *plan)
{
    FILE *file = fopen(play_path(&ground->pantry.play, "messages"), "we");
    unsigned hot = 0;
    cr_assert(file);
    for (unsigned i = 0; i < plan->messages; i++) {
        fprintf(file, "{\"id\":\"m%u\",\"body\":", i);
        if (i % 4 < 3) {
            fputs("{\"to\":\"total\",\"id\":\"hot\",\"n\":1}}\n", file);
            hot++;
            continue;
        }
        fprintf(file, "{\"to\":\"cup\",\"id\":\"k%u\",\"n\":%u%s}}\n",
                (unsigned)dice_below(plan->keys), i, dice_below(20) ? "" : ",\"delete\":true");
    }
    cr_assert(fclose(file) == 0);
    return hot;
}

static void write_all_keys(struct ground *ground, const struct plan *plan)
{
    FILE *file = fopen(play_path(&ground->pantry.play, "messages"), "we");
    cr_assert(file);
    for (unsigned i = 0; i < plan->keys; i++)
        fprintf(file, "{\"id\":\"a%u\",\"body\":{\"to\":\"cup\",\"id\":\"k%u\",\"n\":-1}}\n", i, i);
    fputs("{\"id\":\"last\",\"body\":{\"to\":\"total\",\"id\":\"hot\",\"n\":0}}\n", file);
    cr_assert(fclose(file) == 0);
}

static void end_raging(struct nemesis *nemesis)
{
    resume(nemesis, UINT64_MAX);
    proxy_set(nemesis->ground->proxy, PROXY_PASS);
}

static bool is_counted(struct ground *ground, unsigned hot)
{
    return strtoul(sql(ground->pantry.db.conn, "select n from total where id = 'hot'"), NULL, 10) ==
               hot &&
           rabbit_ready(ground->pantry.play.rabbit, ground->pantry.play.queue) == 0;
}

static void run(const char *policy, const struct plan *plan)
{
    struct ground ground;
    unsigned absent;
    if (!ground_open(&ground, policy, policy, "prefetch: 60, batch: {rows: 20, wait: 5ms}")) return;
    struct play *play = &ground.pantry.play;
    dice_begin("versions");
    ground_add_hosts(&ground, HOSTS - 1);
    struct nemesis nemesis = { .ground = &ground, .plan = plan };
    struct poller *poller = poller_start(ground.pantry.redis.port, "total:hot");
    const unsigned hot = write_messages(&ground, plan);
    ground_publish(&ground, plan->rate);
    while (ground_is_publishing(&ground)) {
        rage(&nemesis);
        play_pause_ms(1 + (uint32_t)dice_below(2 * plan->tick_ms));
    }
    end_raging(&nemesis);
    WAIT_UP_TO(play, 180000, is_counted(&ground, hot));
    write_all_keys(&ground, plan);
    ground_publish(&ground, 5000);
    WAIT(play, !ground_is_publishing(&ground));
    WAIT_UP_TO(play, 180000, rabbit_ready(play->rabbit, play->queue) == 0);
    WAIT_UP_TO(
        play, 180000,
        strcmp(sql(ground.pantry.db.conn, "select count(*) from warrener.cache_repair"), "0") == 0);
    ground_end_hosts(&ground);
    const struct poll_report report = poller_end(poller);
    fprintf(
        stderr,
        "%s: %u messages, %u of them for one key; %u stops, %u restarts of Redis, %u other ways, "
        "%u flushes; %lu polls: %lu found, %lu absent, %lu unanswered, %lu back\n",
        policy, plan->messages, hot, nemesis.stops, nemesis.restarts, nemesis.ways, nemesis.flushes,
        report.asked, report.found, report.absent, report.away, report.back);
    PROVE(play, report.found > 0 && report.back == 0, "it went back: %s", report.worst);
    PROVE(play, ground_compare(&ground, "cup", "to_jsonb(t)", &absent) == 0);
    PROVE(play, absent == 0, "%u keys have no entry", absent);
    PROVE(play, ground_compare(&ground, "total", "t.n", &absent) == 0 && absent == 0);
    ground_close(&ground);
}

static const struct plan *plan_of(void)
{
    static const struct plan brief = { 2400, 300, 1200, 1200, 60, 12 },
                             full = { 134000, 10000, 600, 60000, 500, 12 };
    return ground_is_full() ? &full : &brief;
}

Test(versions, never_go_back_when_held)
{
    if (ground_is_full()) run("hold", plan_of());
}

Test(versions, never_go_back_when_degraded)
{
    run("degrade", plan_of());
}
