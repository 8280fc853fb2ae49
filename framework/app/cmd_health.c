/* SPDX-License-Identifier: Apache-2.0
 *
 * warrener health: asks a running host how it is, for places that have nothing else to ask with, such as
 * a container's health check. It asks /livez, which never depends on a server: a health check that
 * restarts what it finds ill must not restart a host that waits for its database. */
#include <stdio.h>

#include "app/ask.h"
#include "app/command.h"
#include "app/target.h"

#define DEADLINE_MS 4000
#define ANSWER_BYTES 8192

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
    if (!target_find(url, file, "/livez", &target, &status)) return command_fail(&status);
    char text[ANSWER_BYTES];
    struct answer_page page = { .text = text, .room = sizeof text };
    if (!ask_page(target.host, target.port, target.path, DEADLINE_MS, &page, &status))
        return command_fail(&status);
    fputs(page.body, page.status == 200 ? stdout : stderr);
    return page.status == 200 ? EXIT_WELL : EXIT_UNREACHABLE;
}
