/* SPDX-License-Identifier: Apache-2.0
 *
 * One GET of a running host's page, for commands: it blocks, up to a deadline for the whole of it, and
 * knows just as much of HTTP as the host's own pages need. */
#ifndef APP_ASK_H
#define APP_ASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct answer_page {
    int status;       /* 200, 503, … */
    const char *body; /* within `text` */
    char *text;       /* room for the whole answer, the caller's; what is longer is cut off */
    size_t room;
};

/* False: no answer; EXIT_UNREACHABLE, naming host and port. `host` is a name or an address. */
bool ask_page(const char *host, uint16_t port, const char *path, uint32_t deadline_ms,
              struct answer_page *page, struct status *status) MUST_USE;

#endif
