/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the configuration share: texts in, faults out as one text. */
#ifndef CONFIG_TEST_H
#define CONFIG_TEST_H

#include "config/config.h"

/* All faults of `yaml` as they are written, for a file named w.yaml in `directory` (NULL: none, and
 * the faults begin with "w.yaml"); "" where there are none. The caller frees it. */
char *faults_of(const char *yaml, const char *directory);

/* The configuration of a good `yaml`; fails the test with the faults where it is not. */
struct config *config_of(const char *yaml, const char *directory);

/* A new directory under the system's place for such; remove_directory takes it away with the files
 * in it. */
char *make_directory(void);
void remove_directory(char *directory);
void write_file(const char *directory, const char *name, const char *text);

/* A file beside these tests, whole; the caller frees it. */
char *read_sample(const char *name);

#endif
