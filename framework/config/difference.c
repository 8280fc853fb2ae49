/* SPDX-License-Identifier: Apache-2.0
 *
 * Comparing configurations; see difference.h. A key is found again by its path, and compared by the
 * type that the table of keys gives it. */
#include "config/difference.h"

#include <string.h>

#include "config/loaded.h"
#include "config/schema.h"

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool same_texts(const struct config_templates *a, const struct config_templates *b)
{
    if (a->n != b->n) return false;
    for (size_t i = 0; i < a->n; i++)
        if (!same_text(a->at[i], b->at[i])) return false;
    return true;
}

static bool same_durations(const struct config_durations *a, const struct config_durations *b)
{
    return a->n == b->n && (!a->n || !memcmp(a->at_ms, b->at_ms, a->n * sizeof *a->at_ms));
}

static bool same_options(const struct config_options *a, const struct config_options *b)
{
    if (a->n != b->n) return false;
    for (size_t i = 0; i < a->n; i++)
        if (!same_text(a->at[i].name, b->at[i].name) || !same_text(a->at[i].value, b->at[i].value))
            return false;
    return true;
}

static bool same_order(const struct config_order_by *a, const struct config_order_by *b)
{
    return a->kind == b->kind && same_text(a->field, b->field);
}

static bool same_address(const struct config_address *a, const struct config_address *b)
{
    return a->port == b->port && same_text(a->host, b->host);
}

static bool is_same(enum schema_type type, const void *a, const void *b)
{
    switch (type) {
    case SCHEMA_TEXT:
    case SCHEMA_NAME:
    case SCHEMA_HANDLER:
    case SCHEMA_PATH:
    case SCHEMA_SECRET:
    case SCHEMA_EXCHANGE: return same_text(*(const char *const *)a, *(const char *const *)b);
    case SCHEMA_BOOL:
    case SCHEMA_SECTION: return *(const bool *)a == *(const bool *)b;
    case SCHEMA_INT:
    case SCHEMA_DURATION:
    case SCHEMA_SIZE:
    case SCHEMA_PERCENT: return *(const int64_t *)a == *(const int64_t *)b;
    case SCHEMA_CHOICE: return *(const int *)a == *(const int *)b;
    case SCHEMA_ORDER: return same_order(a, b);
    case SCHEMA_ADDRESS: return same_address(a, b);
    case SCHEMA_SECRETS: return same_texts(a, b);
    case SCHEMA_DURATIONS: return same_durations(a, b);
    case SCHEMA_OPTIONS: return same_options(a, b);
    case SCHEMA_SECTIONS:
    case SCHEMA_TYPES: break;
    }
    return true; /* a list of sections: its entries are compared */
}

/* "consumers[3].batch.rows" is the table's "consumers[].batch.rows". */
static const struct schema_key *key_of(const char *path)
{
    char plain[256];
    size_t n = 0;
    for (const char *c = path; *c && n + 1 < sizeof plain; c++) {
        plain[n++] = *c;
        if (*c == '[') c += strspn(c + 1, "0123456789");
    }
    return schema_find(text_from(plain, n));
}

/* From where the one before was found: both stand in the same order but for what differs. */
static const struct config_place *find_place(const struct loaded *loaded, const char *path,
                                             size_t *from)
{
    for (size_t i = 0; i < loaded->n_places; i++) {
        const size_t at = (*from + i) % loaded->n_places;
        if (strcmp(loaded->places[at].path, path) != 0) continue;
        *from = at + 1;
        return &loaded->places[at];
    }
    return NULL;
}

/* Those of `a` that `b` has otherwise, or, where only that is asked, has not. */
static size_t tell_other(const struct loaded *a, const struct loaded *b, bool is_absent_only,
                         void (*tell)(void *, const char *), void *owner)
{
    size_t n = 0, from = 0;
    for (size_t i = 0; i < a->n_places; i++) {
        const struct config_place *place = &a->places[i];
        const struct config_place *other = find_place(b, place->path, &from);
        const struct schema_key *key = key_of(place->path);
        if (!key || key->offset == SCHEMA_NO_FIELD) continue;
        if (other && (is_absent_only || is_same(key->type, place->field, other->field))) continue;
        tell(owner, place->path);
        n++;
    }
    return n;
}

size_t config_differ(const struct config *a, const struct config *b,
                     void (*tell)(void *owner, const char *path), void *owner)
{
    return tell_other(loaded_of(a), loaded_of(b), false, tell, owner) +
           tell_other(loaded_of(b), loaded_of(a), true, tell, owner);
}
