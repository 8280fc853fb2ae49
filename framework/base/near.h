/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory brought near before it is written. What another core has had, or what was touched thousands of
 * messages ago, takes as long to come as hundreds of instructions take; asked for early, it comes
 * meanwhile. It comes to be written: where it came to be read only, the first write would wait for
 * the other core all the same. Any address may be asked for: nothing changes but the time. */
#ifndef BASE_NEAR_H
#define BASE_NEAR_H

#include <stddef.h>

#define NEAR_LINE 64 /* bytes that come at once */

static inline void near_bring(const void *at, size_t bytes)
{
    const char *const line = at;
    for (size_t i = 0; i < bytes; i += NEAR_LINE)
#ifdef __x86_64__ /* compilers leave it out: the oldest of these processors do nothing at it */
        __asm__ volatile("prefetchw %0" : : "m"(line[i]));
#else
        __builtin_prefetch(line + i, 1);
#endif
}

#endif
