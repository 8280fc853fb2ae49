/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding and taking values in a checked document; see json.h. Checking indexes the document's own
 * fields in the same pass; an object that is entered is indexed when it is first asked for a field. */
#include "base/json.h"

#include <endian.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/json_scan.h"

#define DIGITS_SAFE 18 /* so many never leave int64 */
#define DIGITS_MAX 800 /* more than decide how a double is rounded (767) */

enum json_fault json_open(struct json *json, struct wr_text document)
{
    json->begin = document.at;
    json->end = document.at + document.len;
    json->depth = json->level = 0;
    json->special = false;
    json->why = NULL;
    json->asked = json->got = JSON_IS_NOTHING;
    json->is_valid = json_scan_document(json, document) != NULL;
    return json->is_valid ? JSON_OK : JSON_NOT_JSON;
}

/* ---- finding: from here on the bytes are known to be good ------------------------------------ */

static const char *value_end(struct json *json, const char *value)
{
    const char *end = json_scan_value(json, value);
    CHECK(end != NULL);
    return end;
}

static inline void measure(struct json *json, struct json_value *value)
{
    const char *at = json->begin + value->at;
    if (UNLIKELY(value->len == 0)) *value = json_span(json, at, value_end(json, at));
}

static struct wr_text source_of(const struct json *json, struct json_value value)
{
    return (struct wr_text){ json->begin + value.at, value.len };
}

static const char *first_entry(const struct json *json, const char *container)
{
    const char *p = json_skip_space(json, container + 1);
    return *p == ']' || *p == '}' ? NULL : p;
}

/* The entry after the value that ends at p; NULL: that was the last. */
static const char *next_entry(const struct json *json, const char *p)
{
    p = json_skip_space(json, p);
    return *p == ',' ? json_skip_space(json, p + 1) : NULL;
}

static inline bool is_name(const struct json *json, struct json_value name, const char *wanted,
                           size_t len)
{
    struct wr_text source = source_of(json, name);
    if (UNLIKELY(name.special)) return json_is_decoded(source, wanted, len);
    return source.len == len && memcmp(source.at, wanted, len) == 0;
}

/* Among the fields from the entry at p (NULL: none) to the object's end; `found` is left alone where
 * there is none. */
static bool find_scanning(struct json *json, const char *p, const char *name, size_t len,
                          struct json_value *found)
{
    while (p) {
        struct json_value named = { 0 };
        const char *value = json_scan_name(json, p, &named);
        if (is_name(json, named, name, len)) {
            *found = (struct json_value){ .at = (uint32_t)(value - json->begin) };
            return true;
        }
        p = next_entry(json, value_end(json, value));
    }
    return false;
}

static inline const struct json_value *
find_in_index(const struct json *json, const struct json_frame *frame, const char *name, size_t len)
{
    const uint64_t ones = 0x0101010101010101u, tags = json_tag(name, len) * ones;
    for (uint32_t i = frame->first; i < frame->first + frame->n; i += 8) {
        uint64_t eight, marks;
        memcpy(&eight, json->tags + i, 8);
        eight = le64toh(eight) ^ tags;
        /* Of each byte that is 0 now, and perhaps of some above it: the names decide. */
        marks = (eight - ones) & ~eight & (ones << 7);
        for (; marks; marks &= marks - 1) {
            const uint32_t k = i + (uint32_t)__builtin_ctzll(marks) / 8;
            const struct json_field *field = &json->index[k];
            if (k < frame->first + frame->n && field->name.len == len &&
                text_bytes_equal(json->begin + field->name.at, name, len))
                return &field->value;
        }
    }
    return NULL;
}

static bool find_in_frame(struct json *json, struct json_frame *frame, const char *name, size_t len,
                          struct json_value *found)
{
    if (!frame->is_indexed) {
        const char *at = json->begin + frame->self.at;
        frame->self = json_span(json, at, json_scan_container(json, at, frame));
        frame->is_indexed = true;
    }
    const struct json_value *indexed = find_in_index(json, frame, name, len);
    if (indexed) *found = *indexed;
    const char *rest = frame->rest_at ? json->begin + frame->rest_at : NULL;
    return indexed || find_scanning(json, rest, name, len, found);
}

static bool find_element(struct json *json, const char *array, const char *digits, size_t len,
                         struct json_value *found)
{
    if (len == 0 || len > 10 || (len > 1 && digits[0] == '0')) return false;
    uint64_t i = 0;
    for (size_t k = 0; k < len; k++) {
        if (!json_is_digit(digits[k])) return false;
        i = i * 10 + (uint64_t)(digits[k] - '0');
    }
    const char *p = first_entry(json, array);
    while (p && i-- > 0) p = next_entry(json, value_end(json, p));
    if (!p) return false;
    *found = (struct json_value){ .at = (uint32_t)(p - json->begin) };
    return true;
}

/* One step of a path: the field or element called `name`; `frame` is NULL below the current value. */
static bool find_step(struct json *json, struct json_frame *frame, struct json_value *value,
                      const char *name, size_t len)
{
    const char *at = json->begin + value->at;
    if (*at == '[') return find_element(json, at, name, len, value);
    if (*at != '{') return false;
    if (frame) return find_in_frame(json, frame, name, len, value);
    return find_scanning(json, first_entry(json, at), name, len, value);
}

static enum json_fault find_by_path(struct json *json, struct json_frame *frame, const char *field,
                                    size_t len, struct json_value *value)
{
    *value = frame->self;
    if (len == 0) return JSON_OK;
    while (!find_step(json, frame, value, field, len)) {
        const char *dot = memchr(field, '.', len);
        if (!dot || !find_step(json, frame, value, field, (size_t)(dot - field)))
            return JSON_MISSING;
        frame = NULL;
        len -= (size_t)(dot + 1 - field);
        field = dot + 1;
    }
    return JSON_OK;
}

/* Nearly always a field of the current value. */
static enum json_fault find(struct json *json, const char *field, struct json_value *value)
{
    if (UNLIKELY(!json->is_valid)) return JSON_NOT_JSON;
    struct json_frame *frame = &json->frames[json->level];
    const size_t len = strlen(field);
    if (LIKELY(frame->is_indexed && len > 0)) {
        const struct json_value *found = find_in_index(json, frame, field, len);
        if (found) {
            *value = *found;
            return JSON_OK;
        }
        if (!frame->rest_at && !memchr(field, '.', len)) return JSON_MISSING;
    }
    return find_by_path(json, frame, field, len, value);
}

static inline enum json_kind kind_of(struct json *json, struct json_value *value)
{
    static const uint8_t kinds[256] = {
        ['n'] = JSON_IS_NULL, ['t'] = JSON_IS_BOOL,  ['f'] = JSON_IS_BOOL,
        ['"'] = JSON_IS_TEXT, ['['] = JSON_IS_ARRAY, ['{'] = JSON_IS_OBJECT,
    };
    const uint8_t kind = kinds[(unsigned char)json->begin[value->at]];
    if (kind) return kind;
    measure(json, value);
    return value->special ? JSON_IS_FLOAT : JSON_IS_INT;
}

/* ---- taking ------------------------------------------------------------------------------- */

static inline enum json_fault find_as(struct json *json, const char *field, enum json_kind asked,
                                      struct json_value *value)
{
    enum json_fault fault = find(json, field, value);
    if (UNLIKELY(fault != JSON_OK)) return fault;
    enum json_kind got = kind_of(json, value);
    if (LIKELY(got == asked)) return JSON_OK;
    json->asked = asked;
    json->got = got;
    if ((got == JSON_IS_INT && asked == JSON_IS_FLOAT) ||
        (got == JSON_IS_OBJECT && asked == JSON_IS_ARRAY))
        return JSON_OK;
    return got == JSON_IS_NULL ? JSON_UNSET : JSON_WRONG_KIND;
}

enum json_fault json_text(struct json *json, const char *field, struct arena *arena,
                          struct wr_text *text)
{
    *text = (struct wr_text){ "", 0 };
    struct json_value value;
    enum json_fault fault = find_as(json, field, JSON_IS_TEXT, &value);
    if (fault != JSON_OK) return fault;
    measure(json, &value);
    *text = (struct wr_text){ json->begin + value.at + 1, value.len - 2u };
    if (!value.special) return JSON_OK;
    *text = json_decode(*text, arena);
    return memchr(text->at, '\0', text->len) ? JSON_HOLDS_NUL : JSON_OK;
}

enum json_fault json_int(struct json *json, const char *field, int64_t *number)
{
    *number = 0;
    struct json_value value;
    enum json_fault fault = find_as(json, field, JSON_IS_INT, &value);
    if (fault != JSON_OK) return fault;
    const char *p = json->begin + value.at, *end = p + value.len;
    bool is_negative = *p == '-';
    uint64_t sum = 0, limit = (uint64_t)INT64_MAX + is_negative;
    p += is_negative;
    if (LIKELY(end - p <= DIGITS_SAFE)) {
        for (; p < end; p++) sum = sum * 10 + (uint64_t)(*p - '0');
    }
    for (; p < end; p++)
        if (__builtin_mul_overflow(sum, 10u, &sum) ||
            __builtin_add_overflow(sum, (uint64_t)(*p - '0'), &sum) || sum > limit)
            return JSON_OUT_OF_RANGE;
    *number = (int64_t)(is_negative ? 0 - sum : sum);
    return JSON_OK;
}

/* The nearest double, or infinity. The digits go to strtod as DIGITSeEXPONENT: without a point in
 * it, no locale can change what it reads. Digits past those that can decide become a last 1. */
static double nearest_double(const char *p, const char *end)
{
    char digits[DIGITS_MAX + 32];
    size_t n = 0;
    int64_t shift = 0, exponent = 0;
    bool is_negative = *p == '-', is_past_point = false, is_cut = false;
    for (p += is_negative; p < end && (*p | 0x20) != 'e'; p++) {
        if (*p == '.') {
            is_past_point = true;
        } else if (n == DIGITS_MAX) {
            is_cut |= *p != '0';
            shift += !is_past_point;
        } else {
            shift -= is_past_point;
            if (n > 0 || *p != '0') digits[n++] = *p;
        }
    }
    if (n == 0) digits[n++] = '0';
    if (is_cut) {
        digits[n++] = '1';
        shift--;
    }
    bool is_below = end - p > 1 && p[1] == '-';
    for (; p < end; p++) /* beyond any document's digits it makes no difference */
        if (json_is_digit(*p) && exponent < INT64_C(1) << 40) exponent = exponent * 10 + (*p - '0');
    shift += is_below ? -exponent : exponent;
    snprintf(digits + n, sizeof digits - n, "e%" PRId64, shift);
    double nearest = strtod(digits, NULL);
    return is_negative ? -nearest : nearest;
}

enum json_fault json_float(struct json *json, const char *field, double *number)
{
    *number = 0;
    struct json_value value;
    enum json_fault fault = find_as(json, field, JSON_IS_FLOAT, &value);
    if (fault != JSON_OK) return fault;
    const char *at = json->begin + value.at;
    double nearest = nearest_double(at, at + value.len);
    if (isinf(nearest)) return JSON_OUT_OF_RANGE;
    *number = nearest;
    return JSON_OK;
}

enum json_fault json_bool(struct json *json, const char *field, bool *is_true)
{
    struct json_value value;
    enum json_fault fault = find_as(json, field, JSON_IS_BOOL, &value);
    *is_true = fault == JSON_OK && json->begin[value.at] == 't';
    return fault;
}

enum json_fault json_raw(struct json *json, const char *field, struct wr_text *source)
{
    *source = (struct wr_text){ "", 0 };
    struct json_value value;
    enum json_fault fault = find(json, field, &value);
    if (fault != JSON_OK) return fault;
    measure(json, &value);
    *source = source_of(json, value);
    return JSON_OK;
}

enum json_kind json_kind(struct json *json, const char *field)
{
    struct json_value value;
    return find(json, field, &value) == JSON_OK ? kind_of(json, &value) : JSON_IS_NOTHING;
}

bool json_has(struct json *json, const char *field)
{
    struct json_value value;
    return find(json, field, &value) == JSON_OK && json->begin[value.at] != 'n';
}

/* ---- walking ------------------------------------------------------------------------------ */

/* The value of the entry at p; in an object its name is noted. */
static const char *entry_value(struct json *json, bool is_object, const char *p,
                               struct json_value *name)
{
    return is_object ? json_scan_name(json, p, name) : p;
}

enum json_fault json_count(struct json *json, const char *field, size_t *entries)
{
    *entries = 0;
    struct json_value container, name;
    enum json_fault fault = find_as(json, field, JSON_IS_ARRAY, &container);
    if (fault != JSON_OK) return fault;
    const char *at = json->begin + container.at;
    for (const char *p = first_entry(json, at); p; ++*entries)
        p = next_entry(json, value_end(json, entry_value(json, *at == '{', p, &name)));
    return JSON_OK;
}

enum json_fault json_enter(struct json *json, const char *field, size_t i, struct arena *arena,
                           struct wr_text *key)
{
    if (key) *key = (struct wr_text){ "", 0 };
    struct json_value container, name = { 0 };
    enum json_fault fault = find_as(json, field, JSON_IS_ARRAY, &container);
    if (fault != JSON_OK) return fault;
    struct json_frame *from = &json->frames[json->level];
    const char *at = json->begin + container.at, *p = first_entry(json, at), *end = NULL;
    bool is_object = *at == '{';
    size_t k = 0;
    if (from->entry_at != 0 && from->walked_at == container.at && from->walked_i <= i) {
        k = from->walked_i;
        p = json->begin + from->entry_at;
        if (from->entry_end != 0) end = json->begin + from->entry_end;
    }
    for (; p && k < i; k++, end = NULL)
        p = next_entry(json, end ? end : value_end(json, entry_value(json, is_object, p, &name)));
    if (!p) return JSON_PAST_END;
    from->walked_at = container.at;
    from->walked_i = (uint32_t)k;
    from->entry_at = (uint32_t)(p - json->begin);
    from->entry_end = end ? (uint32_t)(end - json->begin) : 0;
    p = entry_value(json, is_object, p, &name);
    if (key && is_object)
        *key = name.special ? json_decode(source_of(json, name), arena) : source_of(json, name);
    CHECK(json->level < JSON_DEPTH_MAX); /* an entry lies deeper than its container */
    json->level++;
    from[1] = json_frame_of((struct json_value){ .at = (uint32_t)(p - json->begin) },
                            from->first + from->n);
    return JSON_OK;
}

bool json_leave(struct json *json)
{
    if (!json->is_valid || json->level == 0) return false;
    const struct json_value *left = &json->frames[json->level--].self;
    if (left->len != 0) json->frames[json->level].entry_end = left->at + left->len;
    return true;
}

const char *json_words(const struct json *json, enum json_fault fault, char *out, size_t bytes)
{
    static const char *const kinds[] = {
        [JSON_IS_NOTHING] = "nothing",
        [JSON_IS_NULL] = "null",
        [JSON_IS_BOOL] = "true or false",
        [JSON_IS_INT] = "an integer",
        [JSON_IS_FLOAT] = "a fractional number",
        [JSON_IS_TEXT] = "text",
        [JSON_IS_ARRAY] = "an array",
        [JSON_IS_OBJECT] = "an object",
    };
    static const char *const words[] = {
        [JSON_OK] = "is well",
        [JSON_MISSING] = "is missing",
        [JSON_OUT_OF_RANGE] = "is too large for 64 bits",
        [JSON_HOLDS_NUL] = "holds a zero byte (\\u0000)",
        [JSON_PAST_END] = "has no such entry",
    };
    const char *asked = json->asked == JSON_IS_FLOAT   ? "a number"
                        : json->asked == JSON_IS_ARRAY ? "an array or an object"
                                                       : kinds[json->asked];
    if (fault == JSON_UNSET || fault == JSON_WRONG_KIND)
        snprintf(out, bytes, "is %s, %s was expected", kinds[json->got], asked);
    else if (fault == JSON_NOT_JSON)
        snprintf(out, bytes, "is not JSON: at byte %zu: %s", json->why_at,
                 json->why ? json->why : "it was not opened");
    else
        snprintf(out, bytes, "%s", words[fault]);
    return out;
}
