/* SPDX-License-Identifier: Apache-2.0
 *
 * What a handler asked for with one message, in the order asked. All of it, texts included, lies in the
 * message's arena and dies with it; texts that were not given are "". */
#ifndef PLUGIN_EFFECTS_H
#define PLUGIN_EFFECTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <warrener/handler.h>

#include "store/row.h"

struct effect_publish {
    struct effect_publish *next;
    struct wr_outgoing message; /* headers copied too */
    bool is_reply;              /* confirmed, but not mandatory */
};

struct effect_cache {
    struct effect_cache *next;
    struct wr_text key, value; /* of a drop, the value is "" */
    uint64_t version;
    uint32_t ttl_s;
    bool is_drop;
};

struct effects {
    struct row *rows; /* a row has all its sink's columns, a delete those of its key */
    struct effect_cache *caches;
    struct effect_publish *publishes;
    unsigned n_rows, n_caches, n_publishes;
};

#endif
