/* SPDX-License-Identifier: Apache-2.0
 *
 * What writes leave in Redis: versions, tombstones, ttls. */
#include <stdio.h>
#include <stdlib.h>

#include "integration/cache/stage.h"

#define OPEN(stage)                                                                                \
    struct stage stage;                                                                            \
    if (!stage_open(&stage)) return;                                                               \
    stage_connect(&stage);                                                                         \
    WAIT_ON(&stage, cache_is_ready(stage.cache))

Test(versions, only_what_is_newer_is_stored)
{
    OPEN(stage);
    cr_assert_eq(stage_put(&stage, CACHE_SET, "k", 5, "five", 60), CACHE_STORED);
    cr_assert_eq(stage_put(&stage, CACHE_SET, "k", 4, "four", 60), CACHE_STALE);
    cr_assert_eq(stage_put(&stage, CACHE_SET, "k", 5, "other", 60), CACHE_STALE);
    cr_assert_str_eq(stage_look(&stage, "k"), "5 five");
    cr_assert_eq(stage_put(&stage, CACHE_SET, "k", UINT64_MAX, "last", 60), CACHE_STORED);
    cr_assert_eq(stage_put(&stage, CACHE_SET, "k", UINT64_MAX - 1, "last", 60), CACHE_STALE);
    cr_assert_str_eq(stage_look(&stage, "k"), "18446744073709551615 last");
    cr_assert_eq(stage_put(&stage, CACHE_SET, "zero", 0, "", 60), CACHE_STORED);
    cr_assert_str_eq(stage_look(&stage, "zero"), "0 ");
    stage_close(&stage);
}

Test(versions, versions_above_2_to_the_53_are_told_apart)
{
    OPEN(stage);
    const uint64_t large = UINT64_C(9007199254740992);
    cr_assert_eq(stage_put(&stage, CACHE_SET, "k", large, "a", 60), CACHE_STORED);
    cr_assert_eq(stage_put(&stage, CACHE_SET, "k", large + 1, "b", 60), CACHE_STORED);
    cr_assert_eq(stage_put(&stage, CACHE_SET, "k", large, "a", 60), CACHE_STALE);
    stage_close(&stage);
}

Test(versions, a_drop_leaves_a_tombstone_that_old_values_do_not_pass)
{
    OPEN(stage);
    cr_assert_eq(stage_put(&stage, CACHE_SET, "k", 5, "five", 60), CACHE_STORED);
    cr_assert_eq(stage_put(&stage, CACHE_DROP, "k", 4, "", 60), CACHE_STALE);
    cr_assert_eq(stage_put(&stage, CACHE_DROP, "k", 6, "", 60), CACHE_STORED);
    cr_assert_str_eq(stage_look(&stage, "k"), "6 -");
    cr_assert_eq(stage_put(&stage, CACHE_FILL, "k", 5, "five", 60), CACHE_STALE);
    cr_assert_eq(stage_put(&stage, CACHE_ABSENT, "k", 0, "", 60), CACHE_STALE);
    cr_assert_str_eq(stage_look(&stage, "k"), "6 -");
    cr_assert_eq(stage_put(&stage, CACHE_SET, "k", 7, "seven", 60), CACHE_STORED);
    cr_assert_eq(stage_put(&stage, CACHE_DROP, "k", 7, "", 60), CACHE_STALE);
    cr_assert_str_eq(stage_look(&stage, "k"), "7 seven");
    cr_assert_eq(stage_put(&stage, CACHE_DROP, "never", 3, "", 60), CACHE_STORED);
    cr_assert_str_eq(stage_look(&stage, "never"), "3 -");
    stage_close(&stage);
}

Test(versions, whatever_order_writes_of_one_version_come_in_the_same_stays)
{
    OPEN(stage);
    stage_put(&stage, CACHE_SET, "a", 5, "five", 60);
    stage_put(&stage, CACHE_DROP, "a", 5, "", 60);
    stage_put(&stage, CACHE_DROP, "b", 5, "", 60);
    stage_put(&stage, CACHE_SET, "b", 5, "five", 60);
    cr_assert_str_eq(stage_look(&stage, "a"), "5 five");
    cr_assert_str_eq(stage_look(&stage, "b"), "5 five");
    stage_close(&stage);
}

Test(versions, what_is_absent_is_remembered_until_there_is_something)
{
    OPEN(stage);
    cr_assert_eq(stage_put(&stage, CACHE_ABSENT, "k", 0, "", 60), CACHE_STORED);
    cr_assert_str_eq(stage_look(&stage, "k"), "0 -");
    cr_assert_eq(stage_put(&stage, CACHE_SET, "k", 0, "now", 60), CACHE_STORED);
    cr_assert_eq(stage_put(&stage, CACHE_ABSENT, "k", 0, "", 60), CACHE_STALE);
    cr_assert_str_eq(stage_look(&stage, "k"), "0 now");
    stage_close(&stage);
}

static long long ttl_ms(struct stage *stage, const char *key)
{
    return redis_ask_number(&stage->redis, "PTTL %s", stage_key(stage, key));
}

Test(versions, ttls_are_spread_and_tombstones_kept_twice_as_long)
{
    OPEN(stage);
    long long least = INT64_MAX, most = 0;
    for (int i = 0; i < 200; i++) {
        char key[16];
        snprintf(key, sizeof key, "k%d", i);
        const uint64_t since_ms = stage_now_ms();
        stage_put(&stage, CACHE_SET, key, 1, "x", 1000);
        const long long ms = ttl_ms(&stage, key), gone_ms = (long long)(stage_now_ms() - since_ms);
        if (ms + gone_ms < least) least = ms + gone_ms;
        if (ms > most) most = ms;
    }
    cr_assert(least > 849000 && least < 880000 && most > 970000 && most <= 1000000, "%lld %lld",
              least, most);
    stage_put(&stage, CACHE_DROP, "k0", 2, "", 1000);
    const long long drop_ms = ttl_ms(&stage, "k0");
    cr_assert(drop_ms > 1990000 && drop_ms <= 2000000, "%lld", drop_ms);
    stage_put(&stage, CACHE_DROP, "k1", 2, "", 1); /* twice what was left is more */
    const long long kept_ms = ttl_ms(&stage, "k1");
    cr_assert(kept_ms > 1690000 && kept_ms <= 2000000, "%lld", kept_ms);
    stage_put(&stage, CACHE_SET, "k1", 3, "x", 10);
    cr_assert(ttl_ms(&stage, "k1") <= 10000, "a set has its own ttl");
    stage_close(&stage);
}

Test(versions, entries_expire)
{
    OPEN(stage);
    stage_put(&stage, CACHE_SET, "k", 9, "x", 1);
    WAIT_ON(&stage, strcmp(stage_look(&stage, "k"), "-") == 0);
    cr_assert_eq(stage_put(&stage, CACHE_SET, "k", 3, "old", 60), CACHE_STORED);
    stage_close(&stage);
}

Test(versions, any_bytes_pass)
{
    OPEN(stage);
    static struct note note;
    char value[256];
    for (size_t i = 0; i < sizeof value; i++) value[i] = (char)i;
    char key[80];
    const int n = snprintf(key, sizeof key, "%s:\r\n%c'\xff", stage.prefix, '\0');
    const struct cache_entry entry = { .key = text_from(key, (size_t)n),
                                       .value = text_from(value, sizeof value),
                                       .version = 1,
                                       .ttl_s = 60 };
    note_write(&stage, &note, &entry, 1);
    WAIT_ON(&stage, note.is_there);
    cr_assert_eq(note.outcomes[0], CACHE_STORED);
    cr_assert_eq(redis_ask_number(&stage.redis, "HSTRLEN %b value", key, (size_t)n), 256);
    stage_close(&stage);
}

Test(versions, a_key_that_is_no_entry_fails_alone_and_is_left_alone)
{
    OPEN(stage);
    static struct note note;
    struct cache_entry entries[3];
    static const char *const keys[] = { "a", "foreign", "b" };
    for (size_t i = 0; i < 3; i++)
        entries[i] = (struct cache_entry){ .key = text_of(stage_key(&stage, keys[i])),
                                           .value = text_of("x"),
                                           .version = 1,
                                           .ttl_s = 60 };
    redis_ask(&stage.redis, "SET %s mine", stage_key(&stage, "foreign"));
    for (int i = 0; i < 2 * BREAKER_FAILURES; i++) {
        note_write(&stage, &note, entries, 3);
        WAIT_ON(&stage, note.is_there);
    }
    cr_assert_eq(note.outcomes[0], CACHE_STALE);
    cr_assert_eq(note.outcomes[1], CACHE_FAILED);
    cr_assert_eq(note.outcomes[2], CACHE_STALE);
    cr_assert(strstr(note.why, "no entry of ours"), "%s", note.why);
    cr_assert_str_eq(redis_ask(&stage.redis, "GET %s", stage_key(&stage, "foreign")), "mine");
    cr_assert(cache_is_ready(stage.cache), "a key's own fault is none of Redis'");
    stage_close(&stage);
}

Test(versions, one_call_writes_a_batch_and_several_a_very_large_one)
{
    OPEN(stage);
    static struct note note;
    static char keys[2500][64];
    static struct cache_entry entries[2500];
    for (size_t i = 0; i < 2500; i++) {
        snprintf(keys[i], sizeof keys[i], "%s:%zu", stage.prefix, i);
        entries[i] = (struct cache_entry){
            .key = text_of(keys[i]), .value = text_of(keys[i]), .version = i + 1, .ttl_s = 60
        };
    }
    note_write(&stage, &note, entries, 2500);
    WAIT_ON(&stage, note.is_there);
    for (size_t i = 0; i < 2500; i++) {
        cr_assert_eq(note.outcomes[i], CACHE_STORED);
        if (i % 100 == 0)
            cr_assert_str_eq(redis_ask(&stage.redis, "HGET %s value", keys[i]), keys[i]);
    }
    stage_close(&stage);
}

/* ---- writers at the same time ---------------------------------------------------------------- */

#define WRITERS 6
#define ROUNDS 400
#define KEYS 20

struct writer {
    struct stage *stage;
    struct note note;
    char keys[KEYS][64];
    char values[KEYS][24];
    struct cache_entry entries[KEYS];
};

static void write_some(struct writer *writer, uint64_t *dice)
{
    for (size_t i = 0; i < KEYS; i++) {
        *dice = *dice * 6364136223846793005u + 1442695040888963407u;
        const uint64_t version = 1 + (*dice >> 33) % 1000000;
        snprintf(writer->keys[i], sizeof writer->keys[i], "%s:%zu", writer->stage->prefix, i);
        snprintf(writer->values[i], sizeof writer->values[i], "%llu", (unsigned long long)version);
        writer->entries[i] = (struct cache_entry){ .key = text_of(writer->keys[i]),
                                                   .value = text_of(writer->values[i]),
                                                   .version = version,
                                                   .ttl_s = 600,
                                                   .op = version % 7 ? CACHE_SET : CACHE_DROP };
    }
    note_write(writer->stage, &writer->note, writer->entries, KEYS);
}

/* Each writer has a connection of its own; each key ends at the highest version that any wrote. */
Test(versions, never_go_back_under_many_writers)
{
    static struct writer writers[WRITERS];
    static struct stage stages[WRITERS];
    uint64_t dice = 42, highest[KEYS] = { 0 }, seen[KEYS] = { 0 };
    for (size_t i = 0; i < WRITERS; i++) {
        if (!stage_open(&stages[i])) return;
        stage_connect(&stages[i]);
        memcpy(stages[i].prefix, stages[0].prefix, sizeof stages[0].prefix);
        WAIT_ON(&stages[i], cache_is_ready(stages[i].cache));
        writers[i].stage = &stages[i];
    }
    for (int round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < WRITERS; i++) {
            write_some(&writers[i], &dice);
            for (size_t k = 0; k < KEYS; k++)
                if (writers[i].entries[k].version > highest[k])
                    highest[k] = writers[i].entries[k].version;
        }
        for (size_t i = WRITERS; i-- > 0;) {
            WAIT_ON(&stages[i], writers[i].note.is_there);
            const size_t k = (size_t)round % KEYS;
            const uint64_t now =
                strtoull(redis_ask(&stages[0].redis, "HGET %s ver", writers[i].keys[k]), NULL, 10);
            cr_assert(now >= seen[k], "back from %llu to %llu", (unsigned long long)seen[k],
                      (unsigned long long)now);
            seen[k] = now;
        }
    }
    for (size_t k = 0; k < KEYS; k++) {
        char expected[48];
        snprintf(expected, sizeof expected, "%zu", k);
        const char *is = stage_look(&stages[0], expected);
        snprintf(expected, sizeof expected, highest[k] % 7 ? "%llu %llu" : "%llu -",
                 (unsigned long long)highest[k], (unsigned long long)highest[k]);
        cr_assert_str_eq(is, expected);
    }
    for (size_t i = 0; i < WRITERS; i++) stage_close(&stages[i]);
}
