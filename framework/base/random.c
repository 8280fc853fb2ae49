/* SPDX-License-Identifier: Apache-2.0
 *
 * A generator a thread (xoshiro256**), seeded by the kernel and seeded anew in a forked child, and
 * UUIDs made from it. A UUID's first 60 bits are its moment in quarter microseconds, pushed past the
 * last one given, so that UUIDs rise even when the clock steps back. */
#include "base/random.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"

struct generator {
    uint64_t state[4];
    unsigned seeded_in; /* the generation of the process; 0: not yet */
};

static _Thread_local struct generator generator;
static atomic_uint generation = 1; /* one more in each forked child */
static pthread_once_t watch_forks_once = PTHREAD_ONCE_INIT;

static void on_forked(void)
{
    atomic_fetch_add(&generation, 1);
}

static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, on_forked);
}

static uint64_t mix(uint64_t *counter)
{
    uint64_t z = *counter += 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

static bool ask_kernel(uint64_t *words, size_t n)
{
    ssize_t got;
    do got = getrandom(words, n * sizeof *words, 0);
    while (got < 0 && errno == EINTR);
    return got == (ssize_t)(n * sizeof *words);
}

static void seed(struct generator *gen)
{
    pthread_once(&watch_forks_once, watch_forks);
    gen->seeded_in = atomic_load(&generation);
    if (ask_kernel(gen->state, 4)) return;
    /* A sandbox without getrandom: the moment and the thread are enough for jitter. */
    uint64_t counter = clock_now_ns() ^ (uint64_t)clock_unix_us() << 20 ^ (uint64_t)getpid() << 44 ^
                       (uint64_t)(uintptr_t)gen;
    for (int i = 0; i < 4; i++) gen->state[i] = mix(&counter);
}

static uint64_t turn_left(uint64_t x, int by)
{
    return (x << by) | (x >> (64 - by));
}

uint64_t random_u64(void)
{
    struct generator *gen = &generator;
    if (gen->seeded_in != atomic_load_explicit(&generation, memory_order_relaxed)) seed(gen);
    uint64_t *s = gen->state;
    const uint64_t result = turn_left(s[1] * 5, 7) * 9, shifted = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= shifted;
    s[3] = turn_left(s[3], 45);
    return result;
}

uint64_t random_below(uint64_t limit)
{
    if (limit == 0) return 0;
    /* Those below 2^64 mod limit would favour small numbers. */
    const uint64_t unfair = (0 - limit) % limit;
    uint64_t drawn;
    do drawn = random_u64();
    while (drawn < unfair);
    return drawn % limit;
}

/* 48 bits of milliseconds and 12 of their fraction, above every one given before. */
static uint64_t next_moment(int64_t unix_us)
{
    static atomic_uint_fast64_t last;
    const uint64_t us = unix_us < 0 ? 0 : (uint64_t)unix_us;
    const uint64_t ms = (us / 1000) & 0xFFFFFFFFFFFFu;
    const uint64_t now = ms << 12 | (us % 1000) * 4096 / 1000;
    uint64_t before = atomic_load_explicit(&last, memory_order_relaxed), next;
    do next = now > before ? now : before + 1;
    while (!atomic_compare_exchange_weak_explicit(&last, &before, next, memory_order_relaxed,
                                                  memory_order_relaxed));
    return next;
}

void random_uuid_v7(int64_t unix_us, char out[UUID_CHARS + 1])
{
    static const char digits[] = "0123456789abcdef";
    const uint64_t moment = next_moment(unix_us);
    const uint64_t high = (moment >> 12) << 16 | 0x7000u | (moment & 0xFFFu);
    const uint64_t low = (random_u64() >> 2) | 0x8000000000000000u;
    char *to = out;
    for (int nibble = 0; nibble < 32; nibble++) {
        if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) *to++ = '-';
        const uint64_t half = nibble < 16 ? high : low;
        *to++ = digits[(half >> (60 - 4 * (nibble % 16))) & 15];
    }
    *to = '\0';
}
