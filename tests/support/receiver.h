/* SPDX-License-Identifier: Apache-2.0
 *
 * A receiver of OTLP/HTTP, in a thread of the test: it keeps every request that it answers well, and
 * answers as it is told. Protobuf it reads, strictly, as it comes: what is wrong in it is told on stderr
 * and answered with 400. Of JSON it looks at the text alone. */
#ifndef SUPPORT_RECEIVER_H
#define SUPPORT_RECEIVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct receiver;

struct receiver *receiver_open(void);
void receiver_close(struct receiver *receiver);
uint16_t receiver_port(const struct receiver *receiver);

/* From now on; `more` is put among the answer's headers ("Retry-After: 1\r\n"). A status of 0 never
 * answers. */
void receiver_answer(struct receiver *receiver, int status, const char *more);

void receiver_keep_nothing(struct receiver *receiver); /* from now on; spans are counted yet */

uint32_t receiver_requests(struct receiver *receiver); /* all of them, however answered */
uint32_t receiver_spans(struct receiver *receiver);    /* of those answered well */
bool receiver_head_has(struct receiver *receiver, const char *words); /* the last request's */
bool receiver_has(struct receiver *receiver, const char *words);      /* some body does */
/* The last one's; false: there is none of that name, or of that text. */
bool receiver_is_about(struct receiver *receiver, const char *key, const char *value);

struct received_span {
    char trace[33], span[17], parent[17]; /* parent: "" where it has none */
    char name[120], state[120], status[120];
    int64_t kind, start_ns, end_ns;
    char outcome[16], error[32], key[80];
    int64_t attempt, bytes, n_links;
};

/* The first span with this attribute (text); false: there is none yet. */
bool receiver_find(struct receiver *receiver, const char *attribute, const char *value,
                   struct received_span *span);
/* Whether some batch's span links to this one. */
bool receiver_has_link(struct receiver *receiver, const struct received_span *to);

#endif
