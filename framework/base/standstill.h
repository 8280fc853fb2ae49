/* SPDX-License-Identifier: Apache-2.0
 *
 * Standing still: a process that was stopped, or got no time, finds its clock far ahead, and what it had
 * been waiting for lies in its sockets unread. Nobody else was slow, so whoever gives up on others after
 * a while takes off what it missed itself. Pure; asked at each tick of its owner. */
#ifndef BASE_STANDSTILL_H
#define BASE_STANDSTILL_H

#include <stdint.h>

struct standstill {
    uint64_t ticked_ms; /* 0: not yet */
};

/* How much of the time since the last tick was missed, where ticks come each `period_ms`; 0 where this
 * one is late by no more than another period. */
uint64_t standstill_tick(struct standstill *standstill, uint64_t period_ms, uint64_t now_ms);

#endif
