/* SPDX-License-Identifier: Apache-2.0
 *
 * Shares of work; see share.h. */
#include "flow/share.h"

#define DEPTH_NS 2000000u
#define PIECE_NS 50000u
#define PIECE_MOST 64

static uint64_t worth(uint64_t ns, uint64_t typical_ns)
{
    return typical_ns ? ns / typical_ns : ns;
}

uint32_t share_depth(uint64_t typical_ns, uint32_t capacity)
{
    const uint64_t depth = worth(DEPTH_NS, typical_ns);
    if (depth < 2) return 2 < capacity ? 2 : capacity;
    return depth < capacity ? (uint32_t)depth : capacity;
}

uint32_t share_piece(uint64_t typical_ns)
{
    const uint64_t piece = worth(PIECE_NS, typical_ns);
    if (piece < 1) return 1;
    return piece < PIECE_MOST ? (uint32_t)piece : PIECE_MOST;
}
