/* SPDX-License-Identifier: Apache-2.0
 *
 * What a dead letter tells of itself: our own headers, or the broker's x-death where it came by the
 * broker's hop and carries none of ours. Pure. */
#ifndef APP_DEAD_FACTS_H
#define APP_DEAD_FACTS_H

#include "amqp/delivery.h"

struct dead_facts {
    struct wr_text reason, detail, code, handler, host; /* "": not told */
    struct wr_text exchange, routing_key;               /* the original's */
    struct wr_text id, type;
    int64_t attempt;    /* the last one; 0: not told */
    int64_t died_ms;    /* 0: not told */
    int64_t sent_ms;    /* its timestamp; 0: none */
    int64_t deliveries; /* from the dead queue, that were no end of it */
    uint64_t body_bytes;
    bool is_copy; /* its headers are ours, so that what was moved there moves on */
};

/* `queue` is the work queue; `max_message_bytes` its consumer's, 0 where it is not known. The texts lie
 * in the delivery. */
void dead_facts_read(const struct amqp_delivery *delivery, struct wr_text queue,
                     uint64_t max_message_bytes, struct dead_facts *out);

/* The work queue of QUEUE, which may be that or its dead queue: "Q.dead" is Q's, unless
 * `is_work_queue` says that it is a work queue itself. Into `out`; returns it. */
const char *dead_work_queue(const char *queue, bool is_work_queue, char *out, size_t bytes);

/* From so many deliveries on a letter is renewed instead of being put back once more, for the queue
 * drops what was put back too often: never (UINT32_MAX), where it has no such limit or ours. */
uint32_t dead_renew_from(int64_t limit, const char *broker);

#endif
