/* SPDX-License-Identifier: Apache-2.0
 *
 * warrener check: every fault of the configuration and its handlers, and with --connect what differs
 * on the servers. */
#include <stdio.h>

#include "app/command.h"
#include "app/handlers.h"
#include "app/survey_broker.h"
#include "app/survey_cache.h"
#include "app/survey_store.h"

static void introduce(const struct config *config, const struct handlers *handlers)
{
    for (size_t i = 0; i < handlers->n; i++) {
        const struct config_consumer *consumer = handlers->at[i].consumer;
        const struct wr_handler *handler = plugin_handler(handlers->at[i].plugin);
        printf("%s: handler %s%s%s, %lld lane%s, prefetch %u\n", consumer->queue, handler->name,
               handler->version ? " " : "", handler->version ? handler->version : "",
               (long long)consumer->lanes, consumer->lanes == 1 ? "" : "s",
               config_prefetch(config, consumer, handlers->at[i].n_sinks > 0));
    }
    printf("%s: well\n", config->file);
}

/* All are looked at; what differs says more than what is away. */
static enum exit_status survey_all(const struct config *config, const struct handlers *handlers)
{
    const enum exit_status found[] = { survey_broker(config, handlers),
                                       survey_store(config, handlers), survey_cache(config) };
    enum exit_status worst = EXIT_WELL;
    for (size_t i = 0; i < sizeof found / sizeof *found; i++)
        if (found[i] != EXIT_WELL && worst != EXIT_CONFIG) worst = found[i];
    return worst;
}

enum exit_status command_check(int argc, char **argv)
{
    bool connect = false;
    const struct flag flags[] = {
        { "--connect", NULL, "also reach the servers, and compare queues and tables", FLAG_YES,
          &connect },
        { 0 },
    };
    const char *file = NULL;
    enum exit_status exit;
    if (!command_read_line(argc, argv, flags, &file, &exit)) return exit;
    struct config *config;
    struct handlers handlers;
    if (!handlers_load_all(config_find(file), &config, &handlers)) return EXIT_CONFIG;
    introduce(config, &handlers);
    exit = connect ? survey_all(config, &handlers) : EXIT_WELL;
    handlers_free(&handlers);
    config_free(config);
    return exit;
}
