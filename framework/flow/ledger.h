/* SPDX-License-Identifier: Apache-2.0
 *
 * The ledger of one subscription: which delivery tags are out, and which acks that allows. Tags come
 * one after another, so it is a window over them. Finished ones are acked by one multiple over the
 * contiguous finished prefix; when a slow one makes that prefix stand still, those behind it are acked
 * singly, so that it never idles the rest. Pure: it says what to send, and is told the time. */
#ifndef FLOW_LEDGER_H
#define FLOW_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ledger {
    uint64_t epoch;
    uint64_t first, next;    /* the window: tags first .. next-1 */
    uint8_t *slots;          /* by tag, modulo capacity */
    uint32_t capacity;       /* a power of two, above the prefetch */
    uint32_t open;           /* out and unfinished */
    uint32_t finished;       /* finished and not yet acked */
    uint64_t still_since_ms; /* the prefix has not moved since; 0: it is not waiting */
    uint64_t *waiting;       /* finished tags in order of finishing; some may be acked already */
    uint32_t n_waiting, room_waiting;
};

struct ledger_ack {
    uint64_t tag;
    bool multiple;
};

void ledger_init(struct ledger *ledger, uint32_t prefetch);
void ledger_fini(struct ledger *ledger);

/* A new subscription: tags count from 1 again, what was out is forgotten. */
void ledger_begin(struct ledger *ledger, uint64_t epoch);

/* The next tag arrived. False where the broker skips or repeats one, or sends more than the window. */
bool ledger_open(struct ledger *ledger, uint64_t tag);
void ledger_finish(struct ledger *ledger, uint64_t tag); /* may be acked */
void ledger_drop(struct ledger *ledger, uint64_t tag);   /* was told to the broker some other way */

/* Takes the acks that are due, up to `room`; call again while it fills the room. */
size_t ledger_collect(struct ledger *ledger, uint64_t now_ms, uint32_t grace_ms,
                      struct ledger_ack *acks, size_t room);
/* When single acks become due though nothing else happens; 0: never. */
uint64_t ledger_due_ms(const struct ledger *ledger, uint32_t grace_ms);

#endif
