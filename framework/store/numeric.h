/* SPDX-License-Identifier: Apache-2.0
 *
 * PostgreSQL's numeric: from decimal text to its binary form (digits of base 10000) and back. Pure. */
#ifndef STORE_NUMERIC_H
#define STORE_NUMERIC_H

#include "base/arena.h"
#include "base/status.h"
#include "store/row.h"

/* Enough for any text of that length. */
#define NUMERIC_BYTES(text_len) ((text_len) / 2 + 16)

/* "-12.10", "1.5e-3", "NaN", "-Infinity"; what follows a point is kept to its last zero. */
MUST_USE bool numeric_encode(struct wr_text text, char *out, size_t *bytes, const char **fault);
struct wr_text numeric_show(struct arena *arena, struct row_value value);

#endif
