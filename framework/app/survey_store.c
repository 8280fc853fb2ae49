/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking at the database; see survey_store.h. */
#include "app/survey_store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "store/survey.h"

#define CONNECT_MS 10000
#define CONNINFO_BYTES 8192

static void on_word(void *own, enum store_word word, const char *text)
{
    static const char *const before[] = {
        [STORE_SAYS] = "", [STORE_WARNS] = "warning: ", [STORE_DIFFERS] = "", [STORE_AWAY] = ""
    };
    (void)own;
    printf("postgres: %s%s\n", before[word], text);
}

static struct catalogue_target *make_targets(const struct handlers *handlers, size_t *n)
{
    struct catalogue_target *targets = memory_new(handlers->n + 1, sizeof *targets);
    *n = 0;
    for (size_t i = 0; i < handlers->n; i++) {
        const struct handler_in_use *use = &handlers->at[i];
        if (handler_needs_store(use))
            targets[(*n)++] = (struct catalogue_target){
                .consumer = use->consumer->name,
                .sinks = use->sinks,
                .n_sinks = use->n_sinks,
                .loaders = use->loaders,
                .n_loaders = use->n_loaders,
            };
    }
    return targets;
}

enum exit_status survey_store(const struct config *config, const struct handlers *handlers)
{
    if (!handlers_need_store(handlers)) return EXIT_WELL;
    const struct store_settings settings = {
        .connections = 1,
        .timeout_ms = (uint32_t)config->postgres.timeout_ms,
        .connect_ms = CONNECT_MS,
        .name = config->name,
    };
    struct status status;
    char conninfo[CONNINFO_BYTES];
    if (!config_resolve_postgres(config, false, conninfo, sizeof conninfo, &status)) {
        printf("%s\n", status.text);
        return EXIT_CONFIG;
    }
    size_t n;
    struct catalogue_target *targets = make_targets(handlers, &n);
    const enum exit_status exit = store_survey(conninfo, &settings, targets, n, on_word, NULL);
    explicit_bzero(conninfo, sizeof conninfo);
    free(targets);
    return exit;
}
