/* SPDX-License-Identifier: Apache-2.0
 *
 * One file applied: in one transaction with its line in the books, or, where it asks for none,
 * statement by statement and then the line. */
#ifndef STORE_MIGRATION_RUN_H
#define STORE_MIGRATION_RUN_H

#include "store/migrate_link.h"
#include "store/migration_files.h"

/* Errors are told as FILE:LINE:COLUMN, with what was done of the file. */
MUST_USE bool migration_run(struct migrate_link *link, const char *home,
                            const struct migration_file *file, uint64_t *took_ms,
                            struct status *status);

#endif
