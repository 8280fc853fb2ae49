/* SPDX-License-Identifier: Apache-2.0
 *
 * Arenas: alignment, no overlap, the embedded buffer first, everything given back. */
#include "base/arena.h"

#include <criterion/criterion.h>
#include <malloc.h>
#include <stdalign.h>

static bool is_aligned(const void *at)
{
    return (uintptr_t)at % alignof(max_align_t) == 0;
}

static bool is_inside(const void *at, const char *buffer, size_t bytes)
{
    return (const char *)at >= buffer && (const char *)at < buffer + bytes;
}

Test(arena, starts_in_the_embedded_buffer)
{
    alignas(max_align_t) char buffer[128];
    struct arena arena;
    arena_init(&arena, buffer, sizeof buffer);
    cr_assert(is_inside(arena_take(&arena, 64), buffer, sizeof buffer));
    cr_assert(is_inside(arena_take_bytes(&arena, 64), buffer, sizeof buffer));
    cr_assert_eq(arena.heap_bytes, 0, "text pads nothing: all 128 bytes were there to take");
    cr_assert_not(is_inside(arena_take(&arena, 1), buffer, sizeof buffer));
    cr_assert_gt(arena.heap_bytes, 0);
    arena_reset(&arena);
    cr_assert_eq(arena.heap_bytes, 0);
    cr_assert(is_inside(arena_take(&arena, 64), buffer, sizeof buffer));
    arena_reset(&arena);
}

Test(arena, takes_do_not_overlap)
{
    enum { TAKES = 3000 };
    static struct {
        unsigned char *at;
        size_t bytes;
    } taken[TAKES];
    char buffer[100];
    struct arena arena;
    arena_init(&arena, buffer, sizeof buffer);
    for (size_t i = 0; i < TAKES; i++) {
        const size_t bytes = i % 97 == 0 ? 20000 : i % 61;
        void *at = i % 3 ? arena_take_bytes(&arena, bytes) : arena_take(&arena, bytes);
        cr_assert(i % 3 || is_aligned(at), "take %zu of %zu bytes at %p", i, bytes, at);
        taken[i].at = at;
        taken[i].bytes = bytes;
        memset(at, (int)(i % 251), bytes);
    }
    for (size_t i = 0; i < TAKES; i++)
        for (size_t b = 0; b < taken[i].bytes; b++)
            cr_assert_eq(taken[i].at[b], i % 251, "take %zu was written over", i);
    arena_reset(&arena);
}

Test(arena, works_without_a_buffer)
{
    struct arena arena;
    arena_init(&arena, NULL, 0);
    cr_assert_not_null(arena_take(&arena, 0));
    cr_assert_not_null(arena_take_bytes(&arena, 0));
    arena_reset(&arena);
    cr_assert_not_null(arena_take_bytes(&arena, 10));
    arena_reset(&arena);
}

Test(arena, what_is_large_leaves_the_block_in_use)
{
    struct arena arena;
    arena_init(&arena, NULL, 0);
    arena_take(&arena, 16);
    const size_t small_bytes = arena.heap_bytes;
    memset(arena_take_bytes(&arena, 100000), 1, 100000);
    const size_t both_bytes = arena.heap_bytes;
    cr_assert_eq(both_bytes, small_bytes + 100000, "a block of its own, no larger than asked");
    arena_take(&arena, 1000);
    cr_assert_eq(arena.heap_bytes, both_bytes);
    arena_reset(&arena);
}

Test(arena, blocks_grow)
{
    struct arena arena;
    size_t blocks = 0, before = 0;
    arena_init(&arena, NULL, 0);
    for (int i = 0; i < 100000; i++) {
        arena_take(&arena, 16);
        blocks += arena.heap_bytes != before;
        before = arena.heap_bytes;
    }
    cr_assert_lt(blocks, 40, "%zu blocks for 1.6 MB", blocks);
    arena_reset(&arena);
}

/* Both are 0 under the sanitizers, whose heap is another. */
static size_t heap_bytes_in_use(void)
{
    const struct mallinfo2 heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;
}

Test(arena, gives_everything_back)
{
    struct arena arena;
    arena_init(&arena, NULL, 0);
    const size_t before = heap_bytes_in_use();
    for (size_t bytes = 1; bytes < 300000; bytes *= 2) arena_take(&arena, bytes);
    arena_reset(&arena);
    cr_assert_eq(heap_bytes_in_use(), before);
}

Test(arena, copies_text)
{
    char buffer[16], word[] = "hello";
    struct arena arena;
    arena_init(&arena, buffer, sizeof buffer);
    const struct wr_text copy = arena_copy(&arena, text_of(word));
    word[0] = 'j';
    cr_assert(text_is(copy, "hello"));
    const struct wr_text empty = arena_copy(&arena, text_of(""));
    cr_assert(empty.at && empty.len == 0);
    arena_reset(&arena);
}

Test(arena, rewinds_to_a_mark_and_keeps_what_was_before_it)
{
    char buffer[64];
    struct arena arena;
    arena_init(&arena, buffer, sizeof buffer);
    const struct wr_text kept = arena_copy(&arena, text_of("kept"));
    (void)arena_take(&arena, 3000); /* a heap block before the mark stays */
    const struct arena_mark mark = arena_mark(&arena);
    const size_t heap_bytes = arena.heap_bytes;
    for (int i = 0; i < 100; i++) {
        (void)arena_take(&arena, 1000);
        (void)arena_copy(&arena, text_of("gone"));
        arena_rewind(&arena, &mark);
    }
    cr_assert(text_is(kept, "kept"));
    cr_assert(arena.heap_bytes == heap_bytes);
    arena_reset(&arena);
}
