/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys in line for the database: which are asked for together, and what an answer makes of each. One
 * question is out at a time; what comes meanwhile goes in the next. A key that the database cannot take
 * is found by asking for half as many. Pure: the rest's clock is its owner's. */
#ifndef FLOW_INQUIRY_H
#define FLOW_INQUIRY_H

#include "base/list.h"
#include "base/text.h"
#include "flow/ship_policy.h"

#define INQUIRY_MOST 1000 /* keys in one question */
#define INQUIRY_SLOTS 2048

/* A key that is to be asked for; its owner's memory. */
struct asking {
    struct list link; /* in line */
    uint64_t hash;    /* text_hash(key) */
    struct wr_text key;
    uint32_t place; /* in the question, from 1; 0: it is not in it */
};

struct inquiry {
    struct list waiting;
    bool is_out;
    uint32_t most, n;                   /* keys: in the next question; in this one */
    struct asking *asked[INQUIRY_MOST]; /* NULL: answered, or nobody wants it any more */
    uint32_t slots[INQUIRY_SLOTS];      /* by hash: its place; 0: free */
    uint32_t passed;                    /* so many of the asked are not there any more */
    uint32_t failures;                  /* the server's own, in a row, of this many keys */
};

void inquiry_init(struct inquiry *inquiry);
void inquiry_add(struct inquiry *inquiry, struct asking *asking); /* zeroed, but for hash and key */
void inquiry_leave(struct inquiry *inquiry, struct asking *asking); /* any time */

/* The next question, of asked[0..n). False: there is none, or one is out. */
bool inquiry_begin(struct inquiry *inquiry);
/* One with that key, which is answered now: several may ask for it. NULL: none does. */
struct asking *inquiry_take(struct inquiry *inquiry, struct wr_text key);
/* One that is not answered. NULL: all are. */
struct asking *inquiry_take_any(struct inquiry *inquiry);

void inquiry_succeed(struct inquiry *inquiry);
/* AGAIN, HOLD and SPLIT: all are in line again, before the others. BURY and SPEND: it was one, and is
 * the owner's, to be taken. */
struct ship_choice inquiry_fail(struct inquiry *inquiry, enum fault_class fault);

#endif
