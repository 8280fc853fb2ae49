/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads OTLP's protobuf (ExportTraceServiceRequest) as strictly as it can be read: a field that is not
 * known, of another wire type, out of order or there twice, a length that does not fit, a varint longer
 * than it need be, an id of the wrong size, a string that is not UTF-8 are all faults. */
#ifndef SUPPORT_OTLP_READ_H
#define SUPPORT_OTLP_READ_H

#include <stdbool.h>
#include <stdint.h>

#include "base/text.h"

#define OTLP_ATTRIBUTES_MOST 24
#define OTLP_LINKS_MOST 128

struct otlp_attribute {
    struct wr_text key, text;
    int64_t number;
    bool is_text;
};

struct otlp_attributes {
    struct otlp_attribute at[OTLP_ATTRIBUTES_MOST];
    unsigned n;
};

struct otlp_link {
    struct wr_text trace, span;
};

struct otlp_span {
    struct wr_text trace, span, parent, state, name, words; /* ids in bytes; words of its status */
    uint64_t kind, start_ns, end_ns, code, dropped_links;   /* code of its status */
    struct otlp_attributes attributes;
    struct otlp_link links[OTLP_LINKS_MOST];
    unsigned n_links;
};

struct otlp_reader {
    bool (*on_span)(struct otlp_reader *reader); /* false: enough; the rest is not read */
    void *owner;
    struct otlp_attributes resource;
    struct wr_text scope, version;
    struct otlp_span span;
    struct otlp_attributes *filling; /* one of the two */
    bool is_enough;
    char why[160]; /* what is wrong with it */
};

/* Texts lie in `bytes`. */
bool otlp_read(struct otlp_reader *reader, struct wr_text bytes);
/* NULL: there is none of that key. */
const struct otlp_attribute *otlp_attribute_of(const struct otlp_attributes *all, const char *key);

#endif
