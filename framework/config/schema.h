/* SPDX-License-Identifier: Apache-2.0
 *
 * The one table of configuration keys. From it come the reader, the checks of single values, the
 * words of faults, and docs/configuration.md. A key is added here and nowhere else. */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

enum schema_type {
    /* single values, and the C type of their field */
    SCHEMA_TEXT,     /* const char *; least..most bytes */
    SCHEMA_NAME,     /* const char *; A-Z a-z 0-9 _ . - */
    SCHEMA_HANDLER,  /* const char *; A-Z a-z 0-9 _ - */
    SCHEMA_PATH,     /* const char *; from the file's directory */
    SCHEMA_SECRET,   /* const char *: the template itself, never its value */
    SCHEMA_EXCHANGE, /* const char *; an exchange's type */
    SCHEMA_BOOL,     /* bool */
    SCHEMA_INT,      /* int64_t, as the next three */
    SCHEMA_DURATION, /* in ms */
    SCHEMA_SIZE,     /* in bytes */
    SCHEMA_PERCENT,
    SCHEMA_CHOICE,  /* an enum: the word's place in `words` */
    SCHEMA_ORDER,   /* struct config_order_by */
    SCHEMA_ADDRESS, /* struct config_address */
    /* values with entries */
    SCHEMA_SECRETS,   /* struct config_templates */
    SCHEMA_DURATIONS, /* struct config_durations */
    SCHEMA_OPTIONS,   /* struct config_options */
    SCHEMA_SECTION,   /* a map of the keys below; bool at `offset`: it is there */
    SCHEMA_SECTIONS,  /* a list of such maps: pointer and size_t */
    SCHEMA_TYPES
};

enum schema_flag {
    SCHEMA_REQUIRED = 1,
    SCHEMA_WHOLE_SECONDS = 2,
    SCHEMA_PRIVATE = 4, /* the value is not shown, though it is kept */
};

#define SCHEMA_NO_FIELD ((size_t)-1)

struct schema_key {
    const char *path; /* "consumers[].batch.rows" */
    enum schema_type type;
    size_t offset;             /* from struct config, or from the innermost list's entry */
    const char *fallback;      /* as it would stand in the file; NULL: none */
    int64_t least, most;       /* of the value, each value in a list, or the bytes of a text */
    const char *const *words;  /* ends with NULL: the choices; words that stand for 0; or for no
                                 section at all */
    unsigned flags;            /* enum schema_flag */
    size_t entries_most;       /* of a list or of options */
    size_t entry_bytes;        /* SCHEMA_SECTIONS */
    const char *fallback_note; /* for people, where there is no `fallback` */
    const char *help;
};

extern const struct schema_key schema_keys[];
extern const size_t schema_keys_n;

const struct schema_key *schema_find(struct wr_text path); /* NULL: no such key */

/* Is this key directly inside the section, "" or "consumers[].batch"? Its last name, or NULL. */
const char *schema_child_name(const struct schema_key *key, const char *section);

/* A key like `name` in this section, or its full path where it belongs into another; NULL: none.
 * The answer lives in the table. */
const char *schema_suggest(const char *section, const char *name);

/* "auto, or 1 to 5000": what the key takes, for faults and docs. Returns out. */
const char *schema_show_allowed(const struct schema_key *key, char *out, size_t out_bytes);
/* "a whole number": what kind of value. */
const char *schema_type_name(enum schema_type type);

#endif
