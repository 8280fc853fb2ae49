/* SPDX-License-Identifier: Apache-2.0
 *
 * The clocks; see clock.h. */
#include "base/clock.h"

#include <time.h>

static uint64_t read_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

uint64_t clock_now_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

uint64_t clock_now_ms(void)
{
    return read_ns(CLOCK_MONOTONIC) / 1000000u;
}

int64_t clock_unix_us(void)
{
    return (int64_t)(read_ns(CLOCK_REALTIME) / 1000u);
}

uint64_t clock_cpu_ns(void)
{
    return read_ns(CLOCK_THREAD_CPUTIME_ID);
}
