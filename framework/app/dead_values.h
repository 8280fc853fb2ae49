/* SPDX-License-Identifier: Apache-2.0
 *
 * Values of letters and how often each was met: for summaries, and for telling whoever filtered by a value
 * that no letter has which there are. Pure. */
#ifndef APP_DEAD_VALUES_H
#define APP_DEAD_VALUES_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/text.h"

#define DEAD_VALUE_CHARS 40
#define DEAD_VALUES_MOST 16 /* different ones; of the others it is known that there are some */

struct dead_values {
    struct {
        char name[DEAD_VALUE_CHARS];
        uint64_t n; /* 0: free, and so are those that follow */
    } at[DEAD_VALUES_MOST];
    bool has_more;
};

void dead_values_note(struct dead_values *values, struct wr_text value);
void dead_values_write(const struct dead_values *values, FILE *to); /* "row 3, rejected 2" */
/* Also where it is one of the others. */
bool dead_values_have(const struct dead_values *values, struct wr_text value);
/* The one that was meant by `word`, perhaps; NULL: none is near. */
const char *dead_values_nearest(const struct dead_values *values, const char *word);

#endif
