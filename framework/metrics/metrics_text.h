/* SPDX-License-Identifier: Apache-2.0
 *
 * Text that grows: what a page is written into. Zeroed is empty and valid; not NUL-terminated. */
#ifndef METRICS_METRICS_TEXT_H
#define METRICS_METRICS_TEXT_H

#include <stddef.h>

#include "base/status.h"

struct metrics_text {
    char *at; /* NULL while empty */
    size_t len, capacity;
};

void metrics_text_fini(struct metrics_text *text);               /* leaves it empty and valid */
char *metrics_text_grow(struct metrics_text *text, size_t more); /* metrics_text_room's */

/* Where `more` bytes may be written behind the text; `len` is then the writer's to raise. */
static inline char *metrics_text_room(struct metrics_text *text, size_t more)
{
    if (!text->at || text->capacity - text->len < more) return metrics_text_grow(text, more);
    return text->at + text->len;
}

void metrics_text_add(struct metrics_text *text, const char *at, size_t len);
void metrics_text_put(struct metrics_text *text, const char *cstr);
void metrics_text_format(struct metrics_text *text, const char *format, ...) PRINTF_LIKE(2, 3);

#endif
