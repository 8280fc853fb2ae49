/* SPDX-License-Identifier: Apache-2.0
 *
 * The grammar beneath json.h, for json.c alone: it checks bytes and finds where a value ends. There
 * is no second, trusting scanner: what was checked is scanned again by the same functions, which
 * then cannot fail. All take where a thing begins and give what follows it, or NULL with the fault
 * noted in json->why. */
#ifndef BASE_JSON_SCAN_H
#define BASE_JSON_SCAN_H

#include "base/check.h"
#include "base/json.h"

static inline bool json_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static inline const char *json_skip_space(const struct json *json, const char *p)
{
    if (LIKELY(p < json->end && (unsigned char)*p > ' ')) return p; /* as programs write it */
    while (p < json->end && (*p == ' ' || *p == '\n' || *p == '\r' || *p == '\t')) p++;
    return p;
}

/* What was scanned last, from `at` to `end`. */
static inline struct json_value json_span(const struct json *json, const char *at, const char *end)
{
    return (struct json_value){ .at = (uint32_t)(at - json->begin),
                                .len = (uint32_t)(end - at),
                                .special = json->special };
}

/* Of a name: most that differ have another. */
static inline uint8_t json_tag(const char *name, size_t len)
{
    if (len == 0) return 0;
    return (uint8_t)(len + 3u * (unsigned char)name[0] + 5u * (unsigned char)name[len - 1]);
}

/* An array or object that is entered, or the document; its fields will come after `first` of others. */
static inline struct json_frame json_frame_of(struct json_value self, uint32_t first)
{
    const uint32_t left = JSON_INDEX_FIELDS - first;
    return (struct json_frame){ .self = self,
                                .first = first,
                                .most = left < JSON_FRAME_FIELDS ? left : JSON_FRAME_FIELDS };
}

/* The whole document into the first frame, its fields into the index. */
const char *json_scan_document(struct json *json, struct wr_text document);
const char *json_scan_value(struct json *json, const char *p);
/* An array or object, whose fields are indexed for `into` unless that is NULL. */
const char *json_scan_container(struct json *json, const char *p, struct json_frame *into);
/* A field's name and its colon. */
const char *json_scan_name(struct json *json, const char *p, struct json_value *name);

/* Checked text without its quotes, its escapes resolved; it never grows by that. */
struct wr_text json_decode(struct wr_text source, struct arena *arena);
bool json_is_decoded(struct wr_text source, const char *name, size_t len);

#endif
