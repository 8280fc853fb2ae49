/* SPDX-License-Identifier: Apache-2.0
 *
 * A blocking connection to PostgreSQL, for commands that are at an end without it. Its lock is the
 * session's, so it has to be a direct one: what pools connections is found out and refused. */
#ifndef STORE_MIGRATE_LINK_H
#define STORE_MIGRATE_LINK_H

#include <libpq-fe.h>
#include <stdio.h>

#include "base/status.h"
#include "base/text.h"

struct migrate_link;

/* What the server has to say beside its answers (NOTICE, WARNING) goes to `words`. */
MUST_USE bool migrate_link_open(const char *conninfo, const char *application_name, FILE *words,
                                struct migrate_link **out, struct status *status);
void migrate_link_close(struct migrate_link *link);               /* NULL is fine */
const char *migrate_link_server(const struct migrate_link *link); /* no secrets */
PGconn *migrate_link_conn(struct migrate_link *link);

/* Notices are told as being about this (borrowed) from now on. */
void migrate_link_about(struct migrate_link *link, const char *about);

/* One statement of ours with parameters: text, or bytes where `sql` takes bytea. NULL where it failed:
 * "cannot WHAT: …". */
#define MIGRATE_PARAMETERS_MOST 8
struct migrate_parameter {
    struct wr_text value;
    bool is_bytes;
};
MUST_USE PGresult *migrate_link_ask(struct migrate_link *link, const char *what, const char *sql,
                                    const struct migrate_parameter *parameters, size_t n,
                                    struct status *status);
/* Several statements, whose results nobody wants. */
MUST_USE bool migrate_link_do(struct migrate_link *link, const char *what, const char *sql,
                              struct status *status);

/* The connection went: what was asked last may have been done or not. */
bool migrate_link_is_lost(const struct migrate_link *link);
/* "message (SQLSTATE)", its detail and hint, a line each; secrets hidden. Returns out. */
const char *migrate_link_words(const struct migrate_link *link, const PGresult *result, char *out,
                               size_t out_bytes);

/* One migrate at a time in this database; who waits says so, and for whom. */
MUST_USE bool migrate_link_lock(struct migrate_link *link, struct status *status);

#endif
