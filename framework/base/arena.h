/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that dies together. An arena starts in a buffer its owner embeds, takes heap blocks when
 * that is full, and gives all of them back at once. Not for sharing between threads at one time. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/check.h"
#include "base/text.h"

struct arena_block;

struct arena {
    char *at, *end;             /* free part of the current block */
    char *first, *first_end;    /* the embedded buffer */
    struct arena_block *blocks; /* heap blocks, newest first; NULL: none */
    size_t heap_bytes;          /* in those blocks */
};

void arena_init(struct arena *arena, void *buffer, size_t bytes);
void arena_reset(struct arena *arena); /* everything taken is gone; heap blocks are freed */

/* A moment of an arena: what was taken since goes when it is rewound to. */
struct arena_mark {
    char *at, *end;
    struct arena_block *blocks;
    size_t heap_bytes;
};
struct arena_mark arena_mark(const struct arena *arena);
void arena_rewind(struct arena *arena, const struct arena_mark *mark);

/* Aligned for any type; never NULL (see memory_new). */
void *arena_take(struct arena *arena, size_t bytes) __attribute__((returns_nonnull));
/* Without alignment, for bytes of text. */
char *arena_take_bytes_anyhow(struct arena *arena, size_t bytes) __attribute__((returns_nonnull));
static inline char *arena_take_bytes(struct arena *arena, size_t bytes)
{
    if (UNLIKELY(bytes == 0 || bytes > (size_t)(arena->end - arena->at)))
        return arena_take_bytes_anyhow(arena, bytes);
    arena->end -= bytes;
    return arena->end;
}
struct wr_text arena_copy(struct arena *arena, struct wr_text text);

#endif
