/* SPDX-License-Identifier: Apache-2.0
 *
 * A Redis that is killed, stopped, full, read-only, forgetful, or will not have us. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "integration/cache/stage.h"
#include "support/proxy.h"
#include "support/scratch.h"

#define EVALSHA_CALLS                                                                              \
    "return "                                                                                      \
    "tonumber(string.match(redis.call('INFO','commandstats'),'cmdstat_evalsha:calls=(%d+)'))"

#define OPEN_OWN(stage, ...)                                                                       \
    struct stage stage;                                                                            \
    if (!stage_open_own(&stage, (const char *const[]){ __VA_ARGS__, NULL })) return

#define CONNECT(stage)                                                                             \
    do {                                                                                           \
        stage_connect(stage);                                                                      \
        WAIT_ON(stage, cache_is_ready((stage)->cache));                                            \
    } while (0)

static struct note note;

static enum cache_outcome try_put(struct stage *stage, const char *key, uint64_t version,
                                  const char *value)
{
    const struct cache_entry entry = { .key = text_of(stage_key(stage, key)),
                                       .value = text_of(value),
                                       .version = version,
                                       .ttl_s = 60 };
    note_write(stage, &note, &entry, 1);
    WAIT_ON(stage, note.is_there);
    return (enum cache_outcome)note.outcomes[0];
}

Test(faults, away_at_first_it_is_answered_at_once_and_comes_by_itself)
{
    OPEN_OWN(stage, "--loglevel", "warning");
    redis_kill(&stage.redis);
    stage_connect(&stage);
    WAIT_ON(&stage, stage.losses > 0);
    cr_assert(strstr(stage.why, "refused"), "%s", stage.why);
    cr_assert(!stage.is_refusal);
    cr_assert_eq(try_put(&stage, "k", 1, "x"), CACHE_FAILED);
    cr_assert(*note.why && strstr(cache_fault(stage.cache), "refused"), "%s", note.why);
    redis_again(&stage.redis);
    WAIT_ON(&stage, cache_is_ready(stage.cache));
    cr_assert_eq(try_put(&stage, "k", 1, "x"), CACHE_STORED);
    cr_assert_str_eq(cache_fault(stage.cache), "");
    cr_assert(strstr(cache_server(stage.cache), "redis://here/0, Redis "), "%s",
              cache_server(stage.cache));
    stage_close(&stage);
}

Test(faults, killed_what_was_out_is_answered_and_the_next_goes_through)
{
    OPEN_OWN(stage, "--loglevel", "warning");
    static struct note notes[20];
    static char keys[20][64];
    CONNECT(&stage);
    redis_signal(&stage.redis, SIGSTOP);
    for (size_t i = 0; i < 20; i++) {
        snprintf(keys[i], sizeof keys[i], "%s:%zu", stage.prefix, i);
        static struct cache_entry entries[20];
        entries[i] = (struct cache_entry){
            .key = text_of(keys[i]), .value = text_of("x"), .version = 1, .ttl_s = 60
        };
        note_write(&stage, &notes[i], &entries[i], 1);
    }
    stage_turn(&stage);
    redis_kill(&stage.redis);
    for (size_t i = 0; i < 20; i++) {
        WAIT_ON(&stage, notes[i].is_there);
        cr_assert_eq(notes[i].outcomes[0], CACHE_FAILED);
        cr_assert(strstr(notes[i].why, "127.0.0.1"), "%s", notes[i].why);
    }
    redis_again(&stage.redis);
    WAIT_ON(&stage, cache_is_connected(stage.cache));
    WAIT_ON(&stage, try_put(&stage, "k", 1, "x") == CACHE_STORED);
    cr_assert_eq(cache_reconnects(stage.cache), 1);
    stage_close(&stage);
}

/* What was to be written may be older than what the Redis that went away knew; only its owner can tell. */
Test(faults, what_was_meant_for_one_connection_never_goes_on_the_next)
{
    OPEN_OWN(stage, "--loglevel", "warning");
    struct proxy *proxy = proxy_open(stage.redis.port);
    stage.server.port = proxy_port(proxy);
    CONNECT(&stage);
    redis_kill(&stage.redis);
    WAIT_ON(&stage, !cache_is_connected(stage.cache));
    proxy_set(proxy, PROXY_DEAF_TO_BROKER);
    redis_again(&stage.redis);
    const uint64_t bytes = proxy_bytes(proxy);
    WAIT_ON(&stage, proxy_bytes(proxy) > bytes);   /* the greeting; its answer does not arrive */
    WAIT_ON(&stage, !timer_is_armed(&stage.tick)); /* it wakes nobody before the answer does */
    const uint64_t asked = proxy_bytes(proxy);
    proxy_set(proxy, PROXY_PASS);
    const uint64_t since_ms = stage_now_ms(); /* now it does, while nobody looks */
    while (proxy_bytes(proxy) == asked && stage_now_ms() < since_ms + STAGE_PATIENCE_MS)
        usleep(1000);
    usleep(50000);
    const struct cache_entry entry = {
        .key = text_of(stage_key(&stage, "k")), .value = text_of("old"), .version = 1, .ttl_s = 60
    };
    note_write(&stage, &note, &entry, 1);
    WAIT_ON(&stage, note.is_there);
    cr_assert_eq(note.outcomes[0], CACHE_FAILED);
    cr_assert(*note.why);
    WAIT_ON(&stage, cache_is_ready(stage.cache));
    cr_assert_eq(try_put(&stage, "other", 1, "x"), CACHE_STORED);
    cr_assert_str_eq(stage_look(&stage, "k"), "-");
    stage_close(&stage);
    proxy_close(proxy);
}

/* What a stopped Redis still has in its socket when it goes on comes after its deadline. */
Test(faults, stopped_beyond_the_deadline_it_does_nothing_of_it_later)
{
    OPEN_OWN(stage, "--loglevel", "warning");
    stage.timeout_ms = STAGE_TIMEOUT_MS;
    CONNECT(&stage);
    cr_assert_eq(try_put(&stage, "seen", 5, "five"), CACHE_STORED);
    redis_signal(&stage.redis, SIGSTOP);
    const uint64_t since_ms = stage_now_ms();
    cr_assert_eq(try_put(&stage, "k", 1, "old"), CACHE_FAILED);
    const uint64_t took_ms = stage_now_ms() - since_ms;
    cr_assert(took_ms >= STAGE_TIMEOUT_MS - 20 && took_ms < 20000, "%llu ms",
              (unsigned long long)took_ms);
    cr_assert(strstr(note.why, "no answer within 1000 ms"), "%s", note.why);
    WAIT_ON(&stage, stage_now_ms() - since_ms > STAGE_TIMEOUT_MS + 100);
    redis_signal(&stage.redis, SIGCONT);
    WAIT_ON(&stage, cache_is_connected(stage.cache));
    WAIT_ON(&stage, try_put(&stage, "other", 1, "x") == CACHE_STORED);
    cr_assert_str_eq(stage_look(&stage, "k"), "-");
    cr_assert_str_eq(stage_look(&stage, "seen"), "5 five");
    stage_close(&stage);
}

Test(faults, an_idle_one_that_is_stopped_is_found_out)
{
    OPEN_OWN(stage, "--loglevel", "warning");
    stage.timeout_ms = STAGE_TIMEOUT_MS;
    CONNECT(&stage);
    redis_signal(&stage.redis, SIGSTOP);
    WAIT_ON(&stage, !cache_is_connected(stage.cache));
    redis_signal(&stage.redis, SIGCONT);
    WAIT_ON(&stage, cache_is_ready(stage.cache));
    stage_close(&stage);
}

Test(faults, scripts_that_were_flushed_are_loaded_again)
{
    OPEN_OWN(stage, "--loglevel", "warning");
    CONNECT(&stage);
    static struct note notes[30];
    static struct cache_entry entries[30];
    static char keys[30][64];
    for (int round = 0; round < 20; round++) {
        redis_ask(&stage.redis, "SCRIPT FLUSH");
        for (size_t i = 0; i < 30; i++) {
            snprintf(keys[i], sizeof keys[i], "%s:%d:%zu", stage.prefix, round, i);
            entries[i] = (struct cache_entry){
                .key = text_of(keys[i]), .value = text_of("x"), .version = 1, .ttl_s = 60
            };
            note_write(&stage, &notes[i], &entries[i], 1);
        }
        for (size_t i = 0; i < 30; i++) {
            WAIT_ON(&stage, notes[i].is_there);
            cr_assert_eq(notes[i].outcomes[0], CACHE_STORED, "%s", notes[i].why);
        }
    }
    cr_assert(cache_is_ready(stage.cache) && stage.losses == 0 && stage.breaks == 0);
    stage_close(&stage);
}

static void fill_with(struct stage *stage, const char *name, size_t bytes)
{
    char value[20000];
    memset(value, 'x', sizeof value);
    for (int i = 0; i < 5000; i++)
        if (strstr(redis_ask(&stage->redis, "SET %s:%d %b", name, i, value, bytes), "OOM")) return;
    cr_assert_fail("it is never full");
}

/* What a large value found no room for, a small one may still have. */
static void fill_up(struct stage *stage)
{
    fill_with(stage, "large", 20000);
    fill_with(stage, "small", 100);
    fill_with(stage, "tiny", 1);
}

Test(faults, full_it_says_so_and_the_breaker_opens_and_is_probed)
{
    OPEN_OWN(stage, "--maxmemory", "1mb", "--maxmemory-policy", "noeviction");
    CONNECT(&stage);
    fill_up(&stage);
    uint64_t since_ms = 0;
    for (int i = 0; i < BREAKER_FAILURES; i++) {
        since_ms = stage_now_ms();
        cr_assert_eq(try_put(&stage, "k", 1, "x"), CACHE_FAILED);
        cr_assert(strstr(note.why, "OOM") && strstr(note.why, "maxmemory"), "%s", note.why);
    }
    cr_assert_eq(cache_breaker(stage.cache), BREAKER_OPEN);
    cr_assert(cache_is_connected(stage.cache) && !cache_is_ready(stage.cache));
    cr_assert(strstr(cache_fault(stage.cache), "OOM"), "%s", cache_fault(stage.cache));
    for (bool is_probed = true; is_probed; since_ms = stage_now_ms()) {
        const long long calls = redis_ask_number(&stage.redis, "EVAL %s 0", EVALSHA_CALLS);
        cr_assert_eq(try_put(&stage, "k", 1, "x"), CACHE_FAILED);
        is_probed = redis_ask_number(&stage.redis, "EVAL %s 0", EVALSHA_CALLS) != calls;
        cr_assert(!is_probed || stage_now_ms() - since_ms >= BREAKER_FIRST_MS,
                  "an open breaker sends nothing");
    }
    redis_ask(&stage.redis, "CONFIG SET maxmemory 100mb");
    WAIT_ON(&stage, try_put(&stage, "k", 1, "x") == CACHE_STORED);
    cr_assert(cache_is_ready(stage.cache));
    cr_assert_eq(stage.losses, 0);
    cr_assert(stage.breaks >= 2 && stage.breaker == BREAKER_CLOSED);
    stage_close(&stage);
}

/* What is stale is known to be so even by a full Redis. */
Test(faults, full_it_still_answers_for_what_needs_no_room)
{
    OPEN_OWN(stage, "--maxmemory", "1mb", "--maxmemory-policy", "noeviction");
    CONNECT(&stage);
    cr_assert_eq(try_put(&stage, "k", 5, "x"), CACHE_STORED);
    fill_up(&stage);
    cr_assert_eq(try_put(&stage, "k", 4, "x"), CACHE_STALE);
    stage_close(&stage);
}

Test(faults, a_replica_is_refused_until_it_is_promoted)
{
    OPEN_OWN(stage, "--loglevel", "warning");
    redis_ask(&stage.redis, "REPLICAOF 127.0.0.1 %d", (int)redis_free_port());
    stage_connect(&stage);
    WAIT_ON(&stage, stage.losses > 0);
    cr_assert(stage.is_refusal && cache_is_refused(stage.cache));
    cr_assert(strstr(stage.why, "READONLY: it is a replica of 127.0.0.1:"), "%s", stage.why);
    redis_ask(&stage.redis, "REPLICAOF NO ONE");
    WAIT_ON(&stage, cache_is_ready(stage.cache));
    stage_close(&stage);
}

Test(faults, one_that_becomes_a_replica_is_left)
{
    OPEN_OWN(stage, "--loglevel", "warning");
    CONNECT(&stage);
    redis_ask(&stage.redis, "REPLICAOF 127.0.0.1 %d", (int)redis_free_port());
    cr_assert_eq(try_put(&stage, "k", 1, "x"), CACHE_FAILED);
    cr_assert(strstr(note.why, "primary"), "%s", note.why);
    WAIT_ON(&stage, stage.losses > 0 && stage.is_refusal);
    redis_ask(&stage.redis, "REPLICAOF NO ONE");
    WAIT_ON(&stage, try_put(&stage, "k", 1, "x") == CACHE_STORED);
    stage_close(&stage);
}

Test(faults, a_cluster_is_refused)
{
    char bus[8];
    snprintf(bus, sizeof bus, "%u", redis_free_port());
    OPEN_OWN(stage, "--cluster-enabled", "yes", "--cluster-port", bus);
    stage_connect(&stage);
    WAIT_ON(&stage, stage.losses > 0);
    cr_assert(stage.is_refusal && strstr(stage.why, "Cluster, which is refused"), "%s", stage.why);
    stage_close(&stage);
}

Test(faults, passwords)
{
    OPEN_OWN(stage, "--requirepass", "secret");
    snprintf(stage.redis.password, sizeof stage.redis.password, "secret");
    stage_connect(&stage);
    WAIT_ON(&stage, stage.losses > 0);
    cr_assert(stage.is_refusal && strstr(stage.why, "NOAUTH"), "%s", stage.why);
    stage.server.password = "wrong";
    WAIT_ON(&stage, strstr(stage.why, "WRONGPASS"));
    cr_assert(stage.is_refusal && !strstr(stage.why, "wrong "), "%s", stage.why);
    stage.server.password = "secret";
    WAIT_ON(&stage, cache_is_ready(stage.cache));
    redis_ask(&stage.redis, "ACL SETUSER worker on >word ~%s:* +@all -info -client", stage.prefix);
    cache_free(stage.cache);
    stage.server.user = "worker";
    stage.server.password = "word";
    CONNECT(&stage);
    cr_assert_eq(try_put(&stage, "k", 1, "x"), CACHE_STORED);
    stage_close(&stage);
}

Test(faults, a_user_who_may_too_little_is_told_what_is_needed)
{
    OPEN_OWN(stage, "--loglevel", "warning");
    redis_ask(&stage.redis, "ACL SETUSER worker on >word ~* +@all -hset");
    stage.server.user = "worker";
    stage.server.password = "word";
    CONNECT(&stage);
    cr_assert_eq(try_put(&stage, "k", 1, "x"), CACHE_FAILED);
    stage_close(&stage);
}

Test(faults, a_password_where_none_is_set_and_a_database_that_is_not_there)
{
    OPEN_OWN(stage, "--databases", "2");
    stage.server.password = "needless";
    stage_connect(&stage);
    WAIT_ON(&stage, strstr(stage.why, "no password set"));
    cr_assert(stage.is_refusal);
    stage.server.password = NULL;
    stage.server.database = 7;
    WAIT_ON(&stage, strstr(stage.why, "no such database"));
    stage.server.database = 1;
    WAIT_ON(&stage, cache_is_ready(stage.cache));
    cr_assert_eq(try_put(&stage, "k", 1, "x"), CACHE_STORED);
    cr_assert_str_eq(stage_look(&stage, "k"), "-");
    redis_ask(&stage.redis, "SELECT 1");
    cr_assert_str_eq(stage_look(&stage, "k"), "1 x");
    stage_close(&stage);
}

Test(faults, loading_it_is_waited_for)
{
    OPEN_OWN(stage, "--key-load-delay", "100000", "--loading-process-events-interval-bytes", "1024",
             "--rdbcompression", "no", "--enable-debug-command", "yes");
    redis_ask(&stage.redis, "DEBUG POPULATE 200 filler 1000"); /* 20 s */
    redis_ask(&stage.redis, "SAVE");
    redis_kill(&stage.redis);
    redis_again(&stage.redis);
    stage_connect(&stage);
    WAIT_ON(&stage, stage.losses > 0);
    cr_assert(strstr(stage.why, "LOADING") && !stage.is_refusal, "%s", stage.why);
    redis_ask(&stage.redis, "CONFIG SET key-load-delay 0");
    WAIT_ON(&stage, cache_is_ready(stage.cache));
    stage_close(&stage);
}

Test(faults, what_is_no_redis_is_told)
{
    OPEN_OWN(stage, "--loglevel", "warning");
    stage.server.use_tls = true;
    stage.connect_ms = 2000; /* it waits for the rest of what it takes for a command */
    stage_connect(&stage);
    WAIT_ON(&stage, stage.losses > 0);
    cr_assert(strstr(stage.why, "TLS"), "%s", stage.why);
    stage_close(&stage);
}

Test(faults, too_many_clients)
{
    OPEN_OWN(stage, "--maxclients", "1");
    /* Those who only looked whether it listens may still count. */
    while (strcmp(redis_ask(&stage.redis, "PING"), "PONG") != 0) redis_look_away(&stage.redis);
    stage_connect(&stage);
    WAIT_ON(&stage, stage.losses > 0);
    redis_look_away(&stage.redis);
    WAIT_ON(&stage, cache_is_ready(stage.cache));
    stage_close(&stage);
}

/* ---- TLS ------------------------------------------------------------------------------------- */

Test(faults, over_tls_the_server_is_checked)
{
    char dir[SCRATCH_BYTES], command[400], cert[160], key[160], ca[160], stranger[160];
    scratch_make(dir, "tls");
    snprintf(command, sizeof command, "'%s/support/certificates' '%s' >/dev/null", TEST_SOURCE,
             dir);
    cr_assert_eq(system(command), 0); // NOLINT(cert-env33-c): a script of ours
    snprintf(cert, sizeof cert, "%s/server.pem", dir);
    snprintf(key, sizeof key, "%s/server.key", dir);
    snprintf(ca, sizeof ca, "%s/ca.pem", dir);
    snprintf(stranger, sizeof stranger, "%s/stranger-ca.pem", dir);
    OPEN_OWN(stage, "--tls-cert-file", cert, "--tls-key-file", key, "--tls-ca-cert-file", ca,
             "--tls-auth-clients", "no");
    stage.server.host = "localhost";
    stage.server.use_tls = true;
    stage.server.tls.ca_file = stranger;
    stage_connect(&stage);
    WAIT_ON(&stage, stage.losses > 0);
    cr_assert(strstr(stage.why, "certificate"), "%s", stage.why);
    stage.server.tls.ca_file = ca;
    WAIT_ON(&stage, cache_is_ready(stage.cache));
    cr_assert_eq(try_put(&stage, "k", 1, "x"), CACHE_STORED);
    static char large[3000000];
    memset(large, 'y', sizeof large - 1);
    cr_assert_eq(try_put(&stage, "large", 1, large), CACHE_STORED);
    stage_close(&stage);
    scratch_remove(dir);
}
