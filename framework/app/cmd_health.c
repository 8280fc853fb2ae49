/* SPDX-License-Identifier: Apache-2.0
 *
 * warrener health: asks a running host how it is, for places that have nothing else to ask with, such as
 * a container's health check. It asks /livez, which never depends on a server: a health check that
 * restarts what it finds ill must not restart a host that waits for its database. */
#include <stdio.h>
#include <string.h>

#include "app/ask.h"
#include "app/command.h"
#include "config/config.h"
#include "config/url.h"

#define DEADLINE_MS 4000
#define PORT_USUAL 9187
#define ANSWER_BYTES 8192

struct target {
    char host[256], path[512];
    uint16_t port;
};

static bool take_url(const char *text, struct target *target, struct status *status)
{
    struct url url;
    if (!url_parse(text_of(text), &url, status)) {
        status->exit = EXIT_USAGE;
        return false;
    }
    bool is_well = true;
    if (strcmp(url.scheme, "http") != 0 || !url.host[0])
        is_well = status_fail(status, EXIT_USAGE,
                              "--url: http://HOST:PORT was expected, as in http://127.0.0.1:9187");
    snprintf(target->host, sizeof target->host, "%s", url.host);
    snprintf(target->path, sizeof target->path, "%s", url.path[0] ? url.path : "/livez");
    target->port = url.port ? url.port : PORT_USUAL;
    url_fini(&url);
    return is_well;
}

/* An address that means any is asked by way of the loopback. */
static bool take_listen(const char *file, struct target *target, struct status *status)
{
    struct config *config;
    struct config_faults faults = { 0 };
    if (!config_load(config_find(file), &config, &faults)) {
        config_faults_write(&faults, stderr);
        config_faults_fini(&faults);
        return status_fail(status, EXIT_CONFIG,
                           "the configuration does not say where to ask; or give --url");
    }
    config_faults_fini(&faults);
    const char *host = config->http.listen.host;
    const bool is_any4 = !strcmp(host, "0.0.0.0"), is_any6 = !strcmp(host, "::");
    snprintf(target->host, sizeof target->host, "%s",
             is_any4   ? "127.0.0.1"
             : is_any6 ? "::1"
                       : host);
    snprintf(target->path, sizeof target->path, "/livez");
    target->port = config->http.listen.port;
    config_free(config);
    return target->port != 0 ||
           status_fail(status, EXIT_USAGE,
                       "http.listen has port 0, which is any free one: give --url");
}

enum exit_status command_health(int argc, char **argv)
{
    const char *file = NULL, *url = NULL;
    const struct flag flags[] = {
        { "--url", "URL", "http://HOST:PORT, and a page if not /livez; default: http.listen",
          FLAG_TEXT, &url },
        { 0 },
    };
    enum exit_status exit;
    if (!command_read_line(argc, argv, flags, &file, &exit)) return exit;
    struct target target = { 0 };
    struct status status = { 0 };
    if (!(url ? take_url(url, &target, &status) : take_listen(file, &target, &status)))
        return command_fail(&status);
    char text[ANSWER_BYTES];
    struct answer_page page = { .text = text, .room = sizeof text };
    if (!ask_page(target.host, target.port, target.path, DEADLINE_MS, &page, &status))
        return command_fail(&status);
    fputs(page.body, page.status == 200 ? stdout : stderr);
    return page.status == 200 ? EXIT_WELL : EXIT_UNREACHABLE;
}
