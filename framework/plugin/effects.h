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

enum effect_cell_kind {
    CELL_NULL,
    CELL_BOOL,
    CELL_INT,
    CELL_FLOAT,
    CELL_TEXT, /* for TEXT, NUMERIC, INET and JSONB: UTF-8 without NUL; for BYTEA: any bytes */
    CELL_UUID,
    CELL_TIME_US, /* Unix time */
    CELL_DATE,    /* days of Unix time */
    CELL_TEXTS,
    CELL_INTS,
};

struct effect_cell {
    enum effect_cell_kind kind;
    size_t n; /* of CELL_TEXTS and CELL_INTS */
    union {
        bool is_true;
        int64_t integer; /* CELL_INT within the column's range, CELL_TIME_US, CELL_DATE */
        double real;
        struct wr_text text;
        uint8_t uuid[16];
        const struct wr_text *texts;
        const int64_t *integers;
    } as;
};

/* A row has a cell for each of the sink's columns, a delete one for each column of its key, in the
 * key's order. */
struct effect_row {
    struct effect_row *next;
    unsigned sink;
    bool is_delete;
    unsigned n_cells;
    struct effect_cell *cells;
};

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
    struct effect_row *rows;
    struct effect_cache *caches;
    struct effect_publish *publishes;
    unsigned n_rows, n_caches, n_publishes;
};

#endif
