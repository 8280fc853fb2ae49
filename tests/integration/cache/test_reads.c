/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads: hits, misses filled once, absent keys remembered, locks between hosts. */
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "integration/cache/stage.h"

#define MOST 64

/* Somebody who reads, and a table to load from. */
struct guest {
    struct cache_read *read;
    unsigned asked; /* keys that were its to load */
    size_t missing[MOST];
    size_t n_missing;
    bool is_settled;
    struct cache_got got[MOST];
    size_t n;
};

static void on_missing(void *own, struct cache_read *read, const size_t *keys, size_t n)
{
    struct guest *guest = own;
    cr_assert(read == guest->read && guest->n_missing + n <= MOST);
    memcpy(guest->missing + guest->n_missing, keys, n * sizeof *keys);
    guest->n_missing += n;
    guest->asked += (unsigned)n;
}

static void on_settled(void *own, struct cache_read *read, const struct cache_got *got)
{
    struct guest *guest = own;
    cr_assert(read == guest->read && !guest->is_settled);
    guest->is_settled = true;
    memcpy(guest->got, got, guest->n * sizeof *got);
}

static void come(struct stage *stage, struct cache_reader *reader, struct guest *guest,
                 const char *const *keys)
{
    static const struct cache_read_events events = { on_missing, on_settled };
    struct wr_text texts[MOST];
    *guest = (struct guest){ 0 };
    for (; keys[guest->n]; guest->n++) texts[guest->n] = text_of(stage_key(stage, keys[guest->n]));
    guest->read = cache_read(reader, texts, guest->n, &events, guest);
    cr_assert(!guest->is_settled && !guest->asked, "told from inside");
}

#define COME(stage, reader, guest, ...)                                                            \
    come(stage, reader, guest, (const char *const[]){ __VA_ARGS__, NULL })

static void load(struct guest *guest, uint64_t version, const char *value)
{
    for (size_t i = 0; i < guest->n_missing; i++) {
        const struct cache_loaded loaded = {
            .is_absent = !value, .version = version, .value = text_of(value), .ttl_s = 600
        };
        cache_read_fill(guest->read, guest->missing[i], &loaded);
    }
    guest->n_missing = 0;
}

static void go(struct guest *guest)
{
    cache_read_free(guest->read);
    guest->read = NULL;
}

#define OPEN(stage, reader)                                                                        \
    struct stage stage;                                                                            \
    if (!stage_open(&stage)) return;                                                               \
    stage_connect(&stage);                                                                         \
    WAIT_ON(&stage, cache_is_ready(stage.cache));                                                  \
    struct cache_reader *reader = cache_reader_new(stage.loop, stage.cache)

#define CLOSE(stage, reader)                                                                       \
    do {                                                                                           \
        cache_reader_free(reader);                                                                 \
        stage_close(stage);                                                                        \
    } while (0)

Test(reads, what_is_there_is_found_and_the_rest_is_loaded_and_remembered)
{
    OPEN(stage, reader);
    struct guest guest;
    stage_put(&stage, CACHE_SET, "a", UINT64_C(9007199254740993), "alpha", 60);
    COME(&stage, reader, &guest, "a", "b", "c");
    WAIT_ON(&stage, guest.asked == 2);
    cr_assert(!guest.is_settled && guest.missing[0] == 1 && guest.missing[1] == 2);
    cr_assert_eq(guest.got[0].found, CACHE_UNSETTLED);
    cache_read_fill(guest.read, 1,
                    &(struct cache_loaded){ .version = 7, .value = text_of("beta"), .ttl_s = 60 });
    cache_read_fill(guest.read, 2, &(struct cache_loaded){ .is_absent = true, .ttl_s = 60 });
    WAIT_ON(&stage, guest.is_settled);
    cr_assert(guest.got[0].found == CACHE_HIT && text_is(guest.got[0].value, "alpha"));
    cr_assert_eq(guest.got[0].version, UINT64_C(9007199254740993));
    cr_assert(guest.got[1].found == CACHE_LOADED && text_is(guest.got[1].value, "beta"));
    cr_assert_eq(guest.got[1].version, 7);
    cr_assert_eq(guest.got[2].found, CACHE_LOADED_ABSENT);
    go(&guest);
    WAIT_ON(&stage, strcmp(stage_look(&stage, "c"), "0 -") == 0);
    cr_assert_str_eq(stage_look(&stage, "b"), "7 beta");
    cr_assert_str_eq(redis_ask(&stage.redis, "EXISTS %s", stage_key(&stage, "b:fill")), "0");
    COME(&stage, reader, &guest, "c", "b", "a");
    WAIT_ON(&stage, guest.is_settled);
    cr_assert_eq(guest.asked, 0);
    cr_assert_eq(guest.got[0].found, CACHE_KNOWN_ABSENT);
    cr_assert(guest.got[1].found == CACHE_HIT && text_is(guest.got[1].value, "beta"));
    go(&guest);
    CLOSE(&stage, reader);
}

Test(reads, nothing_wanted_is_settled_too)
{
    OPEN(stage, reader);
    struct guest guest;
    come(&stage, reader, &guest, (const char *const[]){ NULL });
    WAIT_ON(&stage, guest.is_settled);
    go(&guest);
    CLOSE(&stage, reader);
}

Test(reads, of_many_who_miss_a_key_one_loads_it)
{
    OPEN(stage, reader);
    struct guest guests[20];
    for (size_t i = 0; i < 20; i++) COME(&stage, reader, &guests[i], "k", "other");
    WAIT_ON(&stage, guests[0].asked == 2);
    for (size_t i = 1; i < 20; i++) cr_assert_eq(guests[i].asked, 0);
    load(&guests[0], 3, "three");
    for (size_t i = 0; i < 20; i++) {
        WAIT_ON(&stage, guests[i].is_settled);
        cr_assert_eq(guests[i].got[0].found, CACHE_LOADED);
        cr_assert(text_is(guests[i].got[0].value, "three") && guests[i].got[0].version == 3);
        go(&guests[i]);
    }
    CLOSE(&stage, reader);
}

/* Two that each load what the other waits for do not wait for ever. */
Test(reads, loading_does_not_wait_for_what_others_load)
{
    OPEN(stage, reader);
    struct guest one, two;
    COME(&stage, reader, &one, "a");
    WAIT_ON(&stage, one.asked == 1);
    COME(&stage, reader, &two, "b", "a");
    WAIT_ON(&stage, two.asked == 1 && two.missing[0] == 0);
    struct guest three;
    COME(&stage, reader, &three, "b", "a");
    load(&two, 1, "b");
    cr_assert(!two.is_settled);
    load(&one, 1, "a");
    WAIT_ON(&stage, one.is_settled && two.is_settled && three.is_settled);
    cr_assert(text_is(three.got[0].value, "b") && text_is(three.got[1].value, "a"));
    cr_assert(text_is(two.got[1].value, "a"));
    go(&one);
    go(&two);
    go(&three);
    CLOSE(&stage, reader);
}

Test(reads, who_leaves_while_loading_leaves_it_to_the_next)
{
    OPEN(stage, reader);
    struct guest one, two;
    COME(&stage, reader, &one, "a", "b");
    COME(&stage, reader, &two, "b");
    WAIT_ON(&stage, one.asked == 2);
    go(&one);
    WAIT_ON(&stage, two.asked == 1);
    load(&two, 5, "five");
    WAIT_ON(&stage, two.is_settled);
    go(&two);
    COME(&stage, reader, &one, "a"); /* its own lock of before does not keep it */
    WAIT_ON(&stage, one.asked == 1);
    go(&one);
    COME(&stage, reader, &one, "x");
    go(&one); /* before it was asked */
    COME(&stage, reader, &one, "x");
    stage_turn(&stage);
    go(&one); /* or answered */
    CLOSE(&stage, reader);
}

/* False: it took so long that the one may have been taken for lost. */
static bool find_what_another_loads(struct stage *stage, struct cache_reader *reader,
                                    struct stage *other, struct cache_reader *others,
                                    const char *key)
{
    struct guest here, there;
    const uint64_t since_ms = stage_now_ms();
    COME(stage, reader, &here, key);
    WAIT_ON(stage, here.asked == 1);
    COME(other, others, &there, key);
    const uint64_t until_ms = stage_now_ms() + 200;
    WAIT_ON(other, stage_now_ms() > until_ms);
    const bool has_waited = !there.asked && !there.is_settled;
    load(&here, 9, "nine");
    WAIT_ON(stage, here.is_settled && strcmp(stage_look(stage, key), "9 nine") == 0);
    WAIT_ON(other, there.is_settled || there.asked);
    const bool is_in_time = stage_now_ms() - since_ms < 1800;
    cr_assert(has_waited || !is_in_time, "it loads what another host is loading");
    cr_assert(!there.asked || !is_in_time);
    if (!there.asked)
        cr_assert(there.got[0].found == CACHE_HIT && text_is(there.got[0].value, "nine"));
    go(&here);
    go(&there);
    return is_in_time;
}

Test(reads, between_hosts_one_loads_and_the_others_find_it)
{
    OPEN(stage, reader);
    struct stage other;
    char key[16];
    int n = 0;
    cr_assert(stage_open(&other));
    memcpy(other.prefix, stage.prefix, sizeof stage.prefix);
    stage_connect(&other);
    WAIT_ON(&other, cache_is_ready(other.cache));
    struct cache_reader *others = cache_reader_new(other.loop, other.cache);
    do snprintf(key, sizeof key, "k%d", n++);
    while (!find_what_another_loads(&stage, reader, &other, others, key) && n < 20);
    cr_assert_lt(n, 20, "never in time");
    cache_reader_free(others);
    stage_close(&other);
    CLOSE(&stage, reader);
}

Test(reads, a_host_that_never_comes_back_keeps_nobody_for_long)
{
    OPEN(stage, reader);
    struct guest guest;
    redis_ask(&stage.redis, "SET %s gone PX 60000", stage_key(&stage, "k:fill"));
    const uint64_t since_ms = stage_now_ms();
    COME(&stage, reader, &guest, "k");
    WAIT_ON(&stage, guest.asked == 1);
    const uint64_t took_ms = stage_now_ms() - since_ms;
    cr_assert(took_ms >= 1900 && took_ms < 20000, "%llu ms", (unsigned long long)took_ms);
    load(&guest, 1, "x");
    WAIT_ON(&stage, guest.is_settled);
    go(&guest);
    WAIT_ON(&stage, strcmp(stage_look(&stage, "k"), "1 x") == 0);
    cr_assert_str_eq(redis_ask(&stage.redis, "GET %s", stage_key(&stage, "k:fill")), "gone",
                     "another's lock is not ours to give back");
    CLOSE(&stage, reader);
}

Test(reads, a_slow_load_does_not_bring_old_data_back)
{
    OPEN(stage, reader);
    struct guest guest;
    COME(&stage, reader, &guest, "set", "dropped");
    WAIT_ON(&stage, guest.asked == 2);
    stage_put(&stage, CACHE_SET, "set", 8, "new", 60);
    stage_put(&stage, CACHE_DROP, "dropped", 8, "", 60);
    load(&guest, 7, "old");
    WAIT_ON(&stage, guest.is_settled);
    go(&guest);
    COME(&stage, reader, &guest, "set", "dropped");
    WAIT_ON(&stage, guest.asked == 1); /* a tombstone is missing, not absent */
    cr_assert_str_eq(stage_look(&stage, "set"), "8 new");
    cr_assert_str_eq(stage_look(&stage, "dropped"), "8 -");
    load(&guest, 8, "filled"); /* the row as the drop's own commit left it */
    WAIT_ON(&stage, guest.is_settled);
    WAIT_ON(&stage, strcmp(stage_look(&stage, "dropped"), "8 filled") == 0);
    go(&guest);
    CLOSE(&stage, reader);
}

/* It may have known something newer, which nobody writes again. */
Test(reads, what_was_missed_in_one_redis_does_not_fill_the_next)
{
    struct stage stage;
    if (!stage_open_own(&stage, NULL)) return;
    stage_connect(&stage);
    WAIT_ON(&stage, cache_is_ready(stage.cache));
    struct cache_reader *reader = cache_reader_new(stage.loop, stage.cache);
    struct guest slow, next;
    COME(&stage, reader, &slow, "k");
    WAIT_ON(&stage, slow.asked == 1);
    redis_kill(&stage.redis);
    WAIT_ON(&stage, !cache_is_connected(stage.cache));
    redis_again(&stage.redis);
    WAIT_ON(&stage, cache_is_ready(stage.cache));
    load(&slow, 7, "old");
    WAIT_ON(&stage, slow.is_settled);
    go(&slow);
    COME(&stage, reader, &next, "k");
    WAIT_ON(&stage, next.asked == 1 || next.is_settled);
    cr_assert_eq(next.asked, 1, "found %s", stage_look(&stage, "k"));
    load(&next, 8, "new");
    WAIT_ON(&stage, strcmp(stage_look(&stage, "k"), "8 new") == 0);
    go(&next);
    CLOSE(&stage, reader);
}

Test(reads, without_a_cache_everything_is_loaded_still_by_one)
{
    struct stage stage;
    if (!stage_open(&stage)) return;
    struct cache_reader *reader = cache_reader_new(stage.loop, NULL);
    struct guest one, two;
    COME(&stage, reader, &one, "a");
    COME(&stage, reader, &two, "a", "b");
    WAIT_ON(&stage, one.asked == 1 && two.asked == 1);
    load(&one, 1, "x");
    load(&two, 1, NULL);
    WAIT_ON(&stage, one.is_settled && two.is_settled);
    cr_assert(text_is(two.got[0].value, "x") && two.got[1].found == CACHE_LOADED_ABSENT);
    go(&one);
    go(&two);
    cache_reader_free(reader);
    stage_close(&stage);
}

Test(reads, while_redis_is_away_everything_is_loaded)
{
    struct stage stage;
    if (!stage_open_own(&stage, NULL)) return;
    stage.timeout_ms = STAGE_TIMEOUT_MS;
    stage_connect(&stage);
    WAIT_ON(&stage, cache_is_ready(stage.cache));
    struct cache_reader *reader = cache_reader_new(stage.loop, stage.cache);
    struct guest guest;
    redis_signal(&stage.redis, SIGSTOP);
    COME(&stage, reader, &guest, "a");
    WAIT_ON(&stage, guest.asked == 1);
    load(&guest, 1, "x");
    WAIT_ON(&stage, guest.is_settled);
    go(&guest);
    redis_kill(&stage.redis);
    COME(&stage, reader, &guest, "a");
    WAIT_ON(&stage, guest.asked == 1);
    go(&guest);
    CLOSE(&stage, reader);
}

Test(reads, the_answer_of_fifty_thousand_reads_of_five_hundred_keys)
{
    OPEN(stage, reader);
    unsigned loads = 0;
    for (unsigned round = 0; round < 1000; round++) {
        static char names[50][16];
        const char *keys[51] = { NULL };
        struct guest guest;
        for (unsigned i = 0; i < 50; i++) {
            snprintf(names[i], sizeof names[i], "%u", (round * 37 + i * 10) % 500);
            keys[i] = names[i];
        }
        come(&stage, reader, &guest, keys);
        while (!guest.is_settled) {
            if (guest.n_missing) {
                loads++;
                load(&guest, 1, round % 2 ? "there" : NULL);
            }
            stage_turn(&stage);
        }
        go(&guest);
    }
    cr_assert_leq(loads, 20, "%u", loads);
    CLOSE(&stage, reader);
}
