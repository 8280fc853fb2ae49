/* SPDX-License-Identifier: Apache-2.0
 *
 * Finding the host that is meant; see target.h. */
#include "app/target.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config/config.h"
#include "config/url.h"

#define PORT_USUAL 9187

static bool take_url(const char *text, const char *path, struct target *target,
                     struct status *status)
{
    struct url url;
    struct status why;
    if (!url_parse(text_of(text), &url, &why))
        return status_fail(status, EXIT_USAGE,
                           "--url: %s; http://HOST:PORT was expected, as in http://127.0.0.1:9187",
                           why.text);
    bool is_well = true;
    if (strcmp(url.scheme, "http") != 0 || !url.host[0])
        is_well = status_fail(status, EXIT_USAGE,
                              "--url: http://HOST:PORT was expected, as in http://127.0.0.1:9187");
    snprintf(target->host, sizeof target->host, "%s", url.host);
    snprintf(target->path, sizeof target->path, "%s", url.path[0] ? url.path : path);
    target->port = url.port ? url.port : PORT_USUAL;
    url_fini(&url);
    return is_well;
}

/* An address that means any is asked by way of the loopback. */
static bool take_listen(const char *file, const char *path, struct target *target,
                        struct status *status)
{
    static const char *const sections[] = { "http", NULL };
    struct config *config;
    struct config_faults faults = { 0 };
    if (!config_load_part(config_find(file), sections, &config, &faults)) {
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
    snprintf(target->path, sizeof target->path, "%s", path);
    target->port = config->http.listen.port;
    config_free(config);
    return target->port != 0 ||
           status_fail(status, EXIT_USAGE,
                       "http.listen has port 0, which is any free one: give --url");
}

bool target_find(const char *url, const char *file, const char *path, struct target *target,
                 struct status *status)
{
    if (url) return take_url(url, path, target, status);
    if (file || access(config_find(NULL), F_OK) == 0)
        return take_listen(file, path, target, status);
    *target = (struct target){ .host = "127.0.0.1", .port = PORT_USUAL };
    snprintf(target->path, sizeof target->path, "%s", path);
    return true;
}
