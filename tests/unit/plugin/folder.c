/* SPDX-License-Identifier: Apache-2.0
 *
 * Folders of plugins; see folder.h. */
#include "unit/plugin/folder.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include <criterion/criterion.h>

void folder_make(struct folder *folder)
{
    scratch_make(folder->path, "plugins");
}

void folder_remove(struct folder *folder)
{
    scratch_remove(folder->path);
}

const char *folder_path(const struct folder *folder, const char *file)
{
    static char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", folder->path, file);
    return path;
}

const char *folder_add(const struct folder *folder, const char *from, const char *name,
                       const char *as)
{
    char source[PATH_MAX], file[128];
    snprintf(source, sizeof source, "%s/%s.so", from, name);
    snprintf(file, sizeof file, "%s.so", as);
    const char *const path = folder_path(folder, file);
    const int in = open(source, O_RDONLY | O_CLOEXEC);
    const int out = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    cr_assert(in >= 0 && out >= 0, "%s -> %s", source, path);
    struct stat found;
    cr_assert_eq(fstat(in, &found), 0);
    for (off_t left = found.st_size; left > 0;) {
        const ssize_t n = sendfile(out, in, NULL, (size_t)left);
        cr_assert(n > 0);
        left -= n;
    }
    cr_assert_eq(fchmod(out, 0644), 0);
    close(in);
    close(out);
    return path;
}
