/* SPDX-License-Identifier: Apache-2.0
 *
 * A YAML document as a small tree that knows where everything stands: the one door to libyaml.
 * Bounded in bytes, depth and number of values. What a configuration has no use for (anchors,
 * aliases, tags, several documents) is a fault; a duplicate key names both its lines. */
#ifndef CONFIG_YAML_H
#define CONFIG_YAML_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/text.h"
#include "config/faults.h"

#define YAML_BYTES_MAX (1024 * 1024)
#define YAML_DEPTH_MAX 32
#define YAML_VALUES_MAX 20000

enum node_kind {
    NODE_NOTHING, /* null, or no value at all */
    NODE_TEXT,
    NODE_LIST,
    NODE_MAP,
    NODE_BROKEN, /* a fault has been told already: say nothing more about it */
};

struct yaml_node {
    enum node_kind kind;
    int line, column;    /* from 1 */
    size_t n;            /* entries */
    struct wr_text text; /* of NODE_TEXT; NUL-terminated, holds no NUL */
    struct wr_text key;  /* in a map; likewise */
    int key_line, key_column;
    struct yaml_node *first, *next; /* entries, and the neighbour in list or map */
};

/* The root, in the arena; an empty document is NODE_NOTHING. NULL where the text cannot be read to
 * its end. Faults may have been added in either case. */
struct yaml_node *yaml_parse(struct wr_text text, struct arena *arena,
                             struct config_faults *faults);

/* "a list", "a map", "nothing", "text": for fault texts. */
const char *yaml_kind_name(enum node_kind kind);

const char *yaml_library_version(void);

#endif
