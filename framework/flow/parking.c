/* SPDX-License-Identifier: Apache-2.0
 *
 * Stopped keys; see parking.h. */
#include "flow/parking.h"

#include <stdlib.h>

#include "base/check.h"

struct stopped {
    struct list link; /* in its bucket */
    uint64_t key;
    struct list parked;
};

void parking_init(struct parking *parking)
{
    for (unsigned i = 0; i < PARKING_BUCKETS; i++) list_init(&parking->buckets[i]);
    parking->keys = 0;
}

static struct stopped *find(const struct parking *parking, uint64_t key)
{
    const struct list *bucket = &parking->buckets[key % PARKING_BUCKETS];
    for (struct list *link = bucket->next; link != bucket; link = link->next) {
        struct stopped *stopped = LIST_ENTRY(link, struct stopped, link);
        if (stopped->key == key) return stopped;
    }
    return NULL;
}

void parking_stop(struct parking *parking, uint64_t key)
{
    if (find(parking, key)) return;
    struct stopped *stopped = NEW(struct stopped);
    stopped->key = key;
    list_init(&stopped->parked);
    list_append(&parking->buckets[key % PARKING_BUCKETS], &stopped->link);
    parking->keys++;
}

bool parking_is_stopped(const struct parking *parking, uint64_t key)
{
    return parking->keys && find(parking, key);
}

void parking_add(struct parking *parking, struct delivery *delivery)
{
    struct stopped *stopped = find(parking, delivery->order_key);
    CHECK(stopped);
    struct list *after = stopped->parked.previous;
    while (after != &stopped->parked &&
           LIST_ENTRY(after, struct delivery, link)->tag > delivery->tag)
        after = after->previous;
    list_append(after->next, &delivery->link);
}

static void release(struct parking *parking, struct stopped *stopped, struct list *into)
{
    list_move_all(into, &stopped->parked);
    list_remove(&stopped->link);
    free(stopped);
    parking->keys--;
}

void parking_release(struct parking *parking, uint64_t key, struct list *into)
{
    struct stopped *stopped = parking->keys ? find(parking, key) : NULL;
    if (stopped) release(parking, stopped, into);
}

void parking_release_all(struct parking *parking, struct list *into)
{
    for (unsigned i = 0; i < PARKING_BUCKETS; i++)
        LIST_EACH (link, &parking->buckets[i]) {
            release(parking, LIST_ENTRY(link, struct stopped, link), into);
        }
}

void parking_fini(struct parking *parking)
{
    struct list none;
    list_init(&none);
    parking_release_all(parking, &none);
    CHECK(list_is_empty(&none));
}
