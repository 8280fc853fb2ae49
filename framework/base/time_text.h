/* SPDX-License-Identifier: Apache-2.0
 *
 * RFC 3339 text and microseconds of Unix time, both ways. Without libc's calendar: it asks for time
 * zones under a lock. */
#ifndef BASE_TIME_TEXT_H
#define BASE_TIME_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define TIME_CHARS 24 /* 2026-11-20T05:06:07.890Z */

/* "2026-11-20T05:06:07.89+02:00" and its like, years 0000-9999, up to nine digits of a fraction (cut
 * to microseconds), T and Z in either case. A leap second counts as the second after it. */
bool time_from_rfc3339(struct wr_text text, int64_t *unix_us);

/* With milliseconds, in UTC, NUL-terminated; what is outside the years 0000-9999 is shown as the
 * nearest moment inside. Returns out. */
const char *time_to_rfc3339(int64_t unix_us, char out[TIME_CHARS + 1]);

#endif
