/* SPDX-License-Identifier: Apache-2.0
 *
 * Migrations: the host's own, then those of a directory, each applied once in the order of their
 * numbers, however many run this at the same time. It blocks, and a failure leaves with the
 * connection: meant for a command of its own. */
#ifndef STORE_MIGRATE_H
#define STORE_MIGRATE_H

#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

struct migrate_settings {
    const char *conninfo; /* a direct connection, of a role that may create what the files create */
    const char *directory; /* NULL: the host's own alone */
    const char *name;      /* application_name */
    int64_t keep_days;     /* the inbox is tended at the end */
    FILE *out, *words;     /* what was done; what the server says, and whom we wait for */
};

MUST_USE bool migrate_apply(const struct migrate_settings *settings, struct status *status);
/* A list of what is applied and what is not; changes nothing. False, after the list, also where
 * something of it could not be applied. */
MUST_USE bool migrate_list(const struct migrate_settings *settings, struct status *status);

#endif
