/* SPDX-License-Identifier: Apache-2.0
 *
 * All lanes of one consumer: who gets which delivery, and when. Without an order any lane that has
 * room takes the next; with one, a key's messages always go to the same lane. Belongs to the loop. */
#ifndef FLOW_LANES_H
#define FLOW_LANES_H

#include "flow/lane.h"

struct lanes_settings {
    struct lane_settings lane; /* of each; its number, pulse and note are filled in */
    unsigned n;
    struct pulse *const *pulses;     /* one each */
    struct crash_note *const *notes; /* likewise; NULL: none */
};

struct lanes;

/* Starts them and waits until every handler's open has answered; its words when one declined. */
MUST_USE struct lanes *lanes_start(const struct lanes_settings *settings, struct status *status);

/* RECEIVED; given by lanes_push, what is fetched before what is new. */
void lanes_add(struct lanes *lanes, struct delivery *delivery);
/* Gives what they have room for, `most` in all; how many that were. */
uint32_t lanes_push(struct lanes *lanes, uint32_t most);
/* Takes what came back; each is given to on_back, which may call lanes_add. */
void lanes_collect(struct lanes *lanes, void (*on_back)(void *owner, struct delivery *delivery),
                   void *owner);
/* Takes what no lane has begun to see. */
void lanes_forget(struct lanes *lanes, struct list *into);

/* Past all that waits, at once. */
void lanes_give_one(struct lanes *lanes, struct delivery *delivery);
bool lanes_have_waiting(const struct lanes *lanes); /* to be pushed */

/* What this lane has is not waited for any more: its handler does not come back. */
void lanes_give_up(struct lanes *lanes, unsigned nth);

uint32_t lanes_busy(const struct lanes *lanes); /* deliveries in lanes' hands */
uint64_t lanes_handled(const struct lanes *lanes, unsigned nth);

/* Ends the threads after what they have; false where a handler would not come back until then. */
MUST_USE bool lanes_stop(struct lanes *lanes, uint64_t deadline_ms);
void lanes_free(struct lanes *lanes); /* after lanes_stop and a last lanes_collect */

#endif
