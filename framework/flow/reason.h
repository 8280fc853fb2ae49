/* SPDX-License-Identifier: Apache-2.0
 *
 * Why a message is dead: in the header x-warrener-reason of its letter, and in the metrics. */
#ifndef FLOW_REASON_H
#define FLOW_REASON_H

enum dead_reason {
    DEAD_REJECTED,
    DEAD_ATTEMPTS,
    DEAD_ROW,
    DEAD_UNROUTABLE,
    DEAD_UNDECODABLE,
    DEAD_CRASH,    /* it killed the host, and again alone */
    DEAD_STUCK,    /* likewise, by not coming back */
    DEAD_OVERSIZE, /* by the broker's own hop: carries no header */
    DEAD_REASON_COUNT
};

const char *dead_reason_name(enum dead_reason reason);
const char *dead_reason_words(enum dead_reason reason); /* for the log */

#endif
