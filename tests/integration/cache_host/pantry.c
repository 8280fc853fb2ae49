/* SPDX-License-Identifier: Apache-2.0
 *
 * See pantry.h. */
#include "pantry.h"

#include <stdlib.h>
#include <string.h>

static const char tables[] =
    "create table cup (id text primary key, n bigint, ver bigint not null);"
    "create table first (id text primary key, n bigint, ver bigint not null);"
    "create table total (id text primary key, n bigint, ver bigint not null);"
    "create table around (id text primary key, n bigint, ver bigint not null);"
    "create table cart (user_id bigint primary key, ver bigint not null);"
    "create table cart_line (user_id bigint, sku text, n bigint, primary key (user_id, sku));";

bool open_pantry(struct pantry *pantry, const char *name, const char *handler, const char *redis,
                 bool has_store)
{
    char top[800], output[2000];
    *pantry = (struct pantry){ .redis = { 0 } };
    if (!getenv("REDIS_URL") || (has_store && !getenv("DATABASE_URL"))) {
        fputs("no REDIS_URL, or no DATABASE_URL: passed over\n", stderr);
        return false;
    }
    if (!play_open(&pantry->play, name)) return false;
    redis_start(&pantry->redis, NULL);
    int n = snprintf(top, sizeof top, "redis: {url: \"redis://127.0.0.1:%u/0\", %s%s}",
                     pantry->redis.port, strstr(redis, "timeout:") ? "" : "timeout: 10s, ", redis);
    if (has_store) {
        postgres_make(&pantry->db, pantry->play.queue);
        snprintf(top + n, sizeof top - (size_t)n, "\npostgres: {url: \"%s\"}", pantry->db.url);
    }
    play_configure(&pantry->play, &(struct setup){ .handler = handler, .top = top });
    if (has_store) PROVE(&pantry->play, RUN(&pantry->play, output, "migrate") == 0, "%s", output);
    return true;
}

void pantry_make_tables(struct pantry *pantry)
{
    sql(pantry->db.conn, "%s", tables);
}

void close_pantry(struct pantry *pantry)
{
    play_close(&pantry->play);
    redis_end(&pantry->redis);
    postgres_drop(&pantry->db);
}
