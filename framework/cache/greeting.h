/* SPDX-License-Identifier: Apache-2.0
 *
 * The first words on a connection: who we are, which database, who answers, and our scripts. They are
 * sent in one go, and answered in that order. A cluster and a replica are refused here, in words.
 * Pure but for the bytes. */
#ifndef CACHE_GREETING_H
#define CACHE_GREETING_H

#include "base/status.h"
#include "cache/resp.h"

enum cache_script { CACHE_SCRIPT_WRITE, CACHE_SCRIPT_LOOKUP, CACHE_SCRIPTS };

struct greeting_terms {
    const char *user, *password; /* NULL: not given */
    unsigned database;
    const char *name; /* seen in CLIENT LIST */
};

struct greeting { /* zeroed by greeting_begin */
    char version[32];
    char scripts[CACHE_SCRIPTS][41]; /* by which they are called */
    int64_t server_us;               /* TIME */
    unsigned at, n;                  /* which answer comes next, of how many */
    unsigned char steps[8];
    bool is_refusal; /* why it failed is nothing that waiting mends */
};

/* Adds all of it to `out`. */
void greeting_begin(struct greeting *greeting, const struct greeting_terms *terms,
                    struct evbuffer *out);

enum greeting_result { GREETING_GOES_ON, GREETING_DONE, GREETING_FAILED };
enum greeting_result greeting_take(struct greeting *greeting, const struct resp_value *reply,
                                   struct status *status);

/* "SCRIPT LOAD": what Redis answers is the name to call it by. */
void greeting_load_script(enum cache_script script, struct resp_command *command);
/* The answer to it; false: it is none. */
bool greeting_take_script(struct greeting *greeting, enum cache_script script,
                          const struct resp_value *reply);
/* The answer to TIME, in µs since 1970; false: it is none. */
bool greeting_read_time(const struct resp_value *items, size_t n, int64_t *server_us);

#endif
