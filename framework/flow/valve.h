/* SPDX-License-Identifier: Apache-2.0
 *
 * The valve of a consumer: whether its lanes are given messages. Two things shut it: a breaker, where
 * nearly all of what was looked at last has failed, and a handler that waits (WR_WAIT). After a rest
 * it lets a few through, and opens, or shuts again, by what becomes of those. Pure: told the time. */
#ifndef FLOW_VALVE_H
#define FLOW_VALVE_H

#include <stdbool.h>
#include <stdint.h>

#define VALVE_FEW 5 /* that the breaker tries after its rest */
#define VALVE_ALL UINT32_MAX

struct valve_policy {
    uint32_t share_percent; /* of the last `of` verdicts: so many failures shut it */
    uint32_t of;            /* 0: there is no breaker */
    uint32_t rest_ms;
};

/* A message can fail at each of these; each has a window of its own, since what is well at a later one
 * is known later than what failed at an earlier one. */
enum valve_stage { VALVE_HANDLED, VALVE_STORED, VALVE_SENT, VALVE_STAGES };

enum valve_reason { VALVE_BREAKER, VALVE_WAIT, VALVE_REASONS };

struct valve_window {
    bool *failed; /* a ring of policy.of */
    uint32_t n, next, failures;
};

struct valve_gate {
    enum { GATE_OPEN, GATE_SHUT, GATE_TRYING } state;
    uint64_t since_ms; /* it shut, and did not open since */
    uint64_t due_ms;   /* SHUT: then a few are tried */
    uint32_t few;      /* of a trial */
    uint32_t given;    /* of those, to lanes */
    uint32_t well, failed;
};

struct valve {
    struct valve_policy policy;
    struct valve_window windows[VALVE_STAGES];
    struct valve_gate gates[VALVE_REASONS];
    enum valve_stage tripped; /* where the breaker's failures were */
    uint32_t failures;        /* of policy.of, when it tripped; for people */
    uint32_t waits;           /* rests for WR_WAIT in a row */
};

void valve_init(struct valve *valve, const struct valve_policy *policy);
void valve_fini(struct valve *valve);

/* A message passed a stage, or failed there. */
void valve_note(struct valve *valve, enum valve_stage stage, bool is_failure, uint64_t now_ms);
/* A handler waits for what it needs. */
void valve_wait(struct valve *valve, uint64_t now_ms);

/* Its breaker rests: a failure that comes in now was begun before, and is better handled again. */
bool valve_has_tripped(const struct valve *valve);

/* How many messages lanes may be given now, and how many were. */
uint32_t valve_allows(struct valve *valve, uint64_t now_ms);
void valve_gave(struct valve *valve, uint32_t n);
/* One came back without a verdict. */
void valve_took_back(struct valve *valve);

/* All in hand is given up: what was being tried is not answered any more. */
void valve_forget(struct valve *valve);

uint64_t valve_due_ms(const struct valve *valve); /* something may be tried; 0: nothing is shut */

bool valve_is_open(const struct valve *valve, enum valve_reason reason);
/* "closed" when work flows, as electricians and other breakers have it, "half-open", "open"; "": it is off. */
const char *valve_breaker_name(const struct valve *valve);
/* Shut, or a trial is out, for this reason. */
bool valve_is_paused(const struct valve *valve, enum valve_reason reason);
/* … and since when without having opened in between; 0 while it is not. */
uint64_t valve_paused_since_ms(const struct valve *valve);

#endif
