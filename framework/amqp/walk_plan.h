/* SPDX-License-Identifier: Apache-2.0
 *
 * How a queue is walked once: how many letters are asked for at a time, when a window has been walked,
 * and when the walk is over. A window is one consumer with a prefetch: what is acked makes room for
 * more, what is kept fills it up for good, and then a wider one follows. Brokers give back what was
 * kept in the order of the windows while there are few, so they grow fast. What ends a walk early is a
 * fresh window that stays empty, for a queue gives a new consumer all it has room for; the broker's
 * count alone proves nothing: where it is busy it says 0. Pure. */
#ifndef AMQP_WALK_PLAN_H
#define AMQP_WALK_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#define WALK_WINDOW_FIRST 16
#define WALK_WINDOW_MOST 65535 /* a prefetch has 16 bits */
#define WALK_QUIET_MS 300      /* without a letter: are there more? */
#define WALK_END_MS 1500       /* of quiet in a fresh window: there are none */
#define WALK_ANSWER_MS 10000   /* without the answer to anything, while nothing is in hand */
#define WALK_STALL_MS 5000 /* likewise, though the broker counts some: they are somebody else's */

struct walk_plan {
    uint64_t expected; /* letters to see: what was there when it began */
    uint64_t received, settled, kept;
    uint64_t bytes;      /* of those received */
    uint64_t hand_bytes; /* may be in hand at a time */
    uint32_t window;     /* of the consumer now; 0: none yet */
    uint64_t first;      /* the first letter of this window, counted from 1 */
    uint64_t w_received, w_kept, w_acked;
    uint64_t moved_ms; /* the last letter came or was settled, or the window was opened */
    unsigned answers;  /* of the broker since then */
};

void walk_plan_begin(struct walk_plan *plan, uint64_t expected, uint64_t hand_bytes,
                     uint64_t now_ms);
uint16_t walk_plan_open(struct walk_plan *plan, uint64_t now_ms); /* the next window's size */
void walk_plan_opened(struct walk_plan *plan, uint64_t now_ms);   /* the broker has it */
/* False: this one was not there when the walk began, and is none of its business. */
bool walk_plan_take(struct walk_plan *plan, uint64_t bytes, uint64_t now_ms);
void walk_plan_settle(struct walk_plan *plan, uint64_t nth, bool is_kept, uint64_t now_ms);
bool walk_plan_turns(const struct walk_plan *plan); /* the next window is due */
bool walk_plan_is_done(const struct walk_plan *plan);

/* What to do while no letter comes: look through a fresh window, or ask how many are left. */
enum walk_step { WALK_WAITS, WALK_TURNS, WALK_ASKS };
enum walk_step walk_plan_step(const struct walk_plan *plan, uint64_t now_ms);
enum walk_answer { WALK_GO_ON, WALK_NO_MORE, WALK_STALLS };
enum walk_answer walk_plan_answer(struct walk_plan *plan, uint64_t ready, uint64_t now_ms);
/* The broker was asked then (or later, where time was missed), and has not answered; letters in hand are
 * waited for: they might leave twice. */
bool walk_plan_gives_up(const struct walk_plan *plan, uint64_t asked_ms, uint64_t now_ms);

#endif
