/* SPDX-License-Identifier: Apache-2.0
 *
 * The window over delivery tags; see ledger.h. An ack always names a tag that is still out: the broker
 * answers 406 to any other, even to a multiple. */
#include "flow/ledger.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

enum slot { SLOT_OPEN, SLOT_FINISHED, SLOT_GONE };

void ledger_init(struct ledger *ledger, uint32_t prefetch)
{
    memset(ledger, 0, sizeof *ledger);
    ledger->capacity = 64;
    while (ledger->capacity < prefetch + 1u) ledger->capacity *= 2;
    ledger->slots = memory_new(ledger->capacity, sizeof *ledger->slots);
    ledger->room_waiting = ledger->capacity;
    ledger->waiting = memory_new(ledger->room_waiting, sizeof *ledger->waiting);
    ledger_begin(ledger, 0);
}

void ledger_fini(struct ledger *ledger)
{
    free(ledger->slots);
    free(ledger->waiting);
    ledger->slots = NULL;
    ledger->waiting = NULL;
}

void ledger_begin(struct ledger *ledger, uint64_t epoch)
{
    ledger->epoch = epoch;
    ledger->first = ledger->next = 1;
    ledger->open = ledger->finished = ledger->n_waiting = 0;
    ledger->still_since_ms = 0;
}

static uint8_t *slot_of(const struct ledger *ledger, uint64_t tag)
{
    return &ledger->slots[tag & (ledger->capacity - 1)];
}

static bool is_out(const struct ledger *ledger, uint64_t tag)
{
    return tag >= ledger->first && tag < ledger->next;
}

/* Single acks leave gone slots behind an open head: a byte each, until the head ends. */
static void widen(struct ledger *ledger)
{
    struct ledger wider = *ledger;
    wider.capacity *= 2;
    wider.slots = memory_new(wider.capacity, sizeof *wider.slots);
    for (uint64_t tag = ledger->first; tag < ledger->next; tag++)
        *slot_of(&wider, tag) = *slot_of(ledger, tag);
    free(ledger->slots);
    *ledger = wider;
}

bool ledger_open(struct ledger *ledger, uint64_t tag)
{
    if (tag != ledger->next) return false;
    if (ledger->next - ledger->first == ledger->capacity) widen(ledger);
    *slot_of(ledger, tag) = SLOT_OPEN;
    ledger->next++;
    ledger->open++;
    return true;
}

static bool is_waiting(const struct ledger *ledger, uint64_t tag)
{
    return is_out(ledger, tag) && *slot_of(ledger, tag) == SLOT_FINISHED;
}

/* What is finished and unacked is never more than the prefetch, so this makes room. */
static void forget_acked(struct ledger *ledger)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < ledger->n_waiting; i++)
        if (is_waiting(ledger, ledger->waiting[i])) ledger->waiting[kept++] = ledger->waiting[i];
    ledger->n_waiting = kept;
    CHECK(kept < ledger->room_waiting);
}

void ledger_finish(struct ledger *ledger, uint64_t tag)
{
    CHECK(is_out(ledger, tag) && *slot_of(ledger, tag) == SLOT_OPEN);
    *slot_of(ledger, tag) = SLOT_FINISHED;
    ledger->open--;
    ledger->finished++;
    if (ledger->n_waiting == ledger->room_waiting) forget_acked(ledger);
    ledger->waiting[ledger->n_waiting++] = tag;
}

void ledger_drop(struct ledger *ledger, uint64_t tag)
{
    CHECK(is_out(ledger, tag) && *slot_of(ledger, tag) == SLOT_OPEN);
    *slot_of(ledger, tag) = SLOT_GONE;
    ledger->open--;
}

/* Moves the window's start over what is finished or gone; one multiple ack covers it. */
static size_t collect_prefix(struct ledger *ledger, struct ledger_ack *ack)
{
    uint64_t last_finished = 0;
    uint32_t finished = 0;
    while (ledger->first < ledger->next && *slot_of(ledger, ledger->first) != SLOT_OPEN) {
        if (*slot_of(ledger, ledger->first) == SLOT_FINISHED) {
            last_finished = ledger->first;
            finished++;
        }
        ledger->first++;
        ledger->still_since_ms = 0;
    }
    if (!finished) return 0;
    ledger->finished -= finished;
    *ack = (struct ledger_ack){ .tag = last_finished, .multiple = finished > 1 };
    return 1;
}

/* Behind an open head nothing can be covered by a multiple. */
static size_t collect_singles(struct ledger *ledger, struct ledger_ack *acks, size_t room)
{
    size_t n = 0;
    uint32_t looked_at = 0;
    for (; looked_at < ledger->n_waiting && n < room; looked_at++) {
        const uint64_t tag = ledger->waiting[looked_at];
        if (!is_waiting(ledger, tag)) continue;
        *slot_of(ledger, tag) = SLOT_GONE;
        ledger->finished--;
        acks[n++] = (struct ledger_ack){ .tag = tag, .multiple = false };
    }
    ledger->n_waiting -= looked_at;
    memmove(ledger->waiting, ledger->waiting + looked_at,
            ledger->n_waiting * sizeof *ledger->waiting);
    return n;
}

size_t ledger_collect(struct ledger *ledger, uint64_t now_ms, uint32_t grace_ms,
                      struct ledger_ack *acks, size_t room)
{
    if (!room) return 0;
    size_t n = collect_prefix(ledger, acks);
    if (!ledger->finished) {
        ledger->n_waiting = 0;
        return n;
    }
    if (!ledger->still_since_ms) ledger->still_since_ms = now_ms;
    if (now_ms - ledger->still_since_ms < grace_ms) return n;
    return n + collect_singles(ledger, acks + n, room - n);
}

uint64_t ledger_due_ms(const struct ledger *ledger, uint32_t grace_ms)
{
    if (!ledger->finished || !ledger->still_since_ms) return 0;
    return ledger->still_since_ms + grace_ms;
}
