/* SPDX-License-Identifier: Apache-2.0
 *
 * Names in SQL: options filled in and identifiers quoted. Names are taken exactly as written, so what
 * is not quoted yet keeps its case. Pure. */
#ifndef STORE_NAME_H
#define STORE_NAME_H

#include <stdio.h>

#include "base/status.h"
#include "base/text.h"

/* Writes "name" with its quotes doubled; as it is where it has quotes around it. */
void name_quote(FILE *out, struct wr_text name);

/* "sales.${table}" with options filled in and each part quoted, on the heap. NULL, and words that
 * follow "its table": `option` (not copied) is asked for values, NULL for what is not declared. */
MUST_USE char *name_of_table(const char *table,
                             const char *(*option)(void *owner, const char *name), void *owner,
                             char *fault, size_t fault_bytes);

#endif
