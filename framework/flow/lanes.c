/* SPDX-License-Identifier: Apache-2.0
 *
 * Sharing deliveries among lanes; see lanes.h. What is not yet given to a lane waits here, where it
 * can still go to another. */
#include "flow/lanes.h"

#include <stdlib.h>

#include "base/check.h"
#include "flow/share.h"

#define LANES_NO_DEADLINE (UINT64_MAX / 4)

struct seat {
    struct lane *lane;
    struct list fetched, backlog; /* ordered: what only this lane may take */
    uint32_t given;               /* in its hands */
    bool is_woken_up;             /* to be, at the end of a push */
    bool is_given_up;             /* what it was given does not count */
};

struct lanes {
    struct lane_settings settings;
    struct list fetched, ready; /* unordered: for whoever has room */
    unsigned n, next;           /* next: who is looked at first */
    uint32_t given;
    struct seat seats[];
};

static bool start_seat(struct lanes *lanes, unsigned i, const struct lanes_settings *all,
                       struct status *status)
{
    struct lane_settings settings = lanes->settings;
    settings.job.lane = i;
    settings.pulse = all->pulses[i];
    settings.note = all->notes ? all->notes[i] : NULL;
    list_init(&lanes->seats[i].fetched);
    list_init(&lanes->seats[i].backlog);
    lanes->seats[i].lane = lane_start(&settings, status);
    if (lanes->seats[i].lane) lanes->n++;
    return lanes->seats[i].lane;
}

/* All are started before any is waited for: opens may be slow. */
struct lanes *lanes_start(const struct lanes_settings *settings, struct status *status)
{
    struct lanes *lanes = memory_new(1, sizeof *lanes + settings->n * sizeof *lanes->seats);
    lanes->settings = settings->lane;
    list_init(&lanes->fetched);
    list_init(&lanes->ready);
    bool are_open = true;
    for (unsigned i = 0; i < settings->n && are_open; i++)
        are_open = start_seat(lanes, i, settings, status);
    for (unsigned i = 0; i < lanes->n && are_open; i++)
        are_open = lane_await_open(lanes->seats[i].lane, status);
    if (are_open) return lanes;
    CHECK(lanes_stop(lanes, LANES_NO_DEADLINE)); /* they have nothing to do */
    lanes_free(lanes);
    return NULL;
}

static struct seat *seat_of(struct lanes *lanes, const struct delivery *delivery)
{
    const bool is_ordered = lanes->settings.is_ordered;
    return &lanes->seats[is_ordered ? (delivery->order_key >> 32) % lanes->n : 0];
}

void lanes_add(struct lanes *lanes, struct delivery *delivery)
{
    if (lanes->settings.is_ordered) {
        struct seat *seat = seat_of(lanes, delivery);
        list_append(delivery->is_fetched ? &seat->fetched : &seat->backlog, &delivery->link);
    } else {
        list_append(delivery->is_fetched ? &lanes->fetched : &lanes->ready, &delivery->link);
    }
}

/* Up to `most` from a list into a seat; how many. */
static uint32_t give_from(struct lanes *lanes, struct seat *seat, struct list *from, uint32_t most)
{
    struct delivery *piece[LANE_CHUNK];
    uint32_t n = 0;
    while (n < most && n < LANE_CHUNK && !list_is_empty(from)) {
        piece[n] = LIST_ENTRY(list_take_first(from), struct delivery, link);
        delivery_move(piece[n++], DELIVERY_HANDLING);
    }
    lane_give(seat->lane, piece, n);
    seat->given += n;
    seat->is_woken_up |= n > 0;
    lanes->given += n;
    return n;
}

static uint32_t room_of(const struct lanes *lanes, const struct seat *seat)
{
    const uint32_t depth =
        share_depth(lane_typical_ns(seat->lane), (uint32_t)lanes->settings.capacity);
    return depth > seat->given ? depth - seat->given : 0;
}

static uint32_t lesser(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void push_own(struct lanes *lanes, struct seat *seat, uint32_t *most)
{
    uint32_t room = lesser(room_of(lanes, seat), *most);
    *most -= room;
    while (room && !list_is_empty(&seat->fetched))
        room -= give_from(lanes, seat, &seat->fetched, room);
    while (room && !list_is_empty(&seat->backlog))
        room -= give_from(lanes, seat, &seat->backlog, room);
    *most += room;
}

/* One seat's turn; how many it took. */
static uint32_t push_shared(struct lanes *lanes, struct seat *seat, uint32_t most)
{
    const uint32_t room = lesser(room_of(lanes, seat), most);
    const uint32_t piece = share_piece(lane_typical_ns(seat->lane));
    struct list *from = list_is_empty(&lanes->fetched) ? &lanes->ready : &lanes->fetched;
    return give_from(lanes, seat, from, lesser(room, piece));
}

static bool has_shared(const struct lanes *lanes)
{
    return !list_is_empty(&lanes->fetched) || !list_is_empty(&lanes->ready);
}

static void wake(struct lanes *lanes)
{
    for (unsigned i = 0; i < lanes->n; i++) {
        if (lanes->seats[i].is_woken_up) lane_wake(lanes->seats[i].lane);
        lanes->seats[i].is_woken_up = false;
    }
}

uint32_t lanes_push(struct lanes *lanes, uint32_t most)
{
    uint32_t left = most;
    if (lanes->settings.is_ordered)
        for (unsigned i = 0; i < lanes->n; i++) push_own(lanes, &lanes->seats[i], &left);
    for (unsigned without_room = 0; has_shared(lanes) && without_room < lanes->n;) {
        const uint32_t given = push_shared(lanes, &lanes->seats[lanes->next], left);
        left -= given;
        without_room = given ? 0 : without_room + 1;
        lanes->next = (lanes->next + 1) % lanes->n;
    }
    wake(lanes);
    return most - left;
}

void lanes_give_one(struct lanes *lanes, struct delivery *delivery)
{
    struct list one;
    list_init(&one);
    list_append(&one, &delivery->link);
    (void)give_from(lanes, seat_of(lanes, delivery), &one, 1);
    wake(lanes);
}

bool lanes_have_waiting(const struct lanes *lanes)
{
    bool have = has_shared(lanes);
    for (unsigned i = 0; i < lanes->n; i++)
        have |=
            !list_is_empty(&lanes->seats[i].fetched) || !list_is_empty(&lanes->seats[i].backlog);
    return have;
}

void lanes_give_up(struct lanes *lanes, unsigned nth)
{
    struct seat *seat = &lanes->seats[nth];
    if (seat->is_given_up) return;
    seat->is_given_up = true;
    lanes->given -= seat->given;
}

/* It came back after all. */
static void count_again(struct lanes *lanes, struct seat *seat)
{
    if (!seat->is_given_up) return;
    seat->is_given_up = false;
    lanes->given += seat->given;
}

void lanes_collect(struct lanes *lanes, void (*on_back)(void *, struct delivery *), void *owner)
{
    struct delivery *piece[LANE_CHUNK];
    for (unsigned i = 0; i < lanes->n; i++) {
        struct seat *seat = &lanes->seats[i];
        for (size_t n; (n = lane_take(seat->lane, piece, LANE_CHUNK));) {
            count_again(lanes, seat);
            seat->given -= (uint32_t)n;
            lanes->given -= (uint32_t)n;
            for (size_t k = 0; k < n; k++) {
                if (k + 2 < n) delivery_foresee(piece[k + 2]);
                on_back(owner, piece[k]);
            }
        }
    }
}

void lanes_forget(struct lanes *lanes, struct list *into)
{
    list_move_all(into, &lanes->fetched);
    list_move_all(into, &lanes->ready);
    for (unsigned i = 0; i < lanes->n; i++) {
        list_move_all(into, &lanes->seats[i].fetched);
        list_move_all(into, &lanes->seats[i].backlog);
    }
}

uint32_t lanes_busy(const struct lanes *lanes)
{
    return lanes->given;
}

uint64_t lanes_handled(const struct lanes *lanes, unsigned nth)
{
    return lane_handled(lanes->seats[nth].lane);
}

bool lanes_stop(struct lanes *lanes, uint64_t deadline_ms)
{
    bool have_ended = true;
    for (unsigned i = 0; i < lanes->n; i++) lane_stop(lanes->seats[i].lane);
    for (unsigned i = 0; i < lanes->n && have_ended; i++)
        have_ended = lane_join(lanes->seats[i].lane, deadline_ms);
    return have_ended;
}

void lanes_free(struct lanes *lanes)
{
    for (unsigned i = 0; i < lanes->n; i++) lane_free(lanes->seats[i].lane);
    free(lanes);
}
