/* SPDX-License-Identifier: Apache-2.0
 *
 * Channels by number and in rounds; see roster.h. The lowest free number is taken, so that the array
 * stays as short as there are channels at one time. */
#include "amqp/roster.h"

#include <stdlib.h>

#include "amqp/channel.h"
#include "base/check.h"

#define REST_MS 1000

void roster_init(struct roster *roster)
{
    *roster = (struct roster){ 0 };
    list_init(&roster->channels);
    list_init(&roster->news);
}

void roster_fini(struct roster *roster)
{
    CHECK(list_is_empty(&roster->channels)); /* consumers and publishers are freed first */
    free(roster->slots);
    roster->slots = NULL;
}

uint64_t roster_begin(struct roster *roster)
{
    return ++roster->round;
}

struct channel *roster_next(struct roster *roster, uint64_t round)
{
    return channel_unvisited(&roster->channels, round);
}

struct channel *roster_take_news(struct roster *roster)
{
    struct list *news = list_take_first(&roster->news);
    return news ? channel_with_news(news) : NULL;
}

static bool is_free(const struct slot *slot, uint64_t now_ms)
{
    return !slot->channel && !slot->is_closing && slot->rests_until_ms <= now_ms;
}

uint16_t roster_take_number(struct roster *roster, struct channel *channel, uint16_t most,
                            uint64_t now_ms)
{
    size_t i = 1;
    while (i < roster->n_slots && !is_free(&roster->slots[i], now_ms)) i++;
    if (i > most) return 0;
    if (i >= roster->n_slots) {
        roster->slots = memory_grow(roster->slots, i + 1, sizeof *roster->slots);
        roster->n_slots = i + 1;
        roster->slots[0] = (struct slot){ 0 };
    }
    roster->slots[i] = (struct slot){ .channel = channel };
    return (uint16_t)i;
}

void roster_give_number(struct roster *roster, uint16_t number, bool is_closing)
{
    if (number < roster->n_slots) roster->slots[number] = (struct slot){ .is_closing = is_closing };
}

void roster_rest_number(struct roster *roster, uint16_t number, uint64_t now_ms)
{
    if (number < roster->n_slots)
        roster->slots[number] = (struct slot){ .rests_until_ms = now_ms + REST_MS };
}

void roster_forget_numbers(struct roster *roster)
{
    roster->n_slots = 0;
}
