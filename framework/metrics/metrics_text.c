/* SPDX-License-Identifier: Apache-2.0
 *
 * Text that grows by doubling; see metrics_text.h. */
#include "metrics/metrics_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

#define FIRST_BYTES ((size_t)1024)

void metrics_text_fini(struct metrics_text *text)
{
    free(text->at);
    *text = (struct metrics_text){ NULL, 0, 0 };
}

char *metrics_text_grow(struct metrics_text *text, size_t more)
{
    size_t capacity = text->capacity ? text->capacity : FIRST_BYTES;
    while (capacity - text->len < more) capacity *= 2;
    text->at = memory_grow(text->at, capacity, 1);
    text->capacity = capacity;
    return text->at + text->len;
}

void metrics_text_add(struct metrics_text *text, const char *at, size_t len)
{
    if (!len) return;
    memcpy(metrics_text_room(text, len), at, len);
    text->len += len;
}

void metrics_text_put(struct metrics_text *text, const char *cstr)
{
    metrics_text_add(text, cstr, strlen(cstr));
}

void metrics_text_format(struct metrics_text *text, const char *format, ...)
{
    char line[256];
    va_list args;
    va_start(args, format);
    const int length = vsnprintf(line, sizeof line, format, args);
    va_end(args);
    CHECK(length >= 0);
    if ((size_t)length < sizeof line) {
        metrics_text_add(text, line, (size_t)length);
        return;
    }
    char *const at = metrics_text_room(text, (size_t)length + 1);
    va_start(args, format);
    vsnprintf(at, (size_t)length + 1, format, args);
    va_end(args);
    text->len += (size_t)length;
}
