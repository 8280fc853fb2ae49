/* SPDX-License-Identifier: Apache-2.0
 *
 * How work is shared among lanes: fast handlers get it in large pieces, since a wake-up costs more
 * than their message; slow ones message by message, so that none waits behind another while a lane
 * is idle. Pure. */
#ifndef FLOW_SHARE_H
#define FLOW_SHARE_H

#include <stdint.h>

/* The most deliveries a lane should have at once, when one takes it `typical_ns`: two milliseconds'
 * worth, at least two, so that it need not wait for the loop between them. */
uint32_t share_depth(uint64_t typical_ns, uint32_t capacity);

/* How many go to one lane before another is looked at: fifty microseconds' worth. */
uint32_t share_piece(uint64_t typical_ns);

#endif
