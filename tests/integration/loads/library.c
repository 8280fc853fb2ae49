/* SPDX-License-Identifier: Apache-2.0
 *
 * See library.h. The database is named after the play, and goes with it. */
#include "library.h"

#include <stdlib.h>

bool library_open(struct library *library, const char *name, bool has_redis)
{
    *library = (struct library){ .redis = { 0 } };
    if (!getenv("DATABASE_URL") || (has_redis && !getenv("REDIS_URL"))) {
        fputs("no DATABASE_URL, or no REDIS_URL: passed over\n", stderr);
        return false;
    }
    if (!play_open(&library->play, name)) return false;
    postgres_make(&library->db, library->play.queue);
    if (has_redis) redis_start(&library->redis, NULL);
    const int n =
        snprintf(library->top, sizeof library->top, "postgres: {url: \"%s\"}\n", library->db.url);
    if (has_redis)
        snprintf(library->top + n, sizeof library->top - (size_t)n,
                 "redis: {url: \"redis://127.0.0.1:%u/0\", timeout: 10s}\n", library->redis.port);
    return true;
}

void library_configure(struct library *library, const char *handler, const char *consumer)
{
    char output[2000];
    play_configure(&library->play, &(struct setup){ .handler = handler,
                                                    .top = library->top,
                                                    .consumer = *consumer ? consumer : NULL });
    PROVE(&library->play, RUN(&library->play, output, "migrate") == 0, "%s", output);
}

void library_close(struct library *library)
{
    play_close(&library->play);
    if (*library->redis.dir) redis_end(&library->redis); /* also where the test has killed it */
    postgres_drop(&library->db);
}
