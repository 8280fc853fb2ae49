/* SPDX-License-Identifier: Apache-2.0
 *
 * warrener version: what this program is made of. */
#include <stdio.h>

#include <warrener/handler.h>

#include "amqp/version.h"
#include "app/command.h"
#include "cache/resp.h"
#include "config/yaml.h"
#include "net/loop.h"
#include "net/tls.h"
#include "store/store.h"

enum exit_status command_version(int argc, char **argv)
{
    const struct flag flags[] = { { 0 } };
    enum exit_status exit;
    if (!command_read_line(argc, argv, flags, NULL, &exit)) return exit;
    printf("warrener %s\n", WARRENER_VERSION);
    printf("handler ABI %d.%d\n", WR_ABI_MAJOR, WR_ABI_MINOR);
    printf("rabbitmq-c %s\n", amqp_library_version());
    printf("libpq %s\n", store_library_version());
    printf("libevent %s\n", loop_library_version());
    printf("hiredis %s\n", resp_library_version());
    printf("libyaml %s\n", yaml_library_version());
    printf("%s\n", tls_library_version());
    return EXIT_WELL;
}
