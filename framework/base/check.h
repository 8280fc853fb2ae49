/* SPDX-License-Identifier: Apache-2.0
 *
 * Asserts that stay in release builds, and honest `void *`: a bug ends the process with a line that
 * names it; nothing unacknowledged is lost by that. The environment's faults are never asserted. */
#ifndef BASE_CHECK_H
#define BASE_CHECK_H

#include <stddef.h>
#include <stdint.h>

#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)

/* A bug in Warrener where this does not hold. */
#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (UNLIKELY(!(condition))) check_failed(#condition, __FILE__, __LINE__);                  \
    } while (0)

/* Structs handed through `void *` begin with `uint32_t magic`; they come back through this. */
#define CHECK_MAGIC(pointer, number) CHECK((pointer) != NULL && (pointer)->magic == (number))

_Noreturn void check_failed(const char *condition, const char *file, int line);

/* Zeroed memory. Ends the process where the system has none: the host's memory is bounded by
 * configuration, so this is the environment failing under us, and unacked messages come again. */
void *memory_new(size_t count, size_t bytes) __attribute__((malloc, returns_nonnull));
void *memory_grow(void *old, size_t count, size_t bytes) __attribute__((returns_nonnull));
char *memory_copy_text(const char *text) __attribute__((malloc, returns_nonnull));

#define NEW(type) ((type *)memory_new(1, sizeof(type)))

/* Memory that is kept for reuse and nobody's meanwhile: AddressSanitizer sees who still looks at it. */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define MEMORY_REST(at, bytes) ASAN_POISON_MEMORY_REGION(at, bytes)
#define MEMORY_WAKE(at, bytes) ASAN_UNPOISON_MEMORY_REGION(at, bytes)
#else
#define MEMORY_REST(at, bytes) ((void)(at), (void)(bytes))
#define MEMORY_WAKE(at, bytes) ((void)(at), (void)(bytes))
#endif

/* The struct that holds `member` at `pointer`. */
#define OWNER_OF(pointer, type, member)                                                            \
    ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

#endif
