/* SPDX-License-Identifier: Apache-2.0
 *
 * Which running host a command means: the one at --url, else the one that the configuration describes,
 * else, where there is no configuration, one at the usual port of this machine. */
#ifndef APP_TARGET_H
#define APP_TARGET_H

#include <stdint.h>

#include "base/status.h"

struct target {
    char host[256], path[512];
    uint16_t port;
};

/* `url` and `file` (of -c) may be NULL. `path` is asked where the URL has none. */
MUST_USE bool target_find(const char *url, const char *file, const char *path,
                          struct target *target, struct status *status);

#endif
