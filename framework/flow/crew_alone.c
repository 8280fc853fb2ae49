/* SPDX-License-Identifier: Apache-2.0
 *
 * Suspects, from their arrival to their verdict; see alone.h. They wait in a list of their crew. With
 * an order to keep, so does everything that comes after them, and what came before is handled first;
 * otherwise they go before all else. A settlement that does not come holds nobody up for ever. */
#include <stdio.h>
#include <stdlib.h>

#include "amqp/table.h"
#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "flow/alone.h"
#include "flow/crew_inside.h"

#define REDELIVERIES 5    /* so often, and it is a suspect */
#define PATIENCE_MS 10000 /* for what is handled to be settled */
#define REST_MS 100       /* for the last acks to leave us */

struct alone {
    struct loop *loop;
    struct crash_record *record;
    struct timer timer;
    struct list crews;
    struct crew *turn; /* whose suspects are handled; NULL: nobody's, and lanes are given all */
    struct delivery *current; /* in hand; NULL: it is being made room for */
    uint64_t since_ms;        /* of the present wait */
    uint64_t settled_ms;      /* when all was settled first; 0: not yet */
    bool has_suspects;
    bool is_due; /* a look at all of it, as soon as the loop comes to it */
};

static void step(struct alone *alone);

static void on_time(void *own)
{
    struct alone *alone = own;
    alone->is_due = false;
    step(alone);
}

/* A look that is due is not put off: turns of crews, each of which asks for one, would do so for ever. */
static void look_in(struct alone *alone, uint64_t ms)
{
    if (alone->is_due) return;
    alone->is_due = ms == 0;
    timer_arm_ms(&alone->timer, ms);
}

struct alone *alone_new(struct loop *loop, struct crash_record *record)
{
    struct alone *alone = NEW(struct alone);
    alone->loop = loop;
    alone->record = record;
    alone->has_suspects = crash_record_has_suspects(record);
    list_init(&alone->crews);
    timer_init(&alone->timer, loop, on_time, alone);
    return alone;
}

void alone_free(struct alone *alone)
{
    if (!alone) return;
    timer_fini(&alone->timer);
    free(alone);
}

void crew_alone_join(struct crew *crew)
{
    struct alone *alone = crew->settings.alone;
    list_init(&crew->suspects);
    list_init(&crew->alone_link);
    if (alone) list_append(&alone->crews, &crew->alone_link);
}

void crew_alone_part(struct crew *crew)
{
    struct alone *alone = crew->settings.alone;
    list_remove(&crew->alone_link);
    if (alone && alone->turn == crew) alone->turn = NULL;
}

/* ---- who is one ------------------------------------------------------------------------------ */

static bool came_back_often(const struct delivery *delivery)
{
    struct wr_pair count;
    return table_find(delivery->job.headers, "x-delivery-count", &count) &&
           count.kind == WR_H_INT && count.number >= REDELIVERIES;
}

static struct crash_suspect *find_suspect(const struct crew *crew, const struct delivery *delivery)
{
    const struct alone *alone = crew->settings.alone;
    if (!alone->has_suspects) return NULL;
    return crash_record_find(alone->record, crew->settings.name, &delivery->job.message);
}

static void wait_in_line(struct crew *crew, struct delivery *delivery)
{
    struct alone *alone = crew->settings.alone;
    CHECK(alone);
    if (!alone->turn) look_in(alone, 0);
    list_append(&crew->suspects, &delivery->link);
}

void crew_offer(struct crew *crew, struct delivery *delivery)
{
    if (crew->settings.alone && delivery->job.message.redelivered)
        delivery->is_suspect = find_suspect(crew, delivery) || came_back_often(delivery);
    if (delivery->is_suspect || (crew_is_ordered(crew) && !list_is_empty(&crew->suspects)))
        wait_in_line(crew, delivery);
    else
        lanes_add(crew->lanes, delivery);
}

/* A suspect was alone for its prepare, and is so for the rest; where it took too long to have what it
 * wants, others were let go on, and room is made for it again. */
void crew_offer_fetched(struct crew *crew, struct delivery *delivery)
{
    const struct alone *alone = crew->settings.alone;
    if (!delivery->is_suspect) {
        lanes_add(crew->lanes, delivery);
    } else if (alone->current == delivery) {
        valve_gave(&crew->valve, 1);
        lanes_give_one(crew->lanes, delivery);
    } else {
        wait_in_line(crew, delivery);
    }
}

/* ---- slower than the broker waits ------------------------------------------------------------- */

static void blame(struct crew *crew, const struct delivery *delivery, const char *words)
{
    struct alone *alone = crew->settings.alone;
    crash_record_blame(alone->record, crew->settings.name, &delivery->job.message, CRASH_BY_STUCK,
                       words, clock_unix_us() / 1000000);
    alone->has_suspects = true;
    log_warn("flow", "a message takes longer than the broker waits for its ack",
             LOG_TEXT(QUEUE, crew->settings.name), LOG_SPAN(MESSAGE_ID, delivery->job.message.id),
             LOG_TEXT(REASON, words));
}

void crew_blame_slow(struct crew *crew, const struct delivery *delivery)
{
    const uint64_t most_ms = crew->consumer ? consumer_ack_most_ms(crew->consumer) : 0;
    char words[300];
    if (!crew->settings.alone || !most_ms || delivery->is_skipped || delivery->took_ms < most_ms)
        return;
    snprintf(words, sizeof words,
             "the handler %s took %u ms, and the broker takes back after %llu ms "
             "(consumer_timeout) what is not acknowledged",
             crew->settings.handler, delivery->took_ms, (unsigned long long)most_ms);
    blame(crew, delivery, words);
}

void crew_blame_held(struct crew *crew)
{
    const uint64_t most_ms = consumer_ack_most_ms(crew->consumer), now_ns = clock_now_ns();
    char words[300];
    if (!crew->settings.alone || !most_ms || crew->is_held_up) return;
    LIST_EACH (link, &crew->hold.deliveries) {
        const struct delivery *delivery = LIST_ENTRY(link, struct delivery, link);
        const uint64_t age_ms = (now_ns - delivery->received_ns) / 1000000u;
        if (delivery->attempt == 1 || delivery->is_copy || age_ms < most_ms) continue;
        snprintf(words, sizeof words,
                 "%u attempts in place took %llu ms, and the broker takes back after %llu ms "
                 "(consumer_timeout) what is not acknowledged",
                 delivery->attempt - 1, (unsigned long long)age_ms, (unsigned long long)most_ms);
        blame(crew, delivery, words);
    }
}

/* ---- making room ----------------------------------------------------------------------------- */

/* Lanes are given nothing, and what they gave back is settled at once. */
static void press(struct alone *alone, bool is_pressed)
{
    LIST_EACH (link, &alone->crews) {
        struct crew *crew = LIST_ENTRY(link, struct crew, alone_link);
        crew->is_pressed = is_pressed;
        crew->settle.grace_ms = is_pressed ? 0 : crew->grace_ms;
        timer_arm_ms(&crew->timer, 0);
    }
}

static bool can_go(struct crew *crew, uint64_t now_ms)
{
    return !list_is_empty(&crew->suspects) && !crew->is_draining &&
           valve_allows(&crew->valve, now_ms) > 0;
}

/* The crew whose turn it is, as long as it can go; else the next that can; NULL: none. */
static struct crew *choose(struct alone *alone, uint64_t now_ms)
{
    if (alone->turn && can_go(alone->turn, now_ms)) return alone->turn;
    LIST_EACH (link, &alone->crews) {
        struct crew *crew = LIST_ENTRY(link, struct crew, alone_link);
        if (can_go(crew, now_ms)) return crew;
    }
    return NULL;
}

/* Ordered: what came before its suspect is handled before it. */
bool crew_may_push(const struct crew *crew)
{
    const struct alone *alone = crew->settings.alone;
    if (!crew->is_pressed) return true;
    return crew_is_ordered(crew) && alone->turn == crew && !alone->current;
}

static bool has_waiting(const struct crew *crew)
{
    return lanes_have_waiting(crew->lanes) || (crew->fetcher && !fetcher_is_idle(crew->fetcher));
}

static bool is_quiet(const struct alone *alone, uint64_t now_ms)
{
    bool are_settled = true;
    LIST_EACH (link, &alone->crews) {
        struct crew *crew = LIST_ENTRY(link, struct crew, alone_link);
        if (lanes_busy(crew->lanes)) return false;
        if (crew_may_push(crew) && has_waiting(crew)) return false;
        are_settled &= crew_is_drained(crew);
    }
    return are_settled || now_ms - alone->since_ms >= PATIENCE_MS;
}

/* Ordered: what is in line before the next suspect. */
static void let_others_pass(struct crew *crew)
{
    while (!list_is_empty(&crew->suspects)) {
        struct delivery *first = LIST_ENTRY(crew->suspects.next, struct delivery, link);
        const bool is_stopped = crew_is_ordered(crew) && !first->is_head &&
                                parking_is_stopped(&crew->parking, first->order_key);
        if (first->is_suspect && !is_stopped) return;
        list_remove(&first->link);
        if (is_stopped)
            parking_add(&crew->parking, first);
        else
            lanes_add(crew->lanes, first);
        timer_arm_ms(&crew->timer, 0);
    }
}

/* ---- alone ----------------------------------------------------------------------------------- */

static void note_in_record(struct alone *alone, const struct crew *crew,
                           const struct delivery *delivery)
{
    alone->record->alone.consumer = crash_record_consumer(alone->record, crew->settings.name);
    crash_note_begin(&alone->record->alone, &delivery->job.message);
}

static void handle(struct alone *alone, struct crew *crew, struct delivery *delivery)
{
    log_debug("flow", "handling a suspect alone", LOG_TEXT(QUEUE, crew->settings.name),
              LOG_SPAN(MESSAGE_ID, delivery->job.message.id));
    note_in_record(alone, crew, delivery);
    valve_gave(&crew->valve, 1);
    lanes_give_one(crew->lanes, delivery);
}

/* It has killed often enough. Alone, too: or the next of its kind would end the host between the letter
 * and the ack, and there would be a second letter. */
static void bury(struct alone *alone, struct crew *crew, struct delivery *delivery,
                 const struct crash_suspect *suspect)
{
    char words[CRASH_DETAIL_BYTES + 64];
    const bool is_stuck = suspect->why == CRASH_BY_STUCK;
    snprintf(words, sizeof words, "%u times; the last: %.*s", suspect->deaths,
             (int)sizeof suspect->detail, suspect->detail);
    crew_read_clocks(crew);
    alone->settled_ms = 0; /* its ack leaves before the next begins */
    delivery_move(delivery, DELIVERY_HANDLING);
    delivery->outcome = (struct job_outcome){ .verdict = WR_REJECT };
    delivery->outcome.reason = arena_copy(&delivery->arena, text_of(words));
    crew_bury(crew, delivery, is_stuck ? DEAD_STUCK : DEAD_CRASH, delivery->outcome.reason);
}

static void begin(struct alone *alone, struct crew *crew, uint64_t now_ms)
{
    struct delivery *delivery = LIST_ENTRY(list_take_first(&crew->suspects), struct delivery, link);
    const struct crash_suspect *suspect = find_suspect(crew, delivery);
    alone->current = delivery;
    alone->since_ms = now_ms;
    look_in(alone, PATIENCE_MS);
    if (suspect && suspect->deaths >= CRASH_DEATHS)
        bury(alone, crew, delivery, suspect);
    else
        handle(alone, crew, delivery);
}

static void finish(struct alone *alone)
{
    alone->current = NULL;
    crash_note_end(&alone->record->alone);
    look_in(alone, 0);
}

/* In hand: it is let go of when its lane is done with it and nothing settles it. */
static void look_after(struct alone *alone, uint64_t now_ms)
{
    if (now_ms - alone->since_ms < PATIENCE_MS || lanes_busy(alone->turn->lanes)) {
        look_in(alone, PATIENCE_MS);
        return;
    }
    finish(alone);
}

static void make_room(struct alone *alone, struct crew *crew, bool is_new, uint64_t now_ms)
{
    if (!crew->is_pressed) press(alone, true);
    if (is_new) {
        alone->since_ms = now_ms;
        timer_arm_ms(&crew->timer, 0); /* ordered: what came before may go now */
    }
    let_others_pass(crew);
    look_in(alone, PATIENCE_MS);
    if (list_is_empty(&crew->suspects) || !is_quiet(alone, now_ms)) return;
    if (!alone->settled_ms) alone->settled_ms = now_ms;
    if (now_ms - alone->settled_ms < REST_MS)
        look_in(alone, REST_MS - (now_ms - alone->settled_ms));
    else
        begin(alone, crew, now_ms);
}

static void step(struct alone *alone)
{
    const uint64_t now_ms = clock_now_ms();
    if (alone->current) {
        look_after(alone, now_ms);
        return;
    }
    struct crew *const before = alone->turn;
    if (before) let_others_pass(before);
    struct crew *const crew = alone->turn = choose(alone, now_ms);
    if (before && !crew) press(alone, false);
    if (crew)
        make_room(alone, crew, crew != before, now_ms);
    else
        alone->settled_ms = 0;
}

void crew_alone_turn(struct crew *crew)
{
    struct alone *alone = crew->settings.alone;
    if (alone && !alone->current && (alone->turn || !list_is_empty(&crew->suspects)))
        look_in(alone, 0);
}

void crew_suspect_left(struct crew *crew, struct delivery *delivery)
{
    struct alone *alone = crew->settings.alone;
    if (delivery->state == DELIVERY_SETTLED) {
        struct crash_suspect *suspect = find_suspect(crew, delivery);
        if (suspect) crash_record_acquit(suspect);
        alone->has_suspects = crash_record_has_suspects(alone->record);
    }
    if (alone->current == delivery) finish(alone);
}
