/* SPDX-License-Identifier: Apache-2.0
 *
 * How OTLP is spelt: protobuf and JSON are each one table of these. otlp.c calls them in the order in
 * which they stand here, and says what is in a span. */
#ifndef OPS_OTLP_FORM_H
#define OPS_OTLP_FORM_H

#include "base/text.h"
#include "metrics/metrics_text.h"
#include "metrics/spans.h"
#include "ops/otlp_settings.h"

/* What stands before the spans of a request, made once. */
struct otlp_head {
    struct metrics_text resource, scope;
};

struct otlp_form {
    const char *content_type;
    void (*head)(struct otlp_head *head, const struct otlp_pair *about, size_t n_about,
                 struct wr_text scope, struct wr_text version);
    void (*begin)(const struct otlp_head *head, struct metrics_text *out);

    size_t (*begin_span)(struct metrics_text *out, bool is_first); /* for end_span */
    void (*ids)(struct metrics_text *out, const struct span *span);
    void (*name)(struct metrics_text *out, struct wr_text name, unsigned kind); /* made once */
    void (*times)(struct metrics_text *out, uint64_t start_unix_ns, uint64_t end_unix_ns);
    /* Attributes: where `out` is empty it is the first of its list. */
    void (*text)(struct metrics_text *out, struct wr_text key, struct wr_text value);
    void (*number)(struct metrics_text *out, struct wr_text key, uint64_t value);
    void (*end_attributes)(struct metrics_text *out);
    void (*links)(struct metrics_text *out, const struct span_link *links, uint32_t n,
                  uint32_t n_dropped);
    void (*failure)(struct metrics_text *out, struct wr_text words); /* the span's status */
    void (*end_span)(struct metrics_text *out, size_t began);

    struct wr_text (*end)(const struct otlp_head *head, struct metrics_text *out);
};

extern const struct otlp_form otlp_protobuf, otlp_json;

#endif
