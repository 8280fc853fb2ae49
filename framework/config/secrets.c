/* SPDX-License-Identifier: Apache-2.0
 *
 * Filling in variables and files; see secrets.h. Nesting is refused rather than half supported. */
#include "config/secrets.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "config/file.h"

#define SHOWN_BYTES 200

/* One step through a template. */
enum piece_kind { PIECE_TEXT, PIECE_VARIABLE, PIECE_FILE, PIECE_BROKEN };

struct piece {
    enum piece_kind kind;
    struct wr_text text; /* the text itself, the variable's name, the file's path, or why broken */
    struct wr_text fallback; /* of a variable */
    bool has_fallback;
};

struct filled {
    char *at;
    size_t len, room;
};

static bool is_name(struct wr_text text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_';
        if (!is_letter && (i == 0 || c < '0' || c > '9')) return false;
    }
    return text.len > 0;
}

static struct piece broken(const char *why)
{
    return (struct piece){ .kind = PIECE_BROKEN, .text = text_of(why) };
}

/* What stands between the braces. */
static struct piece read_braces(struct wr_text inside)
{
    if (memmem(inside.at, inside.len, "${", 2))
        return broken("a ${...} inside another one is not filled in");
    if (text_starts(inside, "file:")) {
        struct wr_text path = text_from(inside.at + 5, inside.len - 5);
        if (path.len == 0) return broken("${file:} names no file; write ${file:PATH}");
        return (struct piece){ .kind = PIECE_FILE, .text = path };
    }
    const char *mark = memmem(inside.at, inside.len, ":-", 2);
    struct piece piece = { .kind = PIECE_VARIABLE, .text = inside, .has_fallback = mark != NULL };
    if (mark) {
        piece.text.len = (size_t)(mark - inside.at);
        piece.fallback = text_from(mark + 2, inside.len - piece.text.len - 2);
    }
    if (is_name(piece.text)) return piece;
    return broken("a ${...} that is none of ${NAME}, ${NAME:-default} and ${file:PATH}; "
                  "write $$ for a dollar sign");
}

/* The next piece, taken off the front of `rest`, which is not empty. */
static struct piece next_piece(struct wr_text *rest)
{
    const char *at = rest->at, *end = at + rest->len;
    if (rest->len >= 2 && at[0] == '$' && at[1] == '$') {
        *rest = text_from(at + 2, rest->len - 2);
        return (struct piece){ .kind = PIECE_TEXT, .text = text_from(at, 1) };
    }
    if (rest->len >= 2 && at[0] == '$' && at[1] == '{') {
        const char *close = memchr(at, '}', rest->len);
        if (!close) {
            *rest = text_from(end, 0);
            return broken("a ${ is never closed by a }; write $$ for a dollar sign");
        }
        *rest = text_from(close + 1, (size_t)(end - close - 1));
        return read_braces(text_from(at + 2, (size_t)(close - at - 2)));
    }
    const char *dollar = memchr(at + 1, '$', rest->len - 1);
    if (!dollar) dollar = end;
    *rest = text_from(dollar, (size_t)(end - dollar));
    return (struct piece){ .kind = PIECE_TEXT, .text = text_from(at, (size_t)(dollar - at)) };
}

/* Grows by hand, so that no copy of a secret stays behind in freed memory. */
static void append(struct filled *filled, struct wr_text text)
{
    if (filled->len + text.len >= filled->room) {
        size_t room = 2 * (filled->len + text.len) + 64;
        char *grown = memory_new(room, 1);
        if (filled->at) {
            memcpy(grown, filled->at, filled->len);
            explicit_bzero(filled->at, filled->room);
            free(filled->at);
        }
        filled->at = grown;
        filled->room = room;
    }
    memcpy(filled->at + filled->len, text.at, text.len);
    filled->len += text.len;
    filled->at[filled->len] = '\0';
}

/* Adds to what the status says already. */
static bool blame(struct status *status, const char *format, ...) PRINTF_LIKE(2, 3);
static bool blame(struct status *status, const char *format, ...)
{
    char words[sizeof status->text], before[sizeof status->text];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    snprintf(before, sizeof before, "%s", status->text);
    return status_fail(status, EXIT_CONFIG, "%s%s%s", before, *before ? "; " : "", words);
}

static bool fill_variable(struct filled *filled, const struct piece *piece, struct status *status)
{
    char *name = text_copy(piece->text);
    const char *value = getenv(name);
    bool is_had = true;
    if (value && (*value || !piece->has_fallback))
        append(filled, text_of(value));
    else if (piece->has_fallback)
        append(filled, piece->fallback);
    else
        is_had =
            blame(status, "the variable %s is not set; set it, or give a default: ${%s:-VALUE}",
                  name, name);
    free(name);
    return is_had;
}

static bool fill_file(struct filled *filled, const struct piece *piece, const char *directory,
                      struct status *status)
{
    char *name = text_copy(piece->text);
    char *path = file_path_from(directory, name);
    char shown[SHOWN_BYTES];
    text_show(text_of(path), shown, sizeof shown);
    struct status why = { 0 };
    char *bytes = NULL;
    size_t len = 0;
    bool is_had = file_read(path, FILE_REGULAR_ONLY, SECRETS_FILE_BYTES, &bytes, &len, &why);
    if (!is_had) {
        blame(status, "${file:...}: cannot read %s: %s", shown, why.text);
    } else if (memchr(bytes, '\0', len)) {
        is_had = blame(status, "${file:...}: %s holds a NUL byte", shown);
    } else {
        append(filled, text_from(bytes, len && bytes[len - 1] == '\n' ? len - 1 : len));
    }
    if (bytes) explicit_bzero(bytes, len);
    free(bytes);
    free(path);
    free(name);
    return is_had;
}

bool secrets_is_template(struct wr_text text)
{
    while (text.len)
        if (next_piece(&text).kind != PIECE_TEXT) return true;
    return false;
}

bool secrets_fill(struct wr_text text, const char *directory, char **value, struct status *status)
{
    struct filled filled = { 0 };
    struct status why = { 0 };
    bool is_well = true;
    append(&filled, WR_TEXT_OF(""));
    while (text.len) {
        struct piece piece = next_piece(&text);
        switch (piece.kind) {
        case PIECE_TEXT: append(&filled, piece.text); break;
        case PIECE_VARIABLE: is_well &= fill_variable(&filled, &piece, &why); break;
        case PIECE_FILE: is_well &= fill_file(&filled, &piece, directory, &why); break;
        case PIECE_BROKEN: is_well &= blame(&why, "%.*s", TEXT_ARGS(piece.text)); break;
        }
    }
    if (is_well) {
        *value = filled.at;
        return true;
    }
    secrets_give_back(filled.at);
    return status_fail(status, EXIT_CONFIG, "%s", why.text);
}

void secrets_give_back(char *value)
{
    if (value) explicit_bzero(value, strlen(value));
    free(value);
}

const char *secrets_show(struct wr_text text, char *out, size_t out_bytes)
{
    char names[SHOWN_BYTES] = "";
    size_t at = 0;
    while (text.len && at < sizeof names - 1) {
        struct piece piece = next_piece(&text);
        if (piece.kind != PIECE_VARIABLE && piece.kind != PIECE_FILE) continue;
        int n = snprintf(names + at, sizeof names - at, "${%s%.*s}",
                         piece.kind == PIECE_FILE ? "file:" : "", TEXT_ARGS(piece.text));
        at += (size_t)n;
    }
    return text_show(text_of(names), out, out_bytes);
}
