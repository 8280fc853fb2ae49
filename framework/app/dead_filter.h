/* SPDX-License-Identifier: Apache-2.0
 *
 * Which dead letters are meant: --where, --type, --since, --until, --handler and --id. All that are
 * given must hold. Pure. */
#ifndef APP_DEAD_FILTER_H
#define APP_DEAD_FILTER_H

#include "app/command.h"
#include "app/dead_facts.h"

/* As given on the command line; NULL: not. */
struct dead_filter_words {
    struct flag_texts where;
    const char *type, *since, *until, *handler, *id;
};

struct dead_where {
    size_t field; /* of a table */
    struct wr_text value;
};

struct dead_filter {
    struct dead_where where[FLAG_TEXTS_MOST];
    size_t n_where;
    struct wr_text type, handler, id; /* "": any */
    int64_t since_ms, until_ms;       /* of its death; 0: any */
};

/* The texts lie in the words. False where a word cannot be understood: says which. */
MUST_USE bool dead_filter_read(const struct dead_filter_words *words, int64_t now_ms,
                               struct dead_filter *out, struct status *status);
bool dead_filter_takes(const struct dead_filter *filter, const struct dead_facts *facts);
const char *dead_filter_field(const struct dead_where *where);
/* What the letter has there. */
struct wr_text dead_filter_value(const struct dead_where *where, const struct dead_facts *facts);
bool dead_filter_is_empty(const struct dead_filter *filter); /* takes all */

#endif
