/* SPDX-License-Identifier: Apache-2.0
 *
 * What a handler's prepare said is to be loaded, and what loading gave. The list and its keys lie in
 * the message's arena; what was loaded belongs to whoever loaded it, until the message is handled. */
#ifndef PLUGIN_WANTED_H
#define PLUGIN_WANTED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

struct loaded {
    bool is_absent;
    struct wr_text value; /* "" where it is absent */
    uint64_t version;     /* 0 where there is no row, which is not all that is absent */
};

struct wanted {
    struct wanted *next;
    unsigned loader;             /* in the handler's list */
    struct wr_text key;          /* UTF-8 without NUL; no two of a message are the same */
    const struct loaded *loaded; /* NULL: not loaded, which a handler sees as absent */
};

#endif
