/* SPDX-License-Identifier: Apache-2.0
 *
 * Spans on their way out: a ring that the loop writes and the exporter's thread reads, without locks
 * and without waiting. Where it is full the newest are dropped, and counted. What a span points to on
 * the heap is its reader's to free. */
#ifndef METRICS_SPANS_H
#define METRICS_SPANS_H

#include "base/trace.h"
#include "metrics/metrics.h"

#define SPAN_ID_CHARS 64  /* of a message id; longer ones are cut */
#define SPAN_KEY_CHARS 64 /* of a routing key, likewise */
#define SPAN_LINKS_MOST 128

/* Whose span it is; outlives the ring. */
struct span_source {
    const char *queue, *handler; /* the handler with its version */
    bool has_rows;               /* its batches are transactions */
};

enum span_kind { SPAN_MESSAGE, SPAN_BATCH };
enum span_outcome { SPAN_DONE, SPAN_RETRY, SPAN_DEAD };

struct span_link {
    uint8_t id[TRACE_ID_BYTES], span[TRACE_SPAN_BYTES];
};

struct span {
    const struct span_source *source;
    struct trace_context trace; /* its own */
    uint8_t parent[TRACE_SPAN_BYTES];
    bool has_parent;
    enum span_kind kind;
    enum span_outcome outcome;    /* of a message */
    uint64_t start_ns, end_ns;    /* monotonic */
    uint32_t attempt, body_bytes; /* of a message */
    uint32_t messages, n_links;   /* of a batch; the links may be fewer */
    const char *error;            /* why it is dead, as in metrics; NULL */
    char *words, *state;          /* on the heap; NULL: none. In words why it failed; tracestate */
    struct span_link *links;      /* likewise */
    uint8_t id_chars, key_chars;
    char id[SPAN_ID_CHARS], key[SPAN_KEY_CHARS];
};

struct spans;

struct spans *spans_new(size_t capacity, struct counter *dropped); /* the counter is shared */
void spans_free(struct spans *spans);

/* The loop's: a zeroed span to fill in, then to be given; NULL: there is no room, which is counted. */
struct span *spans_take(struct spans *spans);
void spans_give(struct spans *spans);

/* The exporter's, before any is given: it is rung, by the loop's thread, at every quarter of the ring
 * that has been given, so that it may sleep until then. NULL: no more. */
void spans_on_quarter(struct spans *spans, void (*ring)(void *listener), void *listener);
/* The oldest, and after spans_drop the next; NULL: none. */
struct span *spans_first(struct spans *spans);
void spans_drop(struct spans *spans); /* frees what it points to */
size_t spans_count(const struct spans *spans);

#endif
