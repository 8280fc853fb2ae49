/* SPDX-License-Identifier: Apache-2.0
 *
 * The account of a record that the handler `probe` wrote: which ids were handled, how often, and by
 * which lane. Ids are "m0", "m1", … */
#ifndef SUPPORT_RECORD_H
#define SUPPORT_RECORD_H

#include <stddef.h>
#include <stdint.h>

#define RECORD_LANES 64

struct record_line {
    uint32_t id, lane, attempt;
    char key[40]; /* as JSON source */
};

struct record {
    struct record_line *lines; /* in the order they were written */
    size_t n;
    uint32_t *counts;                    /* by id */
    uint32_t ids;                        /* that were looked for: 0 .. ids-1 */
    uint32_t handled, repeated, strange; /* ids seen; seen twice or more; lines of no such id */
    uint64_t by_lane[RECORD_LANES];
};

void record_read(struct record *record, const char *path, uint32_t ids); /* no file: nothing */
void record_free(struct record *record);

size_t record_lines(const char *path);                   /* quick: how many lines */
uint32_t record_handled(const char *path, uint32_t ids); /* different ids */
const struct record_line *record_find(const struct record *record, uint32_t id); /* its first */

#endif
