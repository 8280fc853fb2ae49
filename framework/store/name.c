/* SPDX-License-Identifier: Apache-2.0
 *
 * Names in SQL; see name.h. */
#include "store/name.h"

#include <stdlib.h>

#include "base/check.h"

enum { PART_BYTES_MOST = 63 }; /* PostgreSQL cuts what is longer, in silence */

/* Its quotes closed, nothing behind them. */
static bool is_quoted(struct wr_text name)
{
    if (name.len < 3 || name.at[0] != '"' || name.at[name.len - 1] != '"') return false;
    for (size_t i = 1; i < name.len - 1; i++) {
        if (name.at[i] != '"') continue;
        i++; /* within quotes they come in pairs */
        if (i == name.len - 1 || name.at[i] != '"') return false;
    }
    return true;
}

void name_quote(FILE *out, struct wr_text name)
{
    const bool is_ready = is_quoted(name);
    if (!is_ready) (void)fputc('"', out);
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '"' && !is_ready) (void)fputc('"', out);
        (void)fputc(name.at[i], out);
    }
    if (!is_ready) (void)fputc('"', out);
}

/* What `${name}` at `at` stands for; NULL, and the fault is told. */
static const char *find_option(const char *at, const char *end,
                               const char *(*option)(void *owner, const char *name), void *owner,
                               char *fault, size_t fault_bytes)
{
    if (!end) {
        (void)snprintf(fault, fault_bytes, "has a ${ that does not end");
        return NULL;
    }
    char *const name = text_copy(text_from(at + 2, (size_t)(end - at - 2)));
    const char *const value = option(owner, name);
    if (!value)
        (void)snprintf(fault, fault_bytes, "asks for the option \"%s\", which is not declared",
                       name);
    free(name);
    return value;
}

/* On the heap. */
static char *fill_in(const char *table, const char *(*option)(void *owner, const char *name),
                     void *owner, char *fault, size_t fault_bytes)
{
    char *filled = NULL;
    size_t bytes;
    FILE *const out = open_memstream(&filled, &bytes);
    CHECK(out);
    bool is_good = true;
    for (const char *at = table; *at && is_good; at++) {
        if (at[0] != '$' || at[1] != '{') {
            (void)fputc(*at, out);
            continue;
        }
        const char *const end = strchr(at, '}');
        const char *const value = find_option(at, end, option, owner, fault, fault_bytes);
        is_good = value != NULL;
        if (!is_good) break;
        (void)fputs(value, out);
        at = end;
    }
    CHECK(fclose(out) == 0);
    if (is_good) return filled;
    free(filled);
    return NULL;
}

/* Up to the dot, or the end, that is not inside quotes. */
static struct wr_text first_part(const char *at)
{
    bool is_inside = false;
    size_t n = 0;
    for (; at[n] && (is_inside || at[n] != '.'); n++)
        if (at[n] == '"') is_inside = !is_inside;
    return text_from(at, n);
}

static bool is_part_good(struct wr_text part)
{
    if (part.len == 0 || part.len > PART_BYTES_MOST + (is_quoted(part) ? 2 : 0)) return false;
    return is_quoted(part) || !memchr(part.at, '"', part.len);
}

static bool quote_parts(FILE *out, const char *filled)
{
    unsigned parts = 0;
    for (const char *at = filled;; at++) {
        const struct wr_text part = first_part(at);
        if (!is_part_good(part) || ++parts > 2) return false;
        if (parts > 1) (void)fputc('.', out);
        name_quote(out, part);
        at += part.len;
        if (!*at) return true;
    }
}

char *name_of_table(const char *table, const char *(*option)(void *owner, const char *name),
                    void *owner, char *fault, size_t fault_bytes)
{
    char *const filled = fill_in(table, option, owner, fault, fault_bytes);
    if (!filled) return NULL;
    char *quoted = NULL;
    size_t bytes;
    FILE *const out = open_memstream(&quoted, &bytes);
    CHECK(out);
    const bool is_good = quote_parts(out, filled);
    CHECK(fclose(out) == 0);
    if (!is_good) {
        (void)snprintf(fault, fault_bytes,
                       "is \"%s\", where table or schema.table is expected, of 1 to %d bytes each",
                       filled, PART_BYTES_MOST);
        free(quoted);
        quoted = NULL;
    }
    free(filled);
    return quoted;
}
