/* SPDX-License-Identifier: Apache-2.0
 *
 * See stage.h. */
#include "integration/cache/stage.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"

uint64_t stage_now_ms(void)
{
    return clock_now_ms();
}

static void on_tick(void *owner UNUSED)
{
}

void stage_turn(struct stage *stage)
{
    timer_arm_ms(&stage->tick, 10);
    event_base_loop(loop_base(stage->loop), EVLOOP_ONCE);
}

/* ---- the cache's events ---------------------------------------------------------------------- */

static bool on_server(void *own, struct cache_server *out, struct status *status UNUSED)
{
    const struct stage *stage = own;
    *out = stage->server;
    return true;
}

static void on_ready(void *own)
{
    struct stage *stage = own;
    stage->readies++;
}

static void on_lost(void *own, const char *why, bool is_refusal)
{
    struct stage *stage = own;
    stage->losses++;
    stage->is_refusal = is_refusal;
    snprintf(stage->why, sizeof stage->why, "%s", why);
}

static void on_breaker(void *own, enum breaker_state state, const char *why UNUSED)
{
    struct stage *stage = own;
    stage->breaks++;
    stage->breaker = state;
}

/* ---- life ------------------------------------------------------------------------------------ */

static void set_stage(struct stage *stage)
{
    stage->loop = loop_new();
    timer_init(&stage->tick, stage->loop, on_tick, stage);
    stage->connect_ms = stage->timeout_ms = STAGE_LONG_MS;
    snprintf(stage->prefix, sizeof stage->prefix, "test:%016llx", (unsigned long long)random_u64());
    stage->server = (struct cache_server){ .host = "127.0.0.1",
                                           .port = stage->redis.port,
                                           .shown = "redis://here/0",
                                           .tls = { .verify = true } };
}

bool stage_open(struct stage *stage)
{
    memset(stage, 0, sizeof *stage);
    if (!redis_look(&stage->redis, getenv("REDIS_URL"))) {
        fputs("no REDIS_URL: passed over\n", stderr);
        return false;
    }
    set_stage(stage);
    return true;
}

bool stage_open_own(struct stage *stage, const char *const *options)
{
    memset(stage, 0, sizeof *stage);
    if (!getenv("REDIS_URL")) {
        fputs("no REDIS_URL: passed over\n", stderr);
        return false;
    }
    signal(SIGPIPE, SIG_IGN);
    redis_start(&stage->redis, options);
    stage->is_own = true;
    set_stage(stage);
    return true;
}

void stage_connect(struct stage *stage)
{
    const struct cache_settings settings = { .name = "warrener test",
                                             .connect_ms = stage->connect_ms,
                                             .timeout_ms = stage->timeout_ms };
    static const struct cache_events events = { on_server, on_ready, on_lost, on_breaker };
    stage->cache = cache_new(stage->loop, &settings, &events, stage);
}

void stage_close(struct stage *stage)
{
    cache_free(stage->cache);
    timer_fini(&stage->tick);
    loop_free(stage->loop);
    if (stage->is_own)
        redis_end(&stage->redis);
    else
        redis_look_away(&stage->redis);
}

/* ---- writes ---------------------------------------------------------------------------------- */

static void on_written(void *own, const unsigned char *outcomes, size_t n, const char *why)
{
    struct note *note = own;
    cr_assert(!note->is_there && n == note->n);
    note->is_there = true;
    memcpy(note->outcomes, outcomes, n);
    snprintf(note->why, sizeof note->why, "%s", why);
}

void note_write(struct stage *stage, struct note *note, const struct cache_entry *entries, size_t n)
{
    cr_assert(n <= sizeof note->outcomes);
    note->is_there = false;
    note->n = n;
    cache_write(stage->cache, entries, n, on_written, note);
    cr_assert(!note->is_there, "told from inside");
}

enum cache_outcome stage_put(struct stage *stage, enum cache_op op, const char *key,
                             uint64_t version, const char *value, uint32_t ttl_s)
{
    static struct note note;
    const struct cache_entry entry = { .key = text_of(stage_key(stage, key)),
                                       .value = text_of(value),
                                       .version = version,
                                       .ttl_s = ttl_s,
                                       .op = op };
    note_write(stage, &note, &entry, 1);
    WAIT_ON(stage, note.is_there);
    cr_assert(note.outcomes[0] != CACHE_FAILED, "%s", note.why);
    return (enum cache_outcome)note.outcomes[0];
}

const char *stage_key(const struct stage *stage, const char *key)
{
    static char keys[64][128];
    static unsigned turn;
    char *const out = keys[turn++ % 64];
    snprintf(out, sizeof keys[0], "%s:%s", stage->prefix, key);
    return out;
}

const char *stage_look(struct stage *stage, const char *key)
{
    static char looks[8][256];
    static unsigned turn;
    char *const out = looks[turn++ % 8];
    const char *name = stage_key(stage, key);
    const char *version = redis_ask(&stage->redis, "HGET %s ver", name);
    if (strcmp(version, "(nil)") == 0) return "-";
    const char *value = redis_ask(&stage->redis, "HGET %s value", name);
    cr_assert_eq(strlen(version), VERSIONED_DIGITS);
    snprintf(out, sizeof looks[0], "%llu %s", strtoull(version, NULL, 10),
             strcmp(value, "(nil)") == 0 ? "-" : value);
    return out;
}
