/* SPDX-License-Identifier: Apache-2.0
 *
 * Redis killed between commit and set, stopped, full, a replica, without its scripts, all under load:
 * nothing is lost, nothing is acked before its policy allows, and afterwards every key is the table's. */
#include <stdlib.h>
#include <string.h>

#include "ground.h"

TestSuite(outages, .timeout = 600);

#define KEYS 100
#define RATE (ground_is_full() ? 400 : 1000)

struct outage {
    const char *name;
    void (*begin)(struct ground *ground);
    void (*end)(struct ground *ground);
    bool refuses; /* nothing is stored meanwhile */
    uint32_t full_ms;
};

static void deafen_and_kill(struct ground *ground)
{
    proxy_set(ground->proxy, PROXY_DEAF);
    play_pause_ms(200); /* commits whose sets do not arrive */
    redis_kill(&ground->pantry.redis);
}

static void again(struct ground *ground)
{
    proxy_set(ground->proxy, PROXY_PASS);
    redis_again(&ground->pantry.redis);
}

static void stop(struct ground *ground)
{
    redis_signal(&ground->pantry.redis, SIGSTOP);
}

static void go_on(struct ground *ground)
{
    redis_signal(&ground->pantry.redis, SIGCONT);
}

static void fill(struct ground *ground)
{
    redis_ask(&ground->pantry.redis, "CONFIG SET maxmemory-policy noeviction");
    redis_ask(&ground->pantry.redis, "CONFIG SET maxmemory 1mb");
    redis_ask(&ground->pantry.redis, "SET ballast %01000000d", 1);
}

static void empty(struct ground *ground)
{
    redis_ask(&ground->pantry.redis, "CONFIG SET maxmemory 0");
}

static void follow(struct ground *ground)
{
    redis_ask(&ground->pantry.redis, "REPLICAOF 127.0.0.1 1");
}

static void lead(struct ground *ground)
{
    redis_ask(&ground->pantry.redis, "REPLICAOF NO ONE");
}

static void flush(struct ground *ground)
{
    redis_ask(&ground->pantry.redis, "SCRIPT FLUSH");
}

static const struct outage outages[] = {
    { "killed between commit and set", deafen_and_kill, again, true, 5000 },
    { "stopped", stop, go_on, true, 30000 },
    { "full", fill, empty, true, 10000 },
    { "a replica", follow, lead, true, 10000 },
    { "without scripts", flush, flush, false, 3000 },
};

static bool is_done(struct ground *ground, unsigned sent)
{
    return DONE(&ground->pantry) >= sent;
}

/* Every key several times, from the one that is `first` on. */
static void write_messages(struct ground *ground, const char *name, unsigned first, unsigned n)
{
    FILE *file = fopen(play_path(&ground->pantry.play, name), "we");
    cr_assert(file);
    for (unsigned i = first; i < first + n; i++)
        fprintf(file, "{\"id\":\"m%u\",\"body\":{\"to\":\"%s\",\"id\":\"k%u\",\"n\":1}}\n", i,
                i % 2 ? "total" : "cup", i / 2 % KEYS);
    cr_assert(fclose(file) == 0);
}

/* Each key once more in both tables, whatever the load has come to: what was there before a kill went
 * with it. */
#define MORE (2 * KEYS)

static void publish_more(struct ground *ground, unsigned first)
{
    const struct play *play = &ground->pantry.play;
    char output[1000];
    write_messages(ground, "more", first, MORE);
    PROVE(play,
          RUN(play, output, "publish", "--exchange", "", "--key", play->queue, "--ndjson",
              play_path(play, "more")) == 0,
          "%s", output);
}

/* How many are done when all that was answered before the outage is acked. */
static double settled(struct ground *ground, bool refuses)
{
    double now = DONE(&ground->pantry), before = -1;
    if (!refuses) return now;
    WAIT(&ground->pantry.play, play_unready_says(&ground->pantry.play, "redis: "));
    while (now > before) {
        before = now;
        play_pause_ms(250);
        now = DONE(&ground->pantry);
    }
    return now;
}

/* Under a load that began before it, and goes on in it. */
static unsigned suffer(struct ground *ground, const struct outage *outage, bool holds,
                       unsigned sent)
{
    struct play *play = &ground->pantry.play;
    const uint32_t lasts_ms = ground_is_full() ? outage->full_ms : 400;
    const unsigned n = 2 * KEYS + (lasts_ms + 500) * RATE / 1000;
    write_messages(ground, "messages", sent, n);
    ground_publish(ground, RATE);
    WAIT(play, is_done(ground, sent + 50));
    outage->begin(ground);
    const double done = settled(ground, holds && outage->refuses);
    publish_more(ground, sent + n);
    play_pause_ms(lasts_ms);
    if (!holds)
        WAIT(play, DONE(&ground->pantry) > done); /* an outage of Redis does not stop the work */
    const double later = DONE(&ground->pantry);
    fprintf(stderr, "%s, %s: %.0f done at its beginning, %.0f at its end, of %u\n", outage->name,
            holds ? "hold" : "degrade", done - sent, later - sent, n + MORE);
    if (holds && outage->refuses) PROVE(play, later == done, "acked while Redis was away");
    outage->end(ground);
    WAIT(play, is_done(ground, sent + n + MORE) && !ground_is_publishing(ground));
    return n + MORE;
}

static void run(const char *name, bool holds)
{
    struct ground ground;
    unsigned absent, sent = 0;
    if (!ground_open(&ground, name, holds ? "hold" : "degrade", "batch: {rows: 50, wait: 5ms}"))
        return;
    struct play *play = &ground.pantry.play;
    for (size_t i = 0; i < sizeof outages / sizeof *outages; i++)
        if (ground_is_full() || i % 2 == holds) /* the short form shares them out */
            sent += suffer(&ground, &outages[i], holds, sent);
    PROVE(play,
          strtoul(sql(ground.pantry.db.conn, "select sum(n) from total"), NULL, 10) == sent / 2);
    WAIT(play, strcmp(sql(ground.pantry.db.conn, "select count(*) from warrener.cache_repair"),
                      "0") == 0);
    WAIT(play, play_metric(play, "warrener_cache_repair_pending") == 0);
    PROVE(play, ground_compare(&ground, "cup", "to_jsonb(t)", &absent) == 0 && absent == 0,
          "%u absent", absent);
    PROVE(play, ground_compare(&ground, "total", "t.n", &absent) == 0 && absent == 0, "%u absent",
          absent);
    ground_end_hosts(&ground);
    ground_close(&ground);
}

Test(outages, held_until_redis_takes_them)
{
    run("outages-hold", true);
}

Test(outages, degraded_and_repaired)
{
    run("outages-degrade", false);
}
