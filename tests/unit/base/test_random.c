/* SPDX-License-Identifier: Apache-2.0
 *
 * Random numbers differ where they must (threads, forked children), and UUIDs rise. */
#include "base/random.h"

#include <criterion/criterion.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

Test(random, below_reaches_all_and_no_more)
{
    size_t seen[7] = { 0 };
    for (int i = 0; i < 70000; i++) {
        const uint64_t drawn = random_below(7);
        cr_assert_lt(drawn, 7);
        seen[drawn]++;
    }
    for (int i = 0; i < 7; i++)
        cr_assert(seen[i] > 9000 && seen[i] < 11000, "%d came %zu times", i, seen[i]);
    cr_assert_eq(random_below(0), 0);
    cr_assert_eq(random_below(1), 0);
}

Test(random, below_is_fair_near_the_top)
{
    /* Of 2^64 numbers taken modulo 3/4 of that, the lowest third would come twice as often. */
    const uint64_t limit = 3ull << 62;
    int low = 0;
    for (int i = 0; i < 30000; i++) low += random_below(limit) < limit / 3;
    cr_assert(low > 9300 && low < 10700, "%d of 30000 in the lowest third", low);
}

static void *draw(void *drawn)
{
    *(uint64_t *)drawn = random_u64();
    return NULL;
}

Test(random, threads_differ)
{
    uint64_t drawn[2];
    for (int i = 0; i < 2; i++) {
        pthread_t thread;
        cr_assert_eq(pthread_create(&thread, NULL, draw, &drawn[i]), 0);
        pthread_join(thread, NULL);
    }
    cr_assert_neq(drawn[0], drawn[1]);
}

Test(random, forked_children_differ)
{
    int ends[2];
    random_u64(); /* a generator that the child inherits */
    cr_assert_eq(pipe(ends), 0);
    const pid_t child = fork();
    cr_assert_geq(child, 0);
    if (child == 0) {
        const uint64_t drawn = random_u64();
        _exit(write(ends[1], &drawn, sizeof drawn) != sizeof drawn);
    }
    uint64_t theirs = 0;
    cr_assert_eq(read(ends[0], &theirs, sizeof theirs), (ssize_t)sizeof theirs);
    cr_assert_neq(random_u64(), theirs);
    waitpid(child, NULL, 0);
    close(ends[0]);
    close(ends[1]);
}

static bool is_uuid_v7(const char *uuid)
{
    static const char shape[] = "xxxxxxxx-xxxx-7xxx-yxxx-xxxxxxxxxxxx";
    for (size_t i = 0; i < UUID_CHARS; i++) {
        const char *allowed = shape[i] == 'x'   ? "0123456789abcdef"
                              : shape[i] == 'y' ? "89ab"
                                                : (char[]){ shape[i], '\0' };
        if (uuid[i] == '\0' || !strchr(allowed, uuid[i])) return false;
    }
    return uuid[UUID_CHARS] == '\0';
}

Test(random, uuid_of_a_known_moment)
{
    char uuid[UUID_CHARS + 1];
    random_uuid_v7(1645557742000000, uuid); /* RFC 9562, A.6 */
    cr_assert(is_uuid_v7(uuid), "%s", uuid);
    cr_assert_eq(strncmp(uuid, "017f22e2-79b0-7000-", 19), 0, "%s", uuid);
    random_uuid_v7(1645557742000500, uuid); /* half a millisecond later */
    cr_assert_eq(strncmp(uuid, "017f22e2-79b0-7800-", 19), 0, "%s", uuid);
}

Test(random, uuids_rise_when_the_clock_does_not)
{
    static const int64_t moments[] = { 1700000000000000, 1700000000000000, 1600000000000000, -5, 0,
                                       1700000000000001 };
    char last[UUID_CHARS + 1] = "", uuid[UUID_CHARS + 1];
    for (size_t i = 0; i < sizeof moments / sizeof *moments; i++) {
        random_uuid_v7(moments[i], uuid);
        cr_assert(is_uuid_v7(uuid), "%s", uuid);
        cr_assert_gt(strcmp(uuid, last), 0, "%s after %s", uuid, last);
        memcpy(last, uuid, sizeof last);
    }
}

enum { THREADS = 4, UUIDS = 100000 };
typedef char uuid_text[UUID_CHARS + 1];
static uuid_text made[THREADS][UUIDS];

static pthread_barrier_t at_once;

static void *make_uuids(void *mine)
{
    pthread_barrier_wait(&at_once);
    uuid_text *uuids = mine;
    for (int i = 0; i < UUIDS; i++) random_uuid_v7(1700000000000000, uuids[i]);
    return NULL;
}

static int by_moment(const void *a, const void *b)
{
    return strncmp(a, b, 18); /* the moment alone: two threads never get the same */
}

Test(random, uuids_rise_and_differ_in_threads)
{
    pthread_t threads[THREADS];
    pthread_barrier_init(&at_once, NULL, THREADS);
    for (int t = 0; t < THREADS; t++)
        cr_assert_eq(pthread_create(&threads[t], NULL, make_uuids, made[t]), 0);
    for (int t = 0; t < THREADS; t++) pthread_join(threads[t], NULL);
    for (int t = 0; t < THREADS; t++)
        for (int i = 1; i < UUIDS; i++) cr_assert_gt(by_moment(made[t][i], made[t][i - 1]), 0);
    uuid_text *all = made[0];
    qsort(all, (size_t)THREADS * UUIDS, sizeof *all, by_moment);
    for (int i = 1; i < THREADS * UUIDS; i++)
        cr_assert_neq(by_moment(all[i], all[i - 1]), 0, "%s twice", all[i]);
}
