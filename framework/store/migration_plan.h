/* SPDX-License-Identifier: Apache-2.0
 *
 * The files of a home beside what its database says was applied: what is to do, and what must not be
 * done. Pure. */
#ifndef STORE_MIGRATION_PLAN_H
#define STORE_MIGRATION_PLAN_H

#include "store/fault_list.h"
#include "store/migration_files.h"

struct migration_applied {
    int64_t number;
    char *name, *checksum;
    char *at; /* when, for people */
    int64_t took_ms;
};

enum migration_state {
    MIGRATION_APPLIED,
    MIGRATION_PENDING,
    MIGRATION_CHANGED, /* applied, and different now */
    MIGRATION_LATE,    /* not applied, though a later one is */
    MIGRATION_MISSING, /* applied, and not here: by a newer release, or an older one */
};
const char *migration_state_name(enum migration_state state);

struct migration_step {
    enum migration_state state;
    const struct migration_file *file; /* NULL: missing */
    const char *checksum;              /* of the file */
    const struct migration_applied *applied;
};

struct migration_plan {
    const char *home;
    struct migration_step *at; /* by number */
    size_t n, n_pending;
};

/* `checksums` are the files'; `applied` is sorted by number. Everything is borrowed. */
struct migration_plan migration_plan_make(const struct migration_files *files,
                                          char *const *checksums,
                                          const struct migration_applied *applied,
                                          size_t n_applied);
void migration_plan_free(struct migration_plan *plan);

/* Why nothing may be applied: changed and late files, each with the way out. */
void migration_plan_judge(const struct migration_plan *plan, struct fault_list *faults);

#endif
