/* SPDX-License-Identifier: Apache-2.0
 *
 * Copies of messages, for retry and dead queues: what their properties are, and what a copy that has
 * come back tells of its original. A copy keeps everything but what would make the broker drop it,
 * refuse it or send it twice; that is kept in x-warrener-… headers. Pure, and safe on hostile bytes. */
#ifndef AMQP_COPY_H
#define AMQP_COPY_H

#include "base/status.h"
#include "base/text.h"

#define COPY_ATTEMPT "x-warrener-attempt" /* the header that says which try it is */
#define COPY_DETAIL_BYTES 1024            /* details are cut here, between characters */

/* What a copy says of itself. Texts that are empty are left out, but for the last four. */
struct copy_notes {
    uint32_t attempt; /* of the try to come, or of the last one of a dead letter */
    struct wr_text reason, detail, code;
    struct wr_text handler, host, exchange, routing_key; /* the latter two the original's */
    int64_t at_ms;                                       /* when it died; 0: left out */
    struct wr_text
        mark; /* of a copy that goes to its queue directly: see copy_read_direct; empty: none */
};

/* The encoded properties of a copy. `is_copy`: the original is a copy of ours itself (see copy_read),
 * and what was moved to its headers moves on. Where it all does not fit, the detail is cut, and where
 * that is not enough, the original's headers are left out and the detail says so. False where the
 * original's properties are damaged, or `out_bytes` is below COPY_LEAST_BYTES and does not do. */
MUST_USE bool copy_write(struct wr_text original, bool is_copy, const struct copy_notes *notes,
                         char *out, size_t out_bytes, size_t *used);
#define COPY_LEAST_BYTES 4076 /* of the smallest frame there is */

struct copy_origin {
    uint32_t attempt;
    struct wr_text exchange, routing_key, user_id; /* of the original, in `headers` */
};

/* Whether a delivery is a copy that we sent to a retry queue of `queue` and that came back from it:
 * the broker's newest x-death entry and our own headers must agree on it. */
MUST_USE bool copy_read(struct wr_text headers, struct wr_text exchange, struct wr_text routing_key,
                        struct wr_text queue, struct copy_origin *out);

/* The newest of a message's deaths, as the broker tells it in x-death. */
struct copy_death {
    struct wr_text queue, reason, exchange, routing_key; /* the latter: of the first key; "" */
    int64_t at_ms;                                       /* 0: not told */
};
MUST_USE bool copy_read_death(struct wr_text headers, struct copy_death *out);
/* Whether it has been in a retry queue of `queue`, and so carries headers of ours. */
bool copy_was_retried(struct wr_text headers, struct wr_text queue);
/* What our own headers say of the original; false where they are not there. The attempt is left. */
MUST_USE bool copy_read_origin(struct wr_text headers, struct copy_origin *out);

/* Whether a delivery is a copy at attempt 1 that `dead retry` put into `queue` itself. Such a copy
 * carries the user id of who sent it, which the broker has checked: to be asked only where that is our
 * own user, and so nobody else can make one. */
MUST_USE bool copy_read_direct(struct wr_text headers, struct wr_text exchange,
                               struct wr_text routing_key, struct wr_text queue,
                               struct copy_origin *out);

#endif
