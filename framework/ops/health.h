/* SPDX-License-Identifier: Apache-2.0
 *
 * How a host and each of its consumers are, in a word and what is amiss: said once, in /status, and
 * shown by the page and by `warrener top`. What the probes say comes first; where they are content,
 * there may be trouble all the same. */
#ifndef OPS_HEALTH_H
#define OPS_HEALTH_H

#include "ops/board.h"
#include "ops/history.h"
#include "ops/json_write.h"

struct health_facts {
    const struct board *board;
    const struct board_snapshot *snapshot;
    const struct history *history; /* NULL: none yet */
    bool is_live, is_ready;
    const char *words; /* the probes', where one of them is not content: one line a reason */
};

enum health_level { HEALTH_GOOD, HEALTH_WARN, HEALTH_BAD };

/* Of the i-th consumer. "NAME is WORD: MORE" reads well where trouble is above 1. */
struct health_state {
    unsigned
        trouble; /* 0: it flows or has nothing to do, 1: with losses, 2: it does not, 3: stuck */
    enum health_level level;
    const char *word;
    char more[BOARD_WORDS_BYTES]; /* "": the word says it all */
};

void health_judge(const struct health_facts *facts, size_t i, struct health_state *out);

/* "state": {…} */
void health_write_state(struct json_write *json, const struct health_state *state);
/* "health": {…} */
void health_write(struct json_write *json, const struct health_facts *facts);
/* A list of lines, without those that begin with `but`; NULL: all. */
void health_write_lines(struct json_write *json, const char *key, const char *words,
                        const char *but);

#endif
