/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole small files into memory: the configuration and the secrets it names. Bounded, and never
 * waiting on a pipe unless that was asked for. */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum file_kind { FILE_REGULAR_ONLY, FILE_OR_PIPE };

/* `*text` is NUL-terminated on the heap, the caller's to free. The words of a fault are the reason
 * alone ("No such file or directory"): the caller knows what it was reading, and for what. */
bool file_read(const char *path, enum file_kind kind, size_t most_bytes, char **text, size_t *len,
               struct status *status) MUST_USE;

/* `path` as seen from `directory` where it is relative: on the heap, the caller's to free. */
char *file_path_from(const char *directory, const char *path);

/* The directory part of a path: "." where it has none. On the heap, the caller's to free. */
char *file_directory_of(const char *path);

#endif
