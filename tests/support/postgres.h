/* SPDX-License-Identifier: Apache-2.0
 *
 * A database of one test's own on the server at DATABASE_URL, and a line to it for looking. */
#ifndef SUPPORT_POSTGRES_H
#define SUPPORT_POSTGRES_H

#include <libpq-fe.h>

struct postgres {
    PGconn *conn, *admin; /* to it; to the server's own. NULL: it is not made */
    char name[80], url[300];
};

/* Named after `name`, its odd characters made even; what an earlier run left of that name goes. */
void postgres_make(struct postgres *postgres, const char *name);
void postgres_drop(struct postgres *postgres); /* with who is still connected; none is fine */

/* How many of those who work in it wait for a lock. */
long postgres_blocked(const struct postgres *postgres);

/* The first value of the first row, or "", until the next but seven. */
const char *sql(PGconn *conn, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
