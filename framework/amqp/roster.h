/* SPDX-License-Identifier: Apache-2.0
 *
 * The channels of one connection, by number and in rounds of visits. Internal to the room. Any
 * channel may come or go during a visit: a round asks each time for one it has not met. */
#ifndef AMQP_ROSTER_H
#define AMQP_ROSTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct channel;

struct slot {
    struct channel *channel; /* NULL: nobody's, or: */
    bool is_closing;         /* we closed it; its number waits for close-ok */
    uint64_t rests_until_ms; /* the broker closed it, and may say so twice; 0: not */
};

struct roster {
    struct list channels, news; /* all; those that got frames in this batch */
    uint64_t round;
    struct slot *slots; /* by number; [0] is not used */
    size_t n_slots;
};

void roster_init(struct roster *roster);
void roster_fini(struct roster *roster); /* it is empty */

/* For each that is there: `for (round = roster_begin(r); (c = roster_next(r, round));)`. */
uint64_t roster_begin(struct roster *roster);
struct channel *roster_next(struct roster *roster, uint64_t round);
struct channel *roster_take_news(struct roster *roster); /* NULL: no more */

uint16_t roster_take_number(struct roster *roster, struct channel *channel, uint16_t most,
                            uint64_t now_ms); /* 0: none */
void roster_give_number(struct roster *roster, uint16_t number, bool is_closing);
/* The broker closed it: what it still says on it is passed over, and nobody has it for a second. */
void roster_rest_number(struct roster *roster, uint16_t number, uint64_t now_ms);
void roster_forget_numbers(struct roster *roster); /* the connection went */

static inline const struct slot *roster_at(const struct roster *roster, uint16_t number)
{
    static const struct slot none = { NULL, false, 0 };
    return number < roster->n_slots ? &roster->slots[number] : &none;
}

#endif
