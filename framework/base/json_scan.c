/* SPDX-License-Identifier: Apache-2.0
 *
 * The grammar of JSON; see json_scan.h. */
#include "base/json_scan.h"

#include <endian.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/check.h"

static const char *fault(struct json *json, const char *at, const char *why)
{
    json->why = why;
    json->why_at = (size_t)(at - json->begin);
    return NULL;
}

/* ---- text --------------------------------------------------------------------------------- */

/* To the first byte that is a quote, a backslash, a control byte or not ASCII; eight at a time. */
static const char *skip_eights(const char *p, const char *end)
{
    const uint64_t ones = 0x0101010101010101u, highs = 0x8080808080808080u;
    for (; end - p >= 8; p += 8) {
        uint64_t eight;
        memcpy(&eight, p, 8);
        eight = le64toh(eight);
        /* A byte below what is subtracted borrows and shows its high bit. A borrow may spoil the
         * bytes above it, never those below: the lowest mark is true. */
        uint64_t marks = (eight - ones * 0x20) | ((eight ^ ones * '"') - ones) |
                         ((eight ^ ones * '\\') - ones) | eight;
        marks &= highs;
        if (marks) return p + __builtin_ctzll(marks) / 8;
    }
    while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' &&
           *p != '\\')
        p++;
    return p;
}

#ifdef __SSE2__
/* The same, sixteen at a time while so many are left. */
static inline const char *skip_plain(const char *p, const char *end)
{
    const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\');
    const __m128i space = _mm_set1_epi8(0x20);
    for (; end - p >= 16; p += 16) {
        const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)p);
        /* As signed bytes, what is not ASCII is below a space too. */
        const __m128i marks = _mm_or_si128(
            _mm_cmplt_epi8(bytes, space),
            _mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)));
        const unsigned mask = (unsigned)_mm_movemask_epi8(marks);
        if (mask) return p + __builtin_ctz(mask);
    }
    return skip_eights(p, end);
}
#else
static inline const char *skip_plain(const char *p, const char *end)
{
    return skip_eights(p, end);
}
#endif

/* Four hexadecimal digits, or -1. */
static int32_t hex4(const char *p, const char *end)
{
    static const char digits[] = "0123456789abcdef0123456789ABCDEF";
    int32_t code = 0;
    if (end - p < 4) return -1;
    for (int i = 0; i < 4; i++) {
        const char *digit = memchr(digits, p[i], 32);
        if (!digit) return -1;
        code = code * 16 + (int32_t)((digit - digits) % 16);
    }
    return code;
}

/* Past the escape whose backslash is at p. */
static const char *scan_escape(struct json *json, const char *p)
{
    if (json->end - p < 2) return fault(json, json->end, "the text does not end");
    if (p[1] != 'u') {
        if (p[1] != '\0' && strchr("\"\\/bfnrt", p[1])) return p + 2;
        return fault(json, p, "this escape does not exist");
    }
    int32_t code = hex4(p + 2, json->end);
    if (code < 0) return fault(json, p, "\\u needs four hexadecimal digits");
    if (code < 0xd800 || code > 0xdfff) return p + 6;
    if (code > 0xdbff || json->end - p < 12 || p[6] != '\\' || p[7] != 'u')
        return fault(json, p, "half of a surrogate pair stands alone");
    code = hex4(p + 8, json->end);
    if (code < 0xdc00 || code > 0xdfff)
        return fault(json, p, "half of a surrogate pair stands alone");
    return p + 12;
}

/* Past the character of two to four bytes at p. */
static const char *scan_utf8(struct json *json, const char *p)
{
    const unsigned char *at = (const unsigned char *)p;
    /* The second byte's bounds keep out what is overlong, a surrogate, or above U+10FFFF. */
    unsigned char lead = at[0], low = 0x80, high = 0xbf;
    ptrdiff_t bytes = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
    if (bytes == 0 || json->end - p < bytes || at[1] < low || at[1] > high)
        return fault(json, p, "this is not UTF-8");
    for (ptrdiff_t i = 2; i < bytes; i++)
        if ((at[i] & 0xc0) != 0x80) return fault(json, p, "this is not UTF-8");
    return p + bytes;
}

/* Past the closing quote; what is at p is not plain. Notes escapes in json->special. */
static const char *scan_text_on(struct json *json, const char *p)
{
    for (;; p = skip_plain(p, json->end)) {
        if (p == json->end) return fault(json, p, "the text does not end");
        if (*p == '"') return p + 1;
        if (*p == '\\') {
            json->special = true;
            p = scan_escape(json, p);
        } else if ((unsigned char)*p < 0x20) {
            return fault(json, p, "a control byte in text must be escaped");
        } else {
            p = scan_utf8(json, p);
        }
        if (!p) return NULL;
    }
}

/* Past the closing quote; p is past the opening one. Notes in json->special what it saw. */
static inline const char *scan_text(struct json *json, const char *p)
{
    json->special = false;
    p = skip_plain(p, json->end);
    return LIKELY(p < json->end && *p == '"') ? p + 1 : scan_text_on(json, p);
}

static size_t put_utf8(char *out, uint32_t code)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    size_t bytes = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = bytes - 1; i > 0; i--, code >>= 6) out[i] = (char)(0x80 | (code & 0x3f));
    static const uint8_t leads[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
    out[0] = (char)(leads[bytes] | code);
    return bytes;
}

/* Decodes the checked character or escape at *p into 1 to 4 bytes, fewer than it took. */
static size_t decode_one(const char **p, char out[4])
{
    const char *at = *p;
    if (*at != '\\') {
        out[0] = *at;
        *p = at + 1;
        return 1;
    }
    if (at[1] != 'u') {
        const char *plain = strchr("b\bf\fn\nr\rt\t", at[1]);
        out[0] = plain ? plain[1] : at[1];
        *p = at + 2;
        return 1;
    }
    uint32_t code = (uint32_t)hex4(at + 2, at + 6);
    *p = at + 6;
    if (code >= 0xd800 && code <= 0xdfff) {
        code = 0x10000 + ((code - 0xd800) << 10) + ((uint32_t)hex4(at + 8, at + 12) - 0xdc00);
        *p = at + 12;
    }
    return put_utf8(out, code);
}

struct wr_text json_decode(struct wr_text source, struct arena *arena)
{
    char *out = arena_take_bytes(arena, source.len), *to = out;
    for (const char *p = source.at; p < source.at + source.len;) {
        char bytes[4];
        size_t n = decode_one(&p, bytes);
        memcpy(to, bytes, n);
        to += n;
    }
    return (struct wr_text){ out, (size_t)(to - out) };
}

bool json_is_decoded(struct wr_text source, const char *name, size_t len)
{
    const char *end = name + len;
    for (const char *p = source.at; p < source.at + source.len;) {
        char bytes[4];
        size_t n = decode_one(&p, bytes);
        if ((size_t)(end - name) < n || memcmp(name, bytes, n) != 0) return false;
        name += n;
    }
    return name == end;
}

/* ---- the other values --------------------------------------------------------------------- */

static const char *scan_digits(struct json *json, const char *p)
{
    if (p == json->end || !json_is_digit(*p)) return fault(json, p, "a digit was expected");
    while (p < json->end && json_is_digit(*p)) p++;
    return p;
}

static const char *scan_number(struct json *json, const char *p)
{
    const char *end = json->end;
    json->special = false;
    p += *p == '-';
    bool leads_with_zero = p < end && *p == '0';
    const char *whole = p;
    p = scan_digits(json, p);
    if (p && leads_with_zero && p - whole > 1)
        return fault(json, whole, "a number must not begin with 0");
    if (p && p < end && *p == '.') {
        json->special = true;
        p = scan_digits(json, p + 1);
    }
    if (p && p < end && (*p == 'e' || *p == 'E')) {
        json->special = true;
        p++;
        p += p < end && (*p == '+' || *p == '-');
        p = scan_digits(json, p);
    }
    return p;
}

static const char *scan_word(struct json *json, const char *p, const char *word)
{
    size_t len = strlen(word);
    if ((size_t)(json->end - p) >= len && memcmp(p, word, len) == 0) return p + len;
    return fault(json, p, "a value was expected");
}

/* A name with escapes has to be read to be known: from the first of those on, fields are scanned for. */
static inline void index_add(struct json *json, struct json_frame *into, struct json_value name,
                             struct json_value value)
{
    if (LIKELY(into->n < into->most && !name.special)) {
        const uint32_t i = into->first + into->n++;
        json->index[i] = (struct json_field){ name, value };
        json->tags[i] = json_tag(json->begin + name.at, name.len);
    } else if (into->rest_at == 0) {
        into->rest_at = name.at - 1;
        into->most = into->n;
    }
}

/* Past the name and colon, at the value; `name` is noted. */
static inline const char *scan_name(struct json *json, const char *p, struct json_value *name)
{
    if (p == json->end || *p != '"') return fault(json, p, "a field's name was expected");
    const char *end = scan_text(json, p + 1);
    if (!end) return NULL;
    *name = json_span(json, p + 1, end - 1);
    p = json_skip_space(json, end);
    if (p == json->end || *p != ':') return fault(json, p, "a colon was expected");
    return json_skip_space(json, p + 1);
}

const char *json_scan_name(struct json *json, const char *p, struct json_value *name)
{
    return scan_name(json, p, name);
}

/* Past the array or object at p. An object's fields are indexed for `into` unless that is NULL. */
const char *json_scan_container(struct json *json, const char *p, struct json_frame *into)
{
    bool is_object = *p == '{';
    char close = is_object ? '}' : ']';
    if (json->depth == JSON_DEPTH_MAX) return fault(json, p, "it is nested deeper than 64 levels");
    json->depth++;
    p = json_skip_space(json, p + 1);
    bool is_empty = p < json->end && *p == close;
    while (!is_empty) {
        struct json_value name = { 0 };
        if (is_object) p = scan_name(json, p, &name);
        if (!p) return NULL;
        const char *value = p;
        p = json_scan_value(json, value);
        if (!p) return NULL;
        if (into) index_add(json, into, name, json_span(json, value, p));
        p = json_skip_space(json, p);
        if (p < json->end && *p == close) break;
        if (p == json->end || *p != ',')
            return fault(json, p,
                         is_object ? "a comma or } was expected" : "a comma or ] was expected");
        p = json_skip_space(json, p + 1);
    }
    json->depth--;
    return p + 1;
}

/* Past the value at p, or NULL where it is not one. */
const char *json_scan_value(struct json *json, const char *p)
{
    if (p == json->end) return fault(json, p, "a value was expected");
    if (*p == '"') return scan_text(json, p + 1); /* most are */
    switch (*p) {
    case '{':
    case '[': return json_scan_container(json, p, NULL);
    case 't': return scan_word(json, p, "true");
    case 'f': return scan_word(json, p, "false");
    case 'n': return scan_word(json, p, "null");
    default:
        if (*p == '-' || json_is_digit(*p)) return scan_number(json, p);
        return fault(json, p, "a value was expected");
    }
}

const char *json_scan_document(struct json *json, struct wr_text document)
{
    const char *p = json->begin;
    if (document.len > INT32_MAX) return fault(json, p, "it is longer than 2 GiB");
    if (document.len >= 3 && memcmp(p, "\xef\xbb\xbf", 3) == 0)
        return fault(json, p, "a byte order mark stands before it; send it without");
    p = json_skip_space(json, p);
    if (p == json->end) return fault(json, p, "it is empty");
    const char *value = p;
    struct json_frame *root = &json->frames[0];
    *root = json_frame_of((struct json_value){ 0 }, 0);
    root->is_indexed = *p == '{';
    p = *p == '{' ? json_scan_container(json, p, root) : json_scan_value(json, p);
    if (!p) return NULL;
    root->self = json_span(json, value, p);
    p = json_skip_space(json, p);
    return p == json->end ? p : fault(json, p, "something stands after its end");
}
