/* SPDX-License-Identifier: Apache-2.0
 *
 * One text to one typed field, by the type and limits of its key. Knows nothing of files and faults:
 * it says how a text is wrong, its caller says where. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include "base/arena.h"
#include "base/text.h"
#include "config/schema.h"

enum value_fault {
    VALUE_WELL,
    VALUE_NOT_OF_TYPE,  /* "soon" for a duration */
    VALUE_OUT_OF_RANGE, /* 0 for 1 to 5000 */
    VALUE_UNKNOWN_WORD, /* "quorom" */
    VALUE_EMPTY,        /* "" where something must be */
    VALUE_TOO_LONG,
    VALUE_BAD_CHARACTER, /* in a name */
    VALUE_NOT_WHOLE      /* 1500ms where seconds are counted */
};

/* `text` is NUL-terminated and lives as long as the arena. `directory` is where relative paths
 * start. The field is of the C type that schema.h gives for the key's type. */
enum value_fault value_read(const struct schema_key *key, struct wr_text text,
                            const char *directory, struct arena *arena, void *field);

#endif
