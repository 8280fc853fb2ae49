/* SPDX-License-Identifier: Apache-2.0
 *
 * Where bugs and an empty heap end; see check.h. Writes with write(2) only, for the heap and stdio
 * may be what is broken. */
#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static _Noreturn void die(const char *line, size_t bytes)
{
    const ssize_t written = write(STDERR_FILENO, line, bytes);
    (void)written; /* there is nobody left to tell */
    abort();
}

void check_failed(const char *condition, const char *file, int line)
{
    char text[512];
    const int length = snprintf(text, sizeof text,
                                "warrener: a bug: `%s` does not hold at %s:%d; please report it\n",
                                condition, file, line);
    die(text, length < (int)sizeof text ? (size_t)length : sizeof text - 1);
}

static _Noreturn void out_of_memory(void)
{
    static const char line[] = "warrener: the system has no memory left; ending, so that what is "
                               "unacknowledged is delivered again\n";
    die(line, sizeof line - 1);
}

void *memory_new(size_t count, size_t bytes)
{
    void *block = calloc(count, bytes);
    if (!block) out_of_memory();
    return block;
}

void *memory_grow(void *old, size_t count, size_t bytes)
{
    void *block = reallocarray(old, count, bytes);
    if (!block) out_of_memory();
    return block;
}

char *memory_copy_text(const char *text)
{
    char *copy = strdup(text);
    if (!copy) out_of_memory();
    return copy;
}
