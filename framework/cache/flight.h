/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys that are being read, each once however many want it. A flight has a seat for each read that
 * waits for its key; where the key is missing, the first seat's read is the one to load it. Knows
 * nothing of Redis. Internal to the room. */
#ifndef CACHE_FLIGHT_H
#define CACHE_FLIGHT_H

#include "base/arena.h"
#include "base/list.h"
#include "cache/reader.h"

#define FLIGHT_BUCKETS 1024

enum flight_state {
    FLIGHT_NEW,     /* not asked yet */
    FLIGHT_ASKED,   /* Redis is being asked: it stays until the answer, seats or none */
    FLIGHT_BUSY,    /* another host loads it; asked again */
    FLIGHT_LOADING, /* the first seat's read loads it */
};

struct flight {
    struct list bucket; /* of the table */
    struct list link;   /* NEW, BUSY: in the reader's list */
    enum flight_state state;
    uint64_t hash, busy_since_ms; /* 0: not busy so far */
    uint64_t missed_ns;           /* LOADING: since then, by clock_now_ns */
    struct list seats;
    struct wr_text key; /* its own copy */
};

struct seat {
    struct list link; /* of its flight */
    struct cache_read *read;
    struct flight *flight; /* NULL: settled */
};

struct cache_read {
    struct list link; /* of the reader's news, where there is something to tell */
    struct cache_reader *reader;
    struct cache_read_events events;
    void *owner;
    size_t n, n_left; /* keys; those not settled */
    struct seat *seats;
    struct cache_got *got;
    size_t *missing; /* to be told */
    size_t n_missing;
    struct arena arena; /* of values */
};

struct flights {
    struct list buckets[FLIGHT_BUCKETS];
    struct list *news; /* reads that have something to be told */
};

void flights_init(struct flights *flights, struct list *news);

/* Takes a seat. True: it is a new flight, and Redis is to be asked. */
bool flights_board(struct flights *flights, struct cache_read *read, size_t nth,
                   struct wr_text key);
/* The seat's read goes. */
void flights_leave(struct flights *flights, struct seat *seat);

void flights_fini(struct flights *flights); /* frees them: nobody waits any more */

/* It is missing: the first seat's read is to load it; without a seat it goes. */
void flight_miss(struct flights *flights, struct flight *flight);
/* Everybody's is this; the flight has gone. */
void flight_land(struct flights *flights, struct flight *flight, const struct cache_got *got);

#endif
