/* SPDX-License-Identifier: Apache-2.0
 *
 * See guard.h. A statement of a pipeline cannot be decided upon by the client before the next one runs,
 * so it has to fail by itself: what has moved is made into a text that is then read as a number. */
#include "store/guard.h"

#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "store/pack.h"

#define OID_TEXT_ARRAY 1009u
#define MARK "warrener:moved:"
#define TELL_MOST "50" /* of those that moved: an error's words are cut somewhere */
#define DIGITS 21

static const uint32_t types[] = { OID_TEXT_ARRAY, OID_TEXT_ARRAY, OID_TEXT_ARRAY };

/* In the order of their numbers, on every host. */
static const char claim_sql[] =
    "SELECT count(pg_advisory_xact_lock(h)) FROM (SELECT DISTINCT hashtextextended(k, 7163) AS h"
    " FROM unnest($1::text[]) k ORDER BY 1) x";

char *guard_make_check(const char *loader_sql)
{
    char *sql = NULL;
    CHECK(asprintf(&sql,
                   "SELECT ('" MARK "' || string_agg(m, ','))::int4 FROM (SELECT g.m FROM"
                   " unnest($1::text[], $2::text[], $3::text[]) AS g(k, v, m) LEFT JOIN (%s\n)"
                   " AS l(k, v, x) ON l.k::text = g.k"
                   " WHERE coalesce(l.v, 0) <> g.v::int8 LIMIT " TELL_MOST ") w"
                   " HAVING count(*) > 0",
                   loader_sql) >= 0);
    return sql;
}

/* ---- steps ------------------------------------------------------------------------------------- */

static struct wr_text number(struct arena *arena, uint64_t value)
{
    char *const digits = arena_take_bytes(arena, DIGITS);
    const int len = snprintf(digits, DIGITS, "%llu", (unsigned long long)value);
    return text_from(digits, (size_t)len);
}

/* Another table's keys are other keys. */
static struct wr_text claim_of(const struct parcel_guard *guard, struct arena *arena)
{
    const struct wr_text table = text_of(guard->loader->guards->table);
    const size_t bytes = table.len + 1 + guard->key.len;
    char *const text = arena_take_bytes(arena, bytes);
    memcpy(text, table.at, table.len);
    text[table.len] = ':';
    if (guard->key.len) memcpy(text + table.len + 1, guard->key.at, guard->key.len);
    return text_from(text, bytes);
}

struct parcel_step guard_claim_step(const struct guard_item *items, size_t n, struct arena *arena)
{
    struct wr_text *const keys = arena_take(arena, n * sizeof *keys);
    const char **const values = arena_take(arena, sizeof *values);
    int *const lengths = arena_take(arena, sizeof *lengths);
    for (size_t i = 0; i < n; i++) keys[i] = claim_of(items[i].guard, arena);
    pack_texts(keys, n, arena, values, lengths);
    return (struct parcel_step){ .name = "wr_claim",
                                 .sql = claim_sql,
                                 .n_values = 1,
                                 .types = types,
                                 .values = values,
                                 .lengths = lengths };
}

struct parcel_step guard_check_step(const struct loader *loader, const struct guard_item *items,
                                    size_t n, struct arena *arena)
{
    struct wr_text *const columns[3] = { arena_take(arena, n * sizeof(struct wr_text)),
                                         arena_take(arena, n * sizeof(struct wr_text)),
                                         arena_take(arena, n * sizeof(struct wr_text)) };
    const char **const values = arena_take(arena, 3 * sizeof *values);
    int *const lengths = arena_take(arena, 3 * sizeof *lengths);
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        if (items[i].guard->loader != loader) continue;
        columns[0][k] = items[i].guard->key;
        columns[1][k] = number(arena, items[i].guard->version);
        columns[2][k++] = number(arena, items[i].message);
    }
    for (int i = 0; i < 3; i++) pack_texts(columns[i], k, arena, &values[i], &lengths[i]);
    return (struct parcel_step){ .sql = loader->check_sql,
                                 .n_values = 3,
                                 .types = types,
                                 .values = values,
                                 .lengths = lengths,
                                 .is_check = true };
}

/* ---- answers ----------------------------------------------------------------------------------- */

/* The words around it are in whatever language the server speaks. */
size_t guard_read_moved(const char *text, uint32_t *messages, size_t room)
{
    const char *at = strstr(text, MARK);
    size_t n = 0;
    for (at = at ? at + sizeof MARK - 1 : ""; *at >= '0' && *at <= '9' && n < room;) {
        uint32_t message = 0;
        while (*at >= '0' && *at <= '9') message = message * 10 + (uint32_t)(*at++ - '0');
        messages[n++] = message;
        if (*at == ',') at++;
    }
    return n;
}
