/* SPDX-License-Identifier: Apache-2.0
 *
 * Every fault of a configuration, gathered before any is told. Each names its place and its key; a
 * place of line 0 is the file as a whole. Text given here holds no secrets: the caller's duty. */
#ifndef CONFIG_FAULTS_H
#define CONFIG_FAULTS_H

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include "base/status.h"

#define CONFIG_FAULTS_MAX 100 /* more are only counted */

struct config_fault {
    int line, column; /* from 1; 0: the file as a whole */
    size_t nth;       /* as they were found, so that sorting keeps their order */
    char *text;       /* "consumers[0].prefetch: 0 is out of range; ..." */
};

/* Zeroed is empty. */
struct config_faults {
    char *file; /* as it was named to us; NULL until a file is read */
    struct config_fault *items;
    size_t n, n_more; /* kept, and found beyond CONFIG_FAULTS_MAX */
    /* Top keys, ends with NULL: faults of other known ones are not kept. NULL: all are. */
    const char *const *only;
};

void config_faults_open(struct config_faults *faults,
                        const char *file); /* empties, names the file */
void config_faults_fini(struct config_faults *faults);

/* `key` may be NULL. */
void config_faults_add(struct config_faults *faults, int line, int column, const char *key,
                       const char *format, ...) PRINTF_LIKE(5, 6);
void config_faults_vadd(struct config_faults *faults, int line, int column, const char *key,
                        const char *format, va_list args) PRINTF_LIKE(5, 0);

void config_faults_sort(struct config_faults *faults); /* by line and column */

/* One "file:line:column: key: words" a line, then "and N more". */
void config_faults_write(const struct config_faults *faults, FILE *out);

#endif
