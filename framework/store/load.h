/* SPDX-License-Identifier: Apache-2.0
 *
 * A load: what goes to one sink in one transaction. Its rows are sorted by key, and those of one key
 * settle among themselves what is sent: folded into one, or in waves that follow one another. A wave
 * is a delete step and a row step; nearly always there is one. For parcel.c alone. Pure. */
#ifndef STORE_LOAD_H
#define STORE_LOAD_H

#include "store/keys.h"

#define LOAD_NOT_SENT UINT32_MAX

/* A row or delete on its way. */
struct load_op {
    const struct row *row;
    const struct row_value *folded; /* NULL: as it was put */
    uint32_t message;
    uint32_t wave; /* LOAD_NOT_SENT: another row stands for it, or a delete wiped it */
};

/* What goes to one sink. */
struct load {
    const struct sink *sink;
    struct load_op *ops; /* in arrival order */
    size_t n;
    struct key *keys; /* sorted; NULL: the sink has no key */
    uint32_t waves;
    bool has_deletes;
    unsigned repeats;
};

/* Its ops are there: gives them keys, in order, and waves. */
void load_sort(struct load *load, struct arena *arena);

/* Whether two touch a common key, or may. */
bool load_meets(const struct load *a, const struct load *b);

#endif
