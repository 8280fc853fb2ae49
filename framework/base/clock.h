/* SPDX-License-Identifier: Apache-2.0
 *
 * Two clocks: one that only goes forward, for deadlines, and one that people read. Policy never
 * asks either of them; it is told the time, so that tests can tell it another. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_now_ns(void); /* monotonic */
uint64_t clock_now_ms(void); /* monotonic */
int64_t clock_unix_us(void); /* wall clock */
uint64_t clock_cpu_ns(void); /* CPU time of the calling thread */

#endif
