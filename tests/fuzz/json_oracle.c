/* SPDX-License-Identifier: Apache-2.0
 *
 * jansson as the oracle for base/json: both must accept or refuse, and every value must agree. Known
 * differences, told apart and not looked into further: when it loads, jansson refuses integers beyond
 * int64 and doubles beyond range (ours when they are taken) and a zero byte in a name; it nests 2048
 * deep; it overlooks a raw zero byte after a number. Of duplicate names jansson keeps the last value:
 * ours is compared where it is the last; that lookups find the first is checked on our own walk. */
#include "json_oracle.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

#define PATHS_MAX 64
#define PATH_BYTES 200

/* A value seen on the walk, and a path that must lead to it. */
struct seen {
    char path[PATH_BYTES];
    const char *at;
};

struct walk {
    struct wr_text document;
    struct json json;
    struct arena arena;
    struct seen seen[PATHS_MAX];
    size_t n_seen;
    bool names_have_dots;
};

static struct walk walk;

static _Noreturn void disagree(const char *what)
{
    fprintf(stderr, "\nfuzz_json: %s: document of %zu bytes:\n\"", what, walk.document.len);
    for (size_t i = 0; i < walk.document.len; i++) {
        unsigned char c = (unsigned char)walk.document.at[i];
        fprintf(stderr, c < 0x20 || c > 0x7e || c == '"' || c == '\\' ? "\\%03o" : "%c", c);
    }
    fprintf(stderr, "\"\n");
    abort();
}

static void expect(bool holds, const char *what)
{
    if (!holds) disagree(what);
}

static void compare_value(const json_t *theirs, const char *path);

static void compare_scalar(const json_t *theirs)
{
    struct wr_text text;
    int64_t integer;
    double number;
    bool is_true;
    switch (json_typeof(theirs)) {
    case JSON_STRING: {
        enum json_fault fault = json_text(&walk.json, "", &walk.arena, &text);
        struct wr_text wanted = { json_string_value(theirs), json_string_length(theirs) };
        expect(text_equal(text, wanted), "text differs");
        bool has_nul = memchr(wanted.at, 0, wanted.len) != NULL;
        expect(fault == (has_nul ? JSON_HOLDS_NUL : JSON_OK), "text's fault differs");
        return;
    }
    case JSON_INTEGER:
        expect(json_int(&walk.json, "", &integer) == JSON_OK, "an integer is not taken");
        expect(integer == json_integer_value(theirs), "integer differs");
        expect(json_float(&walk.json, "", &number) == JSON_OK, "an integer is no double");
        expect(number == (double)integer, "integer differs as a double");
        return;
    case JSON_REAL:
        expect(json_kind(&walk.json, "") == JSON_IS_FLOAT, "a real is none of ours");
        expect(json_float(&walk.json, "", &number) == JSON_OK, "a real is not taken");
        expect(number == json_real_value(theirs), "double differs");
        expect(!signbit(number) == !signbit(json_real_value(theirs)), "double's sign differs");
        return;
    case JSON_TRUE:
    case JSON_FALSE:
        expect(json_bool(&walk.json, "", &is_true) == JSON_OK, "a word is not taken");
        expect(is_true == json_is_true(theirs), "word differs");
        return;
    default: expect(json_kind(&walk.json, "") == JSON_IS_NULL, "null differs");
    }
}

/* Goes into the i-th entry; `path` is what leads to its container, NULL where none does. */
static void enter_and_compare(size_t i, const json_t *theirs, const char *path, struct wr_text step)
{
    char longer[PATH_BYTES];
    int len =
        path ? snprintf(longer, sizeof longer, "%s%s%.*s", path, *path ? "." : "", TEXT_ARGS(step))
             : PATH_BYTES;
    expect(json_enter(&walk.json, "", i, &walk.arena, NULL) == JSON_OK, "an entry is not entered");
    compare_value(theirs, len < PATH_BYTES ? longer : NULL);
    expect(json_leave(&walk.json), "an entry is not left");
}

static void compare_array(const json_t *theirs, const char *path)
{
    size_t n;
    expect(json_count(&walk.json, "", &n) == JSON_OK, "an array is not counted");
    expect(n == json_array_size(theirs), "array's size differs");
    for (size_t i = 0; i < n; i++) {
        char digits[24];
        snprintf(digits, sizeof digits, "%zu", i);
        enter_and_compare(i, json_array_get(theirs, i), path, text_of(digits));
    }
    expect(json_enter(&walk.json, "", n, &walk.arena, NULL) == JSON_PAST_END, "array does not end");
}

static struct wr_text key_at(size_t i)
{
    struct wr_text key;
    expect(json_enter(&walk.json, "", i, &walk.arena, &key) == JSON_OK, "a field is not entered");
    expect(json_leave(&walk.json), "a field is not left");
    return key;
}

static bool is_among(struct wr_text key, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++)
        if (text_equal(key_at(i), key)) return true;
    return false;
}

static void compare_object(const json_t *theirs, const char *path)
{
    size_t n, n_names = 0;
    expect(json_count(&walk.json, "", &n) == JSON_OK, "an object is not counted");
    for (size_t i = 0; i < n; i++) {
        struct wr_text key = key_at(i);
        bool is_first = !is_among(key, 0, i), is_last = !is_among(key, i + 1, n);
        bool has_dot = memchr(key.at, '.', key.len) != NULL;
        walk.names_have_dots |= has_dot;
        n_names += is_first;
        const json_t *value = json_object_getn(theirs, key.at, key.len);
        expect(value != NULL, "a name is not theirs");
        bool leads = path && is_first && !has_dot && key.len > 0;
        if (is_last) enter_and_compare(i, value, leads ? path : NULL, key);
    }
    expect(n_names == json_object_size(theirs), "object's size differs");
    expect(json_enter(&walk.json, "", n, &walk.arena, NULL) == JSON_PAST_END,
           "object does not end");
}

static void compare_value(const json_t *theirs, const char *path)
{
    static struct json alone;
    struct wr_text source;
    expect(json_raw(&walk.json, "", &source) == JSON_OK, "the source is not taken");
    expect(json_open(&alone, source) == JSON_OK, "the source alone is not JSON");
    if (path && *path && walk.n_seen < PATHS_MAX) {
        struct seen *seen = &walk.seen[walk.n_seen++];
        snprintf(seen->path, sizeof seen->path, "%s", path);
        seen->at = source.at;
    }
    if (json_is_array(theirs))
        compare_array(theirs, path);
    else if (json_is_object(theirs))
        compare_object(theirs, path);
    else
        compare_scalar(theirs);
}

static void compare_paths(void)
{
    struct wr_text source;
    if (walk.names_have_dots) return; /* a name may then shadow a path */
    for (size_t i = 0; i < walk.n_seen; i++) {
        enum json_fault fault = json_raw(&walk.json, walk.seen[i].path, &source);
        expect(fault == JSON_OK && source.at == walk.seen[i].at, "a path leads elsewhere");
    }
}

static size_t depth_of(const json_t *theirs)
{
    size_t deepest = 0, depth, i;
    const char *key;
    json_t *value;
    if (json_is_array(theirs)) {
        json_array_foreach(theirs, i, value) if ((depth = depth_of(value)) > deepest) deepest =
            depth;
        return deepest + 1;
    }
    if (!json_is_object(theirs)) return 0;
    json_object_foreach((json_t *)(uintptr_t)theirs, key,
                        value) if ((depth = depth_of(value)) > deepest) deepest = depth;
    return deepest + 1;
}

static enum oracle_verdict compare_documents(void)
{
    json_error_t error;
    json_t *theirs =
        json_loadb(walk.document.at, walk.document.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &error);
    enum json_fault ours = json_open(&walk.json, walk.document);
    enum oracle_verdict verdict = ORACLE_BOTH_REFUSE;
    expect(ours == JSON_OK || (walk.json.why && walk.json.why_at <= walk.document.len),
           "no reason");
    if (theirs && ours == JSON_OK) {
        expect(depth_of(theirs) <= JSON_DEPTH_MAX, "nested too deep, and accepted");
        compare_value(theirs, "");
        compare_paths();
        verdict = ORACLE_BOTH_ACCEPT;
    } else if (theirs) {
        bool has_zero_byte = memchr(walk.document.at, 0, walk.document.len) != NULL;
        expect(has_zero_byte || strstr(walk.json.why, "nested deeper"), "refused, jansson accepts");
        verdict = ORACLE_KNOWN_DIFFERENCE;
    } else if (ours == JSON_OK) {
        enum json_error_code code = json_error_code(&error);
        expect(code == json_error_numeric_overflow || code == json_error_null_byte_in_key,
               "accepted, jansson refuses");
        verdict = ORACLE_KNOWN_DIFFERENCE;
    }
    json_decref(theirs);
    return verdict;
}

enum oracle_verdict oracle_compare(const uint8_t *bytes, size_t len)
{
    /* At the very end of its block, so that AddressSanitizer sees one byte too many. */
    char *block = malloc(len + 1);
    memcpy(block + 1, bytes, len);
    walk.document = (struct wr_text){ block + 1, len };
    walk.n_seen = 0;
    walk.names_have_dots = false;
    arena_init(&walk.arena, NULL, 0);
    enum oracle_verdict verdict = compare_documents();
    arena_reset(&walk.arena);
    free(block);
    return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    oracle_compare(bytes, len);
    return 0;
}
