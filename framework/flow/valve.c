/* SPDX-License-Identifier: Apache-2.0
 *
 * The valve; see valve.h. A gate is one reason's: open, shut until a time, or trying a few. The valve
 * allows what both gates do. */
#include "flow/valve.h"

#include <stdlib.h>

#include "base/check.h"
#include "flow/retry.h"

/* ---- windows ------------------------------------------------------------------------------- */

static void window_add(struct valve_window *window, uint32_t of, bool is_failure)
{
    if (window->n == of)
        window->failures -= window->failed[window->next];
    else
        window->n++;
    window->failed[window->next] = is_failure;
    window->failures += is_failure;
    if (++window->next == of) window->next = 0;
}

static void window_clear(struct valve_window *window)
{
    window->n = window->next = window->failures = 0;
}

/* ---- gates --------------------------------------------------------------------------------- */

static void gate_shut(struct valve_gate *gate, uint64_t now_ms, uint64_t rest_ms)
{
    if (!gate->since_ms) gate->since_ms = now_ms ? now_ms : 1;
    gate->state = GATE_SHUT;
    gate->due_ms = now_ms + rest_ms;
}

static void gate_open(struct valve_gate *gate)
{
    *gate = (struct valve_gate){ .few = gate->few };
}

static void gate_try(struct valve_gate *gate)
{
    gate->state = GATE_TRYING;
    gate->given = gate->well = gate->failed = 0;
}

static uint32_t gate_allows(struct valve_gate *gate, uint64_t now_ms)
{
    if (gate->state == GATE_SHUT && now_ms >= gate->due_ms) gate_try(gate);
    switch (gate->state) {
    case GATE_OPEN: return VALVE_ALL;
    case GATE_SHUT: return 0;
    case GATE_TRYING: return gate->few - gate->given;
    }
    return 0;
}

/* ---- the valve ----------------------------------------------------------------------------- */

void valve_init(struct valve *valve, const struct valve_policy *policy)
{
    *valve = (struct valve){ .policy = *policy };
    valve->gates[VALVE_BREAKER].few = VALVE_FEW;
    valve->gates[VALVE_WAIT].few = 1;
    for (int i = 0; i < VALVE_STAGES && policy->of; i++)
        valve->windows[i].failed = memory_new(policy->of, sizeof(bool));
}

void valve_fini(struct valve *valve)
{
    for (int i = 0; i < VALVE_STAGES; i++) free(valve->windows[i].failed);
}

static bool is_too_much(const struct valve *valve, uint32_t failures, uint32_t of)
{
    return (uint64_t)failures * 100 >= (uint64_t)valve->policy.share_percent * of;
}

static void trip(struct valve *valve, enum valve_stage stage, uint64_t now_ms)
{
    valve->tripped = stage;
    valve->failures = valve->windows[stage].failures;
    for (int i = 0; i < VALVE_STAGES; i++) window_clear(&valve->windows[i]);
    gate_shut(&valve->gates[VALVE_BREAKER], now_ms, valve->policy.rest_ms);
}

/* As soon as the rest of the few cannot change it. */
static void judge_trial(struct valve *valve, enum valve_stage stage, bool is_failure,
                        uint64_t now_ms)
{
    struct valve_gate *gate = &valve->gates[VALVE_BREAKER];
    if (is_failure)
        gate->failed++;
    else if (stage == valve->tripped) /* before, it says nothing */
        gate->well++;
    if (is_too_much(valve, gate->failed, gate->few))
        gate_shut(gate, now_ms, valve->policy.rest_ms);
    else if (!is_too_much(valve, gate->few - gate->well, gate->few))
        gate_open(gate);
}

static void judge(struct valve *valve, enum valve_stage stage, bool is_failure, uint64_t now_ms)
{
    struct valve_window *window = &valve->windows[stage];
    window_add(window, valve->policy.of, is_failure);
    if (window->n == valve->policy.of && is_too_much(valve, window->failures, window->n))
        trip(valve, stage, now_ms);
}

void valve_note(struct valve *valve, enum valve_stage stage, bool is_failure, uint64_t now_ms)
{
    struct valve_gate *wait = &valve->gates[VALVE_WAIT];
    if (stage == VALVE_HANDLED && wait->state == GATE_TRYING) {
        gate_open(wait);
        valve->waits = 0;
    }
    if (!valve->policy.of) return;
    switch (valve->gates[VALVE_BREAKER].state) {
    case GATE_OPEN: judge(valve, stage, is_failure, now_ms); break;
    case GATE_SHUT: break; /* begun before */
    case GATE_TRYING: judge_trial(valve, stage, is_failure, now_ms); break;
    }
}

/* The slot of a trial is free again: nothing was tried with it. */
static void take_back(struct valve_gate *gate)
{
    if (gate->state == GATE_TRYING && gate->given) gate->given--;
}

void valve_wait(struct valve *valve, uint64_t now_ms)
{
    struct valve_gate *wait = &valve->gates[VALVE_WAIT];
    take_back(&valve->gates[VALVE_BREAKER]);
    if (wait->state != GATE_SHUT) gate_shut(wait, now_ms, retry_wait_ms(++valve->waits));
}

bool valve_has_tripped(const struct valve *valve)
{
    return valve->gates[VALVE_BREAKER].state == GATE_SHUT;
}

uint32_t valve_allows(struct valve *valve, uint64_t now_ms)
{
    const uint32_t a = gate_allows(&valve->gates[VALVE_BREAKER], now_ms);
    const uint32_t b = gate_allows(&valve->gates[VALVE_WAIT], now_ms);
    return a < b ? a : b;
}

void valve_gave(struct valve *valve, uint32_t n)
{
    for (int i = 0; i < VALVE_REASONS; i++)
        if (valve->gates[i].state == GATE_TRYING) valve->gates[i].given += n;
}

void valve_took_back(struct valve *valve)
{
    for (int i = 0; i < VALVE_REASONS; i++) take_back(&valve->gates[i]);
}

void valve_forget(struct valve *valve)
{
    for (int i = 0; i < VALVE_REASONS; i++)
        if (valve->gates[i].state == GATE_TRYING) gate_try(&valve->gates[i]);
}

uint64_t valve_due_ms(const struct valve *valve)
{
    uint64_t due_ms = 0; /* the later: before it nothing is allowed */
    for (int i = 0; i < VALVE_REASONS; i++) {
        const struct valve_gate *gate = &valve->gates[i];
        if (gate->state == GATE_SHUT && gate->due_ms > due_ms) due_ms = gate->due_ms;
    }
    return due_ms;
}

bool valve_is_open(const struct valve *valve, enum valve_reason reason)
{
    return valve->gates[reason].state == GATE_OPEN;
}

const char *valve_breaker_name(const struct valve *valve)
{
    static const char *const names[] = {
        [GATE_OPEN] = "closed",
        [GATE_SHUT] = "open",
        [GATE_TRYING] = "half-open",
    };
    return valve->policy.of ? names[valve->gates[VALVE_BREAKER].state] : "";
}

bool valve_is_paused(const struct valve *valve, enum valve_reason reason)
{
    const struct valve_gate *gate = &valve->gates[reason];
    return gate->state == GATE_SHUT || (gate->state == GATE_TRYING && gate->given);
}

uint64_t valve_paused_since_ms(const struct valve *valve)
{
    uint64_t since_ms = 0;
    for (int i = 0; i < VALVE_REASONS; i++) {
        const struct valve_gate *gate = &valve->gates[i];
        if (valve_is_paused(valve, (enum valve_reason)i) &&
            (!since_ms || gate->since_ms < since_ms))
            since_ms = gate->since_ms;
    }
    return since_ms;
}
