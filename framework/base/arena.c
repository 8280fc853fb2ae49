/* SPDX-License-Identifier: Apache-2.0
 *
 * Arenas; see arena.h. Aligned memory is taken from the front of a block and text from its back, so
 * that neither pads the other. A request larger than a block gets one of its own, and the block at
 * hand stays in use. */
#include "base/arena.h"

#include <stdalign.h>
#include <stdlib.h>

#include "base/check.h"

enum { BLOCK_BYTES_FIRST = 2048, BLOCK_BYTES_MOST = 65536 };

struct arena_block {
    struct arena_block *next;
    alignas(max_align_t) char bytes[];
};

static char *align_up(char *at)
{
    const uintptr_t over = (uintptr_t)at % alignof(max_align_t);
    return over ? at + (alignof(max_align_t) - over) : at;
}

void arena_init(struct arena *arena, void *buffer, size_t bytes)
{
    arena->first = arena->first_end = buffer;
    if (bytes > 0) arena->first_end += bytes;
    arena->blocks = NULL;
    arena_reset(arena);
}

static void free_blocks_until(struct arena *arena, const struct arena_block *kept)
{
    while (arena->blocks != kept) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        free(block);
    }
}

void arena_reset(struct arena *arena)
{
    free_blocks_until(arena, NULL);
    arena->heap_bytes = 0;
    arena->at = arena->first;
    arena->end = arena->first_end;
}

struct arena_mark arena_mark(const struct arena *arena)
{
    return (struct arena_mark){ arena->at, arena->end, arena->blocks, arena->heap_bytes };
}

void arena_rewind(struct arena *arena, const struct arena_mark *mark)
{
    free_blocks_until(arena, mark->blocks);
    arena->heap_bytes = mark->heap_bytes;
    arena->at = mark->at;
    arena->end = mark->end;
}

static char *add_block(struct arena *arena, size_t bytes)
{
    CHECK(bytes < SIZE_MAX / 2);
    struct arena_block *block = memory_grow(NULL, 1, sizeof *block + bytes);
    block->next = arena->blocks;
    arena->blocks = block;
    arena->heap_bytes += bytes;
    return block->bytes;
}

/* Blocks double in total, within bounds: few for small arenas, none too large. */
static size_t next_block_bytes(const struct arena *arena)
{
    const size_t wanted = arena->heap_bytes + BLOCK_BYTES_FIRST;
    return wanted < BLOCK_BYTES_MOST ? wanted : BLOCK_BYTES_MOST;
}

/* NULL where the block now at hand serves the request. */
static char *own_or_new_block(struct arena *arena, size_t bytes)
{
    const size_t block_bytes = next_block_bytes(arena);
    if (bytes > block_bytes / 4) return add_block(arena, bytes);
    arena->at = add_block(arena, block_bytes);
    arena->end = arena->at + block_bytes;
    return NULL;
}

void *arena_take(struct arena *arena, size_t bytes)
{
    if (bytes == 0) bytes = 1; /* so that what is taken differs and is never NULL */
    char *at = align_up(arena->at);
    if (at > arena->end || bytes > (size_t)(arena->end - at)) {
        char *own = own_or_new_block(arena, bytes);
        if (own) return own;
        at = arena->at;
    }
    arena->at = at + bytes;
    return at;
}

char *arena_take_bytes_anyhow(struct arena *arena, size_t bytes)
{
    if (bytes == 0) bytes = 1;
    if (bytes > (size_t)(arena->end - arena->at)) {
        char *own = own_or_new_block(arena, bytes);
        if (own) return own;
    }
    arena->end -= bytes;
    return arena->end;
}

struct wr_text arena_copy(struct arena *arena, struct wr_text text)
{
    if (text.len == 0) return text_of("");
    char *copy = arena_take_bytes(arena, text.len);
    memcpy(copy, text.at, text.len);
    return text_from(copy, text.len);
}
