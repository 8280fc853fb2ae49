/* SPDX-License-Identifier: Apache-2.0
 *
 * What the walk's two files share and nobody else sees: walk.c (looking at the queue, windows, letters)
 * and walk_back.c (after the end, what was kept goes back). */
#ifndef AMQP_WALK_INSIDE_H
#define AMQP_WALK_INSIDE_H

#include "amqp/channel.h"
#include "amqp/walk.h"
#include "amqp/walk_plan.h"
#include "base/standstill.h"

#define WALK_TICK_MS 50

enum walk_state {
    STATE_IDLE,
    STATE_LOOKING,  /* is it there? The channel is opened for that */
    STATE_LIMIT,    /* how often may its letters be delivered? */
    STATE_SETTLING, /* how many are there? */
    STATE_RESTING,  /* between two windows: its owner has no room */
    STATE_OPENING,
    STATE_TAKING,
    STATE_TURNING, /* the window's consumer is being cancelled */
    STATE_ENDED,
    STATE_COUNTING,  /* before what was kept goes back */
    STATE_RETURNING, /* it does */
};

struct walk {
    struct amqp_connection *connection;
    struct walk_settings settings;
    struct walk_events events;
    void *owner;
    struct channel *channel;
    struct timer tick;
    enum walk_state state;
    bool is_freed, is_asking;
    bool is_unsure; /* the broker counts 0, and may not know: none may come */
    struct walk_facts facts;
    struct walk_plan plan;
    uint64_t begun_ms, asked_ms;
    uint64_t missed_ms; /* since it was asked: the answer may lie there unread */
    struct standstill standstill;
    uint64_t ready, awaited, changed_ms; /* while what was kept goes back */
    unsigned windows;
    char tag[256];

    /* The letter that is coming in. */
    bool is_told;
    char *into;
    void *token;
    size_t filled;
};

static inline uint64_t walk_now_ms(const struct walk *walk)
{
    return loop_now_ms(connection_loop(walk->connection));
}

/* Asks how many letters the queue has. */
void walk_count(struct walk *walk, void (*on_ok)(void *owner, void *decoded));

/* For the clock and for losses, after walk_give_back. */
void walk_ask_returned(struct walk *walk);
void walk_be_back(struct walk *walk);

#endif
