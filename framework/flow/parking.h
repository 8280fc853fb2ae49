/* SPDX-License-Identifier: Apache-2.0
 *
 * Keys whose order must be kept while their first message waits to be handled again: the messages
 * that come after it are parked behind it. One such set is the loop's, with the parked deliveries;
 * each ordered lane has another, which only knows the keys. Pure. */
#ifndef FLOW_PARKING_H
#define FLOW_PARKING_H

#include <stdbool.h>
#include <stdint.h>

#include "flow/delivery.h"

#define PARKING_BUCKETS 256

struct parking {
    struct list buckets[PARKING_BUCKETS];
    unsigned keys;
};

void parking_init(struct parking *parking);
/* Forgets all keys; parked deliveries must have been taken before. */
void parking_fini(struct parking *parking);

void parking_stop(struct parking *parking, uint64_t key); /* harmless when stopped already */
bool parking_is_stopped(const struct parking *parking, uint64_t key);
/* By its order_key, in the order of arrival: one that was in its lane's hands when the key was stopped
 * comes before those that arrived meanwhile. */
void parking_add(struct parking *parking, struct delivery *delivery);

/* The key flows again: what was parked is moved to the end of `into`, in order. */
void parking_release(struct parking *parking, uint64_t key, struct list *into);
void parking_release_all(struct parking *parking, struct list *into);

#endif
