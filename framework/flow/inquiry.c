/* SPDX-License-Identifier: Apache-2.0
 *
 * See inquiry.h. The choices after a failure are those for batches: what is the data's fault is narrowed
 * down, what is the server's is asked again, and what keeps failing on a server that is well is
 * suspected. */
#include "flow/inquiry.h"

#include <string.h>

#include "base/check.h"

void inquiry_init(struct inquiry *inquiry)
{
    *inquiry = (struct inquiry){ .most = INQUIRY_MOST };
    list_init(&inquiry->waiting);
}

void inquiry_add(struct inquiry *inquiry, struct asking *asking)
{
    list_append(&inquiry->waiting, &asking->link);
}

static void take_out(struct inquiry *inquiry, struct asking *asking)
{
    inquiry->asked[asking->place - 1] = NULL;
    asking->place = 0;
}

void inquiry_leave(struct inquiry *inquiry, struct asking *asking)
{
    list_remove(&asking->link);
    if (asking->place) take_out(inquiry, asking);
}

/* ---- a question ------------------------------------------------------------------------------ */

static uint32_t *slot_of(struct inquiry *inquiry, uint64_t hash)
{
    return &inquiry->slots[hash % INQUIRY_SLOTS];
}

static uint32_t *slot_after(struct inquiry *inquiry, uint32_t *slot)
{
    return ++slot == inquiry->slots + INQUIRY_SLOTS ? inquiry->slots : slot;
}

static void put(struct inquiry *inquiry, struct asking *asking)
{
    uint32_t *slot = slot_of(inquiry, asking->hash);
    inquiry->asked[inquiry->n++] = asking;
    asking->place = inquiry->n;
    while (*slot) slot = slot_after(inquiry, slot);
    *slot = asking->place;
}

bool inquiry_begin(struct inquiry *inquiry)
{
    if (inquiry->is_out || list_is_empty(&inquiry->waiting)) return false;
    memset(inquiry->slots, 0, sizeof inquiry->slots);
    inquiry->n = inquiry->passed = 0;
    for (struct list *link;
         inquiry->n < inquiry->most && (link = list_take_first(&inquiry->waiting));)
        put(inquiry, LIST_ENTRY(link, struct asking, link));
    inquiry->is_out = true;
    return true;
}

struct asking *inquiry_take(struct inquiry *inquiry, struct wr_text key)
{
    const uint64_t hash = text_hash(key);
    for (uint32_t *slot = slot_of(inquiry, hash); *slot; slot = slot_after(inquiry, slot)) {
        struct asking *asking = inquiry->asked[*slot - 1];
        if (!asking || asking->hash != hash || !text_equal(asking->key, key)) continue;
        take_out(inquiry, asking);
        return asking;
    }
    return NULL;
}

struct asking *inquiry_take_any(struct inquiry *inquiry)
{
    while (inquiry->passed < inquiry->n && !inquiry->asked[inquiry->passed]) inquiry->passed++;
    if (inquiry->passed == inquiry->n) return NULL;
    struct asking *asking = inquiry->asked[inquiry->passed];
    take_out(inquiry, asking);
    return asking;
}

/* ---- answers --------------------------------------------------------------------------------- */

void inquiry_succeed(struct inquiry *inquiry)
{
    inquiry->is_out = false;
    inquiry->failures = 0;
    inquiry->most = inquiry->most * 2 < INQUIRY_MOST ? inquiry->most * 2 : INQUIRY_MOST;
}

static void put_back(struct inquiry *inquiry)
{
    for (uint32_t i = inquiry->n; i-- > 0;) {
        struct asking *asking = inquiry->asked[i];
        if (!asking) continue;
        take_out(inquiry, asking);
        list_append(inquiry->waiting.next, &asking->link); /* to the front */
    }
}

struct ship_choice inquiry_fail(struct inquiry *inquiry, enum fault_class fault)
{
    inquiry->is_out = false;
    inquiry->failures += fault == FAULT_TRANSIENT || fault == FAULT_SERVER;
    const struct ship_choice choice = ship_choose(fault, inquiry->n, inquiry->failures, true);
    if (choice.step == SHIP_SPLIT) inquiry->most = (inquiry->n + 1) / 2;
    if (choice.step != SHIP_AGAIN && choice.step != SHIP_HOLD) inquiry->failures = 0;
    if (choice.step != SHIP_BURY && choice.step != SHIP_SPEND) put_back(inquiry);
    return choice;
}
