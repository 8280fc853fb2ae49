/* SPDX-License-Identifier: Apache-2.0
 *
 * Arrays as PostgreSQL's array literals. They travel as text because unnest would flatten arrays of
 * arrays; the statement casts them. Pure. */
#ifndef STORE_ARRAY_TEXT_H
#define STORE_ARRAY_TEXT_H

#include "base/text.h"

/* Enough for the literal of these values. */
size_t array_text_room(const struct wr_text *values, size_t n);
/* {a,"b c",""}: quoted where psql would quote. Returns the bytes written. */
size_t array_text_of_texts(char *out, const struct wr_text *values, size_t n);

#define ARRAY_INT_CHARS 21
/* {1,-2}; `out` has room for n * ARRAY_INT_CHARS + 2. */
size_t array_text_of_ints(char *out, const int64_t *values, size_t n);

#endif
