/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading small files whole; see file.h. */
#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

/* Opened without waiting, for a pipe with no writer would hold us; then made to wait if it may. */
static int open_file(const char *path, enum file_kind kind, struct status *status)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat about;
    const char *why = NULL;
    bool may_wait = kind == FILE_OR_PIPE;
    if (fd < 0 || fstat(fd, &about) < 0 || (may_wait && fcntl(fd, F_SETFL, 0) < 0))
        why = strerror(errno);
    else if (S_ISDIR(about.st_mode))
        why = "it is a directory";
    else if (!S_ISREG(about.st_mode) && !may_wait)
        why = "it is not a regular file";
    if (!why) return fd;
    status_fail(status, EXIT_CONFIG, "%s", why);
    if (fd >= 0) close(fd);
    return -1;
}

bool file_read(const char *path, enum file_kind kind, size_t most_bytes, char **text, size_t *len,
               struct status *status)
{
    int fd = open_file(path, kind, status);
    if (fd < 0) return false;
    char *bytes = memory_new(most_bytes + 2, 1); /* one more than allowed shows that it is more */
    size_t n = 0;
    ssize_t got = 1;
    while (n <= most_bytes && got != 0) {
        got = read(fd, bytes + n, most_bytes + 1 - n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) break;
        n += (size_t)got;
    }
    int failure = errno;
    close(fd);
    if (got >= 0 && n <= most_bytes) {
        *text = bytes;
        *len = n;
        return true;
    }
    explicit_bzero(bytes, n);
    free(bytes);
    if (got < 0) return status_fail(status, EXIT_CONFIG, "%s", strerror(failure));
    return status_fail(status, EXIT_CONFIG, "it is larger than %zu KiB", most_bytes / 1024);
}

char *file_path_from(const char *directory, const char *path)
{
    if (*path == '/' || strcmp(directory, ".") == 0) return memory_copy_text(path);
    const char *slash = directory[strlen(directory) - 1] == '/' ? "" : "/";
    if (strncmp(path, "./", 2) == 0 && path[2]) path += 2;
    size_t bytes = strlen(directory) + strlen(path) + 2;
    char *whole = memory_new(bytes, 1);
    snprintf(whole, bytes, "%s%s%s", directory, slash, path);
    return whole;
}

char *file_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash) return memory_copy_text(".");
    size_t len = slash == path ? 1 : (size_t)(slash - path);
    char *directory = memory_new(len + 1, 1);
    memcpy(directory, path, len);
    return directory;
}
