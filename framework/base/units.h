/* SPDX-License-Identifier: Apache-2.0
 *
 * Durations and sizes as people write them in a configuration, both ways and exact: what is shown is
 * read back as the same number. */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define UNITS_CHARS 48 /* the longest that is shown */

/* "250ms", "20s", "1m30s", "7d": whole numbers with ms, s, m, h or d, larger units first; 0 needs
 * none. False, with *ms untouched, for anything else or above int64. */
bool duration_parse(struct wr_text text, int64_t *ms);
const char *duration_show(int64_t ms, char out[UNITS_CHARS + 1]); /* returns out */

/* "1000", "64kB", "1MB" (powers of 1000), "128KiB", "256MiB", "1GiB" (of 1024). False, with *bytes
 * untouched, for anything else or above int64. */
bool size_parse(struct wr_text text, int64_t *bytes);
const char *size_show(int64_t bytes, char out[UNITS_CHARS + 1]); /* returns out */

#endif
