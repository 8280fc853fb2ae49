/* SPDX-License-Identifier: Apache-2.0
 *
 * warrener run: the host under its supervisor, in the foreground. A server that is away means not ready
 * and waiting, never an exit. Here is all that the host's own process does, from its first step to its
 * last. */
#include <stdlib.h>

#include "app/command.h"
#include "app/host.h"
#include "app/record_file.h"
#include "app/supervisor.h"
#include "flow/crash_thread.h"

/* Where a handler still runs, nothing that it may use can be taken apart: the process ends at once. */
static enum exit_status run(const struct config *config, const struct handlers *handlers,
                            struct supervised *self)
{
    struct status status = { 0 };
    struct host *host = host_new(config, handlers, self, &status);
    if (!host) return command_fail(&status);
    const enum exit_status exit = host_run(host);
    if (host_close(host)) return exit;
    log_error("app", "a handler does not come back and is left behind");
    supervised_leave(self, exit);
}

static void tell_log(struct supervised *self, const struct config *config)
{
    log_configure(config->log.level, config->log.format);
    self->log_level = config->log.level;
    self->log_format = config->log.format;
    self->has_log = true;
}

static enum exit_status run_configured(const struct config *config, const struct handlers *handlers,
                                       struct supervised *self)
{
    struct status status = { 0 };
    tell_log(self, config);
    if (config->state && !record_file_open(self, config->state, config->name, &status))
        return command_fail(&status);
    return run(config, handlers, self);
}

static enum exit_status be_host(void *own, struct supervised *self)
{
    struct config *config;
    struct handlers handlers;
    struct crash_stack stack;
    if (!handlers_load_all(config_find(own), &config, &handlers)) return EXIT_CONFIG;
    crash_stack_open(&stack);
    const enum exit_status exit = run_configured(config, &handlers, self);
    crash_stack_close(&stack);
    handlers_free(&handlers);
    config_free(config);
    return exit;
}

enum exit_status command_run(int argc, char **argv)
{
    const struct flag flags[] = { { 0 } };
    const char *file = NULL;
    enum exit_status exit;
    if (!command_read_line(argc, argv, flags, &file, &exit)) return exit;
    return supervisor_run(be_host, (void *)file);
}
