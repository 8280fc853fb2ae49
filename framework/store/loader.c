/* SPDX-License-Identifier: Apache-2.0
 *
 * Declared loaders, checked and made ready; see loader.h. Their SQL is planned anew each time: a plan
 * made while a table was empty would read all of it for each key once it is full. */
#include "store/loader.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/text.h"
#include "store/guard.h"
#include "store/pack.h"
#include "store/statement.h"

#define OID_INT2 21u
#define OID_INT4 23u
#define OID_INT8 20u
#define OID_TEXT_ARRAY 1009u
#define HOLE "{key}"
#define COLUMNS 3

static const uint32_t types[] = { OID_TEXT_ARRAY };

struct maker {
    struct loader *loader;
    const struct wr_loader *declared;
    struct status *status;
};

PRINTF_LIKE(2, 3) static bool refuse(const struct maker *maker, const char *format, ...)
{
    char words[600];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(words, sizeof words, format, args);
    va_end(args);
    return status_fail(maker->status, EXIT_CONFIG, "loader %u (%s): %s", maker->loader->nth,
                       maker->declared->name, words);
}

/* ---- made -------------------------------------------------------------------------------------- */

static char *print(const char *before, struct wr_text sql, const char *after)
{
    char *text = NULL;
    CHECK(asprintf(&text, "%s%.*s%s", before, TEXT_ARGS(sql), after) >= 0);
    return text;
}

static bool take_sql(const struct maker *maker)
{
    const char *const sql = maker->declared->sql;
    size_t len = sql ? strlen(sql) : 0;
    while (len > 0 && strchr("; \t\r\n", sql[len - 1])) len--;
    if (len == 0)
        return refuse(maker, "it has no sql: give one that selects key, version and value of rows "
                             "whose key = any($1::text[])");
    if (!strstr(sql, "$1"))
        return refuse(maker, "its sql does not ask for keys: they are $1::text[]");
    const struct wr_text text = text_from(sql, len);
    maker->loader->sql = print("", text, "");
    maker->loader->look_sql = print("select * from (", text, "\n) l limit 0");
    return true;
}

static bool take_cache(const struct maker *maker)
{
    const struct wr_loader *const declared = maker->declared;
    if (!declared->cache_key) {
        if (declared->ttl_s > 0 || declared->absent_ttl_s > 0)
            return refuse(maker, "it says how long to cache, but no cache_key");
        return true;
    }
    if (!strstr(declared->cache_key, HOLE))
        return refuse(maker, "its cache_key \"%s\" has no {key} in it: all keys would be one",
                      declared->cache_key);
    if (declared->ttl_s == 0 && !declared->guards)
        return refuse(maker, "it has a cache_key and ttl_s 0, which would keep nothing: give one");
    maker->loader->cache_key = declared->cache_key;
    maker->loader->ttl_s = declared->ttl_s;
    maker->loader->absent_ttl_s = declared->absent_ttl_s;
    return true;
}

static bool take_guard(const struct maker *maker, const struct wr_sink *declared,
                       struct sink *const *sinks, unsigned n_sinks)
{
    const char *const table = maker->declared->guards;
    if (!table) return true;
    for (unsigned i = 0; i < n_sinks; i++) {
        if (strcmp(declared[i].table, table) != 0) continue;
        if (sinks[i]->n_key == 0)
            return refuse(maker, "it guards \"%s\", whose sink has no key to lock rows by", table);
        maker->loader->guards = sinks[i];
        maker->loader->check_sql = guard_make_check(maker->loader->sql);
        statement_make_hold(sinks[i]);
        return true;
    }
    return refuse(maker, "it guards \"%s\", which is the table of no sink of this handler", table);
}

struct loader *loader_new(const struct wr_loader *declared, unsigned nth,
                          const struct wr_sink *declared_sinks, struct sink *const *sinks,
                          unsigned n_sinks, struct status *status)
{
    struct loader *const loader = NEW(struct loader);
    loader->nth = nth;
    loader->name = declared->name;
    const struct maker maker = { loader, declared, status };
    if (take_sql(&maker) && take_cache(&maker) &&
        take_guard(&maker, declared_sinks, sinks, n_sinks))
        return loader;
    loader_free(loader);
    return NULL;
}

void loader_free(struct loader *loader)
{
    if (!loader) return;
    free(loader->sql);
    free(loader->look_sql);
    free(loader->check_sql);
    free(loader);
}

/* ---- keys in the cache ------------------------------------------------------------------------- */

size_t loader_cache_key_bytes(const struct loader *loader, struct wr_text key)
{
    return strlen(loader->cache_key) - (sizeof HOLE - 1) + key.len;
}

void loader_write_cache_key(const struct loader *loader, struct wr_text key, char *out)
{
    const char *const hole = strstr(loader->cache_key, HOLE);
    const char *const after = hole + sizeof HOLE - 1;
    const size_t before = (size_t)(hole - loader->cache_key);
    memcpy(out, loader->cache_key, before);
    memcpy(out + before, key.at, key.len);
    memcpy(out + before + key.len, after, strlen(after));
}

/* ---- questions --------------------------------------------------------------------------------- */

struct parcel_step loader_step(const struct loader *loader, const struct wr_text *keys, size_t n,
                               struct arena *arena)
{
    const char **const value = arena_take(arena, sizeof *value);
    int *const length = arena_take(arena, sizeof *length);
    pack_texts(keys, n, arena, value, length);
    return (struct parcel_step){
        .sql = loader->sql, .n_values = 1, .types = types, .values = value, .lengths = length
    };
}

struct parcel_step loader_look_step(const struct loader *loader)
{
    static const char *const null_value[] = { NULL };
    static const int no_length[] = { 0 };
    return (struct parcel_step){ .sql = loader->look_sql,
                                 .n_values = 1,
                                 .types = types,
                                 .values = null_value,
                                 .lengths = no_length };
}

void loader_judge_columns(int n, const uint32_t *of, char *out, size_t out_bytes)
{
    *out = '\0';
    if (n != COLUMNS)
        (void)snprintf(out, out_bytes,
                       "its sql gives %d column%s, and has to give three: key text, version "
                       "bigint, value text",
                       n, n == 1 ? "" : "s");
    else if (of[1] != OID_INT8 && of[1] != OID_INT4 && of[1] != OID_INT2)
        (void)snprintf(out, out_bytes,
                       "the second column of its sql is the version and has to be a bigint: cast "
                       "it, or select 0 where rows have none");
}
