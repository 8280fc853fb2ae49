/* SPDX-License-Identifier: Apache-2.0
 *
 * What must exist on the broker before a queue is consumed: the queue, its dead and retry queues,
 * exchanges and bindings. Declared anew at each (re)connect, on a channel of their own, since a refusal closes the
 * channel. A queue that exists with other arguments is compared, not fought: another delivery limit is
 * a warning, another type or dead-lettering a fault that names both values. */
#ifndef AMQP_TOPOLOGY_H
#define AMQP_TOPOLOGY_H

#include "amqp/connection.h"
#include "base/text.h"

enum topology_declare { TOPOLOGY_QUORUM, TOPOLOGY_CLASSIC, TOPOLOGY_NONE };

struct topology_binding {
    const char *exchange, *type, *key; /* type: topic, direct, fanout, headers; NULL: only use it */
};

struct topology {
    const char *queue;
    enum topology_declare declare; /* NONE: Q is left alone but must exist */
    uint32_t delivery_limit;
    const struct topology_binding *bindings;
    size_t n_bindings;
    const uint32_t *delays_ms; /* one Q.retry.D each */
    size_t n_delays;
};

enum topology_aim {
    TOPOLOGY_MAKE,  /* everything */
    TOPOLOGY_CHECK, /* nothing is made: all is declared passively first, and only compared where it
                       exists (for `check --connect`); bindings cannot be looked at */
    TOPOLOGY_MEND,  /* only Q.dead and Q.retry.D are made: somebody deleted one */
};

struct topology_report {
    bool done;      /* false: `fault` says why; the connection may be fine all the same */
    bool is_unmade; /* TOPOLOGY_CHECK: `fault` only names what is not there yet and would be made */
    struct status fault;
    char warning[512]; /* "" or one */
};

struct topology_work;

/* Runs the declarations; answers once, never from inside, and the work is gone then. The topology's
 * texts and lists outlive the work. */
struct topology_work *
topology_start(struct amqp_connection *connection, const struct topology *topology,
               enum topology_aim aim,
               void (*on_answer)(void *owner, const struct topology_report *report), void *owner);
void topology_cancel(struct topology_work *work); /* before its answer; NULL is fine */

/* Names made from a queue's: "Q.dead", "Q.retry.10s". Written into out, cut at its end. */
const char *topology_dead_name(const char *queue, char *out, size_t out_bytes);
const char *topology_retry_name(const char *queue, uint32_t delay_ms, char *out, size_t out_bytes);

#endif
