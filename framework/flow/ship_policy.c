/* SPDX-License-Identifier: Apache-2.0
 *
 * After an answer of the store; see ship_policy.h. */
#include "flow/ship_policy.h"

#define AGAIN_FIRST_MS 50u
#define AGAIN_MOST_MS 5000u

static uint32_t again_ms(uint32_t failures)
{
    uint32_t ms = AGAIN_FIRST_MS;
    while (failures-- > 1 && ms < AGAIN_MOST_MS) ms *= 2;
    return ms < AGAIN_MOST_MS ? ms : AGAIN_MOST_MS;
}

struct ship_choice ship_choose(enum fault_class fault, uint32_t messages, uint32_t failures,
                               bool is_well)
{
    const bool is_alone = messages == 1;
    switch (fault) {
    case FAULT_NONE: return (struct ship_choice){ SHIP_STORED, 0 };
    case FAULT_DATA: return (struct ship_choice){ is_alone ? SHIP_BURY : SHIP_SPLIT, 0 };
    case FAULT_PARENT: return (struct ship_choice){ is_alone ? SHIP_SPEND : SHIP_SPLIT, 0 };
    case FAULT_MOVED: return (struct ship_choice){ SHIP_REDO, 0 };
    case FAULT_DEPLOYMENT: return (struct ship_choice){ SHIP_HOLD, 0 };
    case FAULT_SERVER: return (struct ship_choice){ SHIP_AGAIN, again_ms(failures) };
    case FAULT_TRANSIENT: break;
    }
    if (is_well && failures >= SHIP_PATIENCE)
        return (struct ship_choice){ is_alone ? SHIP_SPEND : SHIP_SPLIT, 0 };
    return (struct ship_choice){ SHIP_AGAIN, again_ms(failures) };
}
