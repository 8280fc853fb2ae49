/* SPDX-License-Identifier: Apache-2.0
 *
 * A pull scanner for JSON: a document is checked once and whole (RFC 8259 to the letter, UTF-8
 * included), then single values are taken from its source bytes. It builds no tree and allocates
 * nothing: `struct json` is embedded by its user, and only text with escapes is copied, into the
 * arena given. The document must outlive what was taken from it. Where the document is not JSON,
 * every call answers JSON_NOT_JSON.
 *
 * A field is named from the current value, which is the document at first and what was entered
 * later: "" is that value itself, "a" its field, "a.b" goes inside, "items.0.sku" into an array
 * (decimal, no leading zeros). A name that holds dots is reached as the end of a path: at every
 * object all that is left of the path is tried as one name first. Of fields with one name the
 * first is found; entering and counting see every one of them, as written. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/status.h"
#include "base/text.h"

#define JSON_DEPTH_MAX 64 /* arrays and objects inside one another */
#define JSON_FRAME_FIELDS                                                                          \
    32 /* fields of one object kept in the index; later ones are scanned for */
#define JSON_INDEX_FIELDS 96 /* fields in the index, of all objects entered at a time */
#define JSON_WORDS_BYTES 160 /* enough for json_words */

enum json_kind {
    JSON_IS_NOTHING, /* no such field */
    JSON_IS_NULL,
    JSON_IS_BOOL,
    JSON_IS_INT,   /* a number without fraction and exponent, of any size */
    JSON_IS_FLOAT, /* any other number */
    JSON_IS_TEXT,
    JSON_IS_ARRAY,
    JSON_IS_OBJECT,
};

enum json_fault {
    JSON_OK,
    JSON_MISSING,      /* there is no such field */
    JSON_UNSET,        /* it is null */
    JSON_WRONG_KIND,   /* it is something else than was asked for; 1.0 and 1e3 are not integers */
    JSON_OUT_OF_RANGE, /* it is beyond int64, or beyond double */
    JSON_HOLDS_NUL,    /* the text is given, whole, but there is a zero byte in it (\u0000) */
    JSON_PAST_END,     /* there is no i-th entry */
    JSON_NOT_JSON,     /* the document is no JSON */
};

struct json_value {
    uint32_t at;  /* offset in the document */
    uint32_t len; /* bytes; 0: not measured yet */
    bool special; /* once measured: text with escapes, a number with a fraction or exponent */
};

struct json_field {
    struct json_value name; /* without its quotes */
    struct json_value value;
};

/* A current value: the document, or an entry that was entered. */
struct json_frame {
    struct json_value self;
    uint32_t first, n;  /* its fields in the index */
    uint32_t most;      /* of them there; n, once one is not */
    uint32_t rest_at;   /* offset of the first field that is not in the index; 0: all are in it */
    bool is_indexed;    /* an object, whose fields are there */
    uint32_t walked_at; /* offset of the array or object last entered from here */
    uint32_t walked_i;  /* the entry that was entered */
    uint32_t entry_at;  /* where that entry begins, its name included; 0: none yet */
    uint32_t entry_end; /* where its value ends; 0: not known */
};

/* Large; never to be cleared, for json_open sets what it needs. */
struct json {
    const char *begin, *end;
    bool is_valid;
    unsigned depth, level;
    bool special;              /* of the text or number just scanned, as in json_value */
    const char *why;           /* the document's fault; NULL: none */
    size_t why_at;             /* its offset in bytes */
    enum json_kind asked, got; /* of the last fault */
    struct json_frame frames[JSON_DEPTH_MAX + 1];
    struct json_field index[JSON_INDEX_FIELDS];
    uint8_t tags[JSON_INDEX_FIELDS + 8]; /* of their names; read eight at a time */
};

/* Takes up a document in place of the one before, and checks it. */
enum json_fault json_open(struct json *json, struct wr_text document) MUST_USE;

/* Each sets its last argument on JSON_OK and to "", 0 or false otherwise (but see JSON_HOLDS_NUL). */
enum json_fault json_text(struct json *json, const char *field, struct arena *arena,
                          struct wr_text *text) MUST_USE;
enum json_fault json_int(struct json *json, const char *field, int64_t *number) MUST_USE;
enum json_fault json_float(struct json *json, const char *field, double *number) MUST_USE;
enum json_fault json_bool(struct json *json, const char *field, bool *is_true) MUST_USE;
enum json_fault json_raw(struct json *json, const char *field, struct wr_text *source) MUST_USE;
enum json_fault json_count(struct json *json, const char *field, size_t *entries) MUST_USE;

enum json_kind json_kind(struct json *json, const char *field);
bool json_has(struct json *json, const char *field); /* null counts as absent */

/* Makes the i-th entry of an array or object the current value. `key` (may be NULL) is its name, ""
 * in arrays; it may hold zero bytes. The place is remembered, so that i = 0, 1, 2... of one array or
 * object costs one pass, whatever is entered meanwhile below it. */
enum json_fault json_enter(struct json *json, const char *field, size_t i, struct arena *arena,
                           struct wr_text *key) MUST_USE;
/* Back to where the last json_enter was called; false where nothing was entered. */
bool json_leave(struct json *json);

/* The last fault in words that follow a field's name ("is text, an integer was expected"); for
 * JSON_NOT_JSON, words that follow "the document". Returns out. */
const char *json_words(const struct json *json, enum json_fault fault, char *out, size_t bytes);

#endif
