/* SPDX-License-Identifier: Apache-2.0
 *
 * warrener run: the host in the foreground. A server that is away means not ready and waiting, never
 * an exit. */
#include <stdlib.h>
#include <unistd.h>

#include "app/command.h"
#include "app/host.h"
#include "base/log.h"

static enum exit_status run(const struct config *config, const struct handlers *handlers)
{
    struct status status = { 0 };
    struct host *host = host_new(config, handlers, &status);
    if (!host) return command_fail(&status);
    const enum exit_status exit = host_run(host);
    if (host_close(host)) return exit;
    log_error("app", "a handler does not come back and is left behind");
    _exit((int)exit); /* it still runs: nothing it may use can be taken apart */
}

enum exit_status command_run(int argc, char **argv)
{
    const struct flag flags[] = { { 0 } };
    const char *file = NULL;
    enum exit_status exit;
    if (!command_read_line(argc, argv, flags, &file, &exit)) return exit;
    struct config *config;
    struct handlers handlers;
    if (!handlers_load_all(config_find(file), &config, &handlers)) return EXIT_CONFIG;
    log_configure(config->log.level, config->log.format);
    exit = run(config, &handlers);
    handlers_free(&handlers);
    config_free(config);
    return exit;
}
