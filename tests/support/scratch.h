/* SPDX-License-Identifier: Apache-2.0
 *
 * A directory that is a test's alone. Its name stands in faults, which have an end, so it is short: a
 * TMPDIR that is long is passed over. */
#ifndef SUPPORT_SCRATCH_H
#define SUPPORT_SCRATCH_H

#include <criterion/criterion.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCRATCH_TMP_MOST 40
#define SCRATCH_BYTES 80

static inline void scratch_make(char out[static SCRATCH_BYTES], const char *name)
{
    const char *tmp = getenv("TMPDIR");
    if (!tmp || !*tmp || strlen(tmp) > SCRATCH_TMP_MOST) tmp = "/tmp";
    const int n = snprintf(out, SCRATCH_BYTES, "%s/warrener-%s.XXXXXX", tmp, name);
    cr_assert(n < SCRATCH_BYTES && mkdtemp(out), "%s cannot be made", out);
}

static inline int scratch_drop(const char *path, const struct stat *stat, int kind, struct FTW *at)
{
    (void)stat;
    (void)kind;
    (void)at;
    (void)remove(path);
    return 0;
}

/* With all that is in it. */
static inline void scratch_remove(const char *dir)
{
    (void)nftw(dir, scratch_drop, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
