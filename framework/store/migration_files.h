/* SPDX-License-Identifier: Apache-2.0
 *
 * The numbered files of one home: read whole, names and numbers checked, in order. Gaps are allowed;
 * files that do not end in .sql are not looked at. Nothing here asks a server. */
#ifndef STORE_MIGRATION_FILES_H
#define STORE_MIGRATION_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "base/asset.h"
#include "base/status.h"

#define MIGRATION_OWN_HOME "warrener" /* of the host's own files, which are built in: */
extern const struct asset own_migrations[];
#define MIGRATION_FILE_BYTES_MOST (64 << 20)

struct migration_file {
    int64_t number;
    char *name;           /* "0001_login.sql" */
    char *path;           /* for people: "sql/workers/0001_login.sql" */
    struct wr_text text;  /* UTF-8, without NUL; ours */
    bool has_transaction; /* its first line is not `-- no-transaction` */
};

struct migration_files {
    char *home;
    struct migration_file *at; /* by number */
    size_t n;
};

/* Every fault at once, a line each. What was read is given back with migration_files_free either way. */
MUST_USE bool migration_files_read(const char *directory, struct migration_files *out,
                                   struct status *status);
/* The same for what is built in; a table that ends with a NULL name. */
MUST_USE bool migration_files_from(const struct asset *assets, const char *home,
                                   struct migration_files *out, struct status *status);
void migration_files_free(struct migration_files *files);

#endif
