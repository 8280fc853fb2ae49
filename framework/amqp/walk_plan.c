/* SPDX-License-Identifier: Apache-2.0
 *
 * The plan of a walk; see walk_plan.h. */
#include "amqp/walk_plan.h"

#include "base/check.h"

#define GROWTH 4
#define ROUNDS 4        /* so often may a window be refilled before a wider one takes its place */
#define ANSWERS_LEAST 4 /* the second comes after all letters that were on their way at the first */

void walk_plan_begin(struct walk_plan *plan, uint64_t expected, uint64_t hand_bytes,
                     uint64_t now_ms)
{
    *plan = (struct walk_plan){
        .expected = expected,
        .hand_bytes = hand_bytes,
        .moved_ms = now_ms,
    };
}

static void move(struct walk_plan *plan, uint64_t now_ms)
{
    plan->moved_ms = now_ms;
    plan->answers = 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* As many as fit in hand, by what the letters so far were like. */
static uint64_t widest(const struct walk_plan *plan)
{
    if (!plan->received) return WALK_WINDOW_FIRST;
    const uint64_t each = plan->bytes / plan->received + 1;
    const uint64_t n = least(plan->hand_bytes / each, WALK_WINDOW_MOST);
    return n ? n : 1;
}

uint16_t walk_plan_open(struct walk_plan *plan, uint64_t now_ms)
{
    CHECK(!walk_plan_is_done(plan));
    const uint64_t left = plan->expected - plan->received;
    uint64_t window = plan->window ? (uint64_t)plan->window * GROWTH : WALK_WINDOW_FIRST;
    window = least(least(window, widest(plan)), left);
    plan->window = (uint32_t)window;
    plan->first = plan->received + 1;
    plan->w_received = plan->w_kept = plan->w_acked = 0;
    move(plan, now_ms);
    return (uint16_t)window;
}

void walk_plan_opened(struct walk_plan *plan, uint64_t now_ms)
{
    move(plan, now_ms);
}

bool walk_plan_take(struct walk_plan *plan, uint64_t bytes, uint64_t now_ms)
{
    if (walk_plan_is_done(plan)) return false;
    plan->received++;
    plan->w_received++;
    plan->bytes += bytes;
    move(plan, now_ms);
    return true;
}

void walk_plan_settle(struct walk_plan *plan, uint64_t nth, bool is_kept, uint64_t now_ms)
{
    plan->settled++;
    plan->kept += is_kept;
    move(plan, now_ms);
    if (nth < plan->first) return;
    plan->w_kept += is_kept;
    plan->w_acked += !is_kept;
}

bool walk_plan_is_done(const struct walk_plan *plan)
{
    return plan->received >= plan->expected;
}

bool walk_plan_turns(const struct walk_plan *plan)
{
    if (walk_plan_is_done(plan)) return false;
    if (plan->w_kept >= plan->window) return true;
    /* What is acked must not trickle through the few places that are left. */
    if (plan->w_acked && plan->w_kept * 2 >= plan->window) return true;
    return plan->w_received >= plan->window * ROUNDS && plan->window * 2 <= widest(plan);
}

enum walk_step walk_plan_step(const struct walk_plan *plan, uint64_t now_ms)
{
    if (plan->received != plan->settled || now_ms - plan->moved_ms < WALK_QUIET_MS)
        return WALK_WAITS;
    return plan->w_received ? WALK_TURNS : WALK_ASKS;
}

enum walk_answer walk_plan_answer(struct walk_plan *plan, uint64_t ready, uint64_t now_ms)
{
    if (walk_plan_step(plan, now_ms) != WALK_ASKS) return WALK_GO_ON;
    const uint64_t quiet_ms = now_ms - plan->moved_ms;
    if (++plan->answers < ANSWERS_LEAST) return WALK_GO_ON;
    if (!ready && quiet_ms >= WALK_END_MS) return WALK_NO_MORE;
    return quiet_ms >= WALK_STALL_MS ? WALK_STALLS : WALK_GO_ON;
}

bool walk_plan_gives_up(const struct walk_plan *plan, uint64_t asked_ms, uint64_t now_ms)
{
    return plan->received == plan->settled && now_ms >= asked_ms + WALK_ANSWER_MS;
}
