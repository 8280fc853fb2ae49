/* SPDX-License-Identifier: Apache-2.0
 *
 * Random numbers for jitter and identifiers, from the kernel; not a source of keys. */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stdint.h>

#define UUID_CHARS 36

uint64_t random_u64(void);
uint64_t random_below(uint64_t limit); /* 0 .. limit-1; 0 for 0 */

/* UUID version 7 of the given moment, lower case, NUL-terminated; rises within a process. */
void random_uuid_v7(int64_t unix_us, char out[UUID_CHARS + 1]);

#endif
