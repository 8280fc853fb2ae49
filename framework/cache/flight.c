/* SPDX-License-Identifier: Apache-2.0
 *
 * See flight.h. A flight exists as long as somebody has a seat or Redis is being asked. */
#include "cache/flight.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/clock.h"

void flights_init(struct flights *flights, struct list *news)
{
    for (size_t i = 0; i < FLIGHT_BUCKETS; i++) list_init(&flights->buckets[i]);
    flights->news = news;
}

static void remove_flight(struct flight *flight)
{
    list_remove(&flight->bucket);
    list_remove(&flight->link);
    free(flight);
}

void flights_fini(struct flights *flights)
{
    for (size_t i = 0; i < FLIGHT_BUCKETS; i++)
        LIST_EACH (link, &flights->buckets[i])
            remove_flight(LIST_ENTRY(link, struct flight, bucket));
}

static struct flight *new_flight(struct list *bucket, struct wr_text key, uint64_t hash)
{
    struct flight *flight = memory_new(1, sizeof *flight + key.len);
    char *const copy = (char *)(flight + 1);
    memcpy(copy, key.at, key.len);
    flight->key = text_from(copy, key.len);
    flight->hash = hash;
    list_init(&flight->link);
    list_init(&flight->seats);
    list_append(bucket, &flight->bucket);
    return flight;
}

bool flights_board(struct flights *flights, struct cache_read *read, size_t nth, struct wr_text key)
{
    const uint64_t hash = text_hash(key);
    struct list *const bucket = &flights->buckets[hash % FLIGHT_BUCKETS];
    struct flight *flight = NULL;
    LIST_EACH (link, bucket) {
        struct flight *other = LIST_ENTRY(link, struct flight, bucket);
        if (other->hash == hash && text_equal(other->key, key)) flight = other;
    }
    const bool is_new = !flight;
    if (is_new) flight = new_flight(bucket, key, hash);
    struct seat *seat = &read->seats[nth];
    seat->read = read;
    seat->flight = flight;
    list_append(&flight->seats, &seat->link);
    return is_new;
}

static void tell_soon(struct flights *flights, struct cache_read *read)
{
    list_remove(&read->link);
    list_append(flights->news, &read->link);
}

void flight_miss(struct flights *flights, struct flight *flight)
{
    if (list_is_empty(&flight->seats)) {
        remove_flight(flight);
        return;
    }
    struct seat *first = LIST_ENTRY(flight->seats.next, struct seat, link);
    struct cache_read *read = first->read;
    list_remove(&flight->link);
    flight->state = FLIGHT_LOADING;
    flight->missed_ns = clock_now_ns();
    read->missing[read->n_missing++] = (size_t)(first - read->seats);
    tell_soon(flights, read);
}

void flights_leave(struct flights *flights, struct seat *seat)
{
    struct flight *flight = seat->flight;
    if (!flight) return;
    const bool was_first = flight->seats.next == &seat->link;
    list_remove(&seat->link);
    seat->flight = NULL;
    if (list_is_empty(&flight->seats)) {
        if (flight->state != FLIGHT_ASKED) remove_flight(flight);
    } else if (was_first && flight->state == FLIGHT_LOADING) {
        flight_miss(flights, flight);
    }
}

void flight_land(struct flights *flights, struct flight *flight, const struct cache_got *got)
{
    for (struct list *link; (link = list_take_first(&flight->seats));) {
        struct seat *seat = LIST_ENTRY(link, struct seat, link);
        struct cache_read *read = seat->read;
        struct cache_got *own = &read->got[seat - read->seats];
        *own = *got;
        own->value = arena_copy(&read->arena, got->value);
        seat->flight = NULL;
        if (--read->n_left == 0) tell_soon(flights, read);
    }
    remove_flight(flight);
}
