/* SPDX-License-Identifier: Apache-2.0
 *
 * SIGHUP: the configuration is read again and checked whole. The log's level and format change at once;
 * of every other key that differs it is said that it waits for the next start. A file with faults changes
 * nothing. Secrets need no signal: they are read at each connect. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "app/host_inside.h"
#include "app/supervisor.h"
#include "base/log.h"
#include "config/difference.h"

static void refuse(const struct config_faults *faults)
{
    const size_t n = faults->n + faults->n_more;
    if (!faults->n) return;
    log_error("app", "the configuration has faults: nothing is changed",
              LOG_TEXT(FILE, faults->file), LOG_INT(LINE, faults->items[0].line),
              LOG_TEXT(REASON, faults->items[0].text), LOG_INT(COUNT, n));
}

static void tell(void *own, const char *path)
{
    const struct config *config = own;
    if (!strncmp(path, "log.", 4)) return;
    log_warn("app", "a key has changed that takes effect at the next start only",
             LOG_TEXT(KEY, path), LOG_TEXT(FILE, config->file));
}

static void apply(struct host *host, const struct config *config)
{
    static const char *const levels[] = {
        [WR_DEBUG] = "debug", [WR_INFO] = "info", [WR_WARN] = "warn", [WR_ERROR] = "error"
    };
    log_configure(config->log.level, config->log.format);
    host->self->log_level = config->log.level;
    host->self->log_format = config->log.format;
    log_info("app", "the configuration was read again", LOG_TEXT(FILE, config->file),
             LOG_TEXT(LEVEL, levels[config->log.level]));
}

static void on_signal(void *own, int number)
{
    struct host *host = own;
    struct config *config;
    struct config_faults faults = { 0 };
    (void)number;
    if (config_load(host->config->file, &config, &faults)) {
        apply(host, config);
        (void)config_differ(host->config, config, tell, config);
        config_free(config);
    } else {
        refuse(&faults);
    }
    config_faults_fini(&faults);
}

void reload_start(struct host *host)
{
    sigset_t hup;
    signal_watch_init(&host->on_hup, host->loop, SIGHUP, on_signal, host);
    sigemptyset(&hup);
    sigaddset(&hup, SIGHUP);
    pthread_sigmask(SIG_UNBLOCK, &hup, NULL); /* see supervisor.c: it may be waiting */
}

void reload_stop(struct host *host)
{
    signal_watch_fini(&host->on_hup);
}
