/* SPDX-License-Identifier: Apache-2.0
 *
 * Shared by the tests of the configuration; see config_test.h. */
#include "unit/config/config_test.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "config/file.h"
#include "support/scratch.h"

static char *path_in(const char *directory, const char *name)
{
    return file_path_from(directory ? directory : ".", name);
}

static char *written(struct config_faults *faults)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    config_faults_write(faults, out);
    fclose(out);
    config_faults_fini(faults);
    return text;
}

char *faults_of(const char *yaml, const char *directory)
{
    struct config *config = NULL;
    struct config_faults faults = { 0 };
    char *path = path_in(directory, "w.yaml");
    bool is_well = config_parse(text_of(yaml), path, &config, &faults);
    cr_assert_eq(is_well, faults.n == 0);
    free(path);
    config_free(config);
    return written(&faults);
}

struct config *config_of(const char *yaml, const char *directory)
{
    struct config *config = NULL;
    struct config_faults faults = { 0 };
    char *path = path_in(directory, "w.yaml");
    bool is_well = config_parse(text_of(yaml), path, &config, &faults);
    free(path);
    char *told = written(&faults);
    cr_assert(is_well, "%s", told);
    free(told);
    return config;
}

char *make_directory(void)
{
    char *directory = malloc(SCRATCH_BYTES);
    cr_assert(directory);
    scratch_make(directory, "config");
    return directory;
}

void remove_directory(char *directory)
{
    scratch_remove(directory);
    free(directory);
}

void write_file(const char *directory, const char *name, const char *text)
{
    char *path = path_in(directory, name);
    FILE *file = fopen(path, "w");
    cr_assert_not_null(file);
    fputs(text, file);
    fclose(file);
    free(path);
}

char *read_sample(const char *name)
{
    char *path = path_in(TEST_SOURCE "/unit/config", name), *text = NULL;
    size_t len = 0;
    struct status status = { 0 };
    cr_assert(file_read(path, FILE_REGULAR_ONLY, 1024 * 1024, &text, &len, &status), "%s: %s", path,
              status.text);
    free(path);
    return text;
}
