/* SPDX-License-Identifier: Apache-2.0
 *
 * Standard streams; see standard.h. */
#include "app/standard.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define LEAST_FILES                                                                                \
    24 /* a host with one consumer and a database: some more for each lane and server */

/* Reading what was closed fails as before, and so does writing to standard output, so that it can be told;
 * what is said on standard error is said to nobody. */
static const int modes[] = { O_WRONLY, O_RDONLY, O_WRONLY };

static bool is_report;

void standard_is_report(void)
{
    is_report = true;
}

void standard_hold(void)
{
    for (int fd = 0; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
        if (open("/dev/null", modes[fd]) < 0) (void)open("/", O_RDONLY | O_DIRECTORY);
    }
}

bool standard_has_room(void)
{
    struct rlimit files;
    if (getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= LEAST_FILES) return true;
    fprintf(stderr,
            "warrener: %llu open files are allowed, at least %d are needed: see ulimit -n\n",
            (unsigned long long)files.rlim_cur, LEAST_FILES);
    return false;
}

static bool has_reader(void)
{
    struct pollfd ask = { .fd = STDOUT_FILENO, .events = POLLOUT };
    return poll(&ask, 1, 0) < 0 || !(ask.revents & POLLERR);
}

enum exit_status standard_end(enum exit_status status)
{
    errno = 0;
    const bool is_flushed = fflush(stdout) == 0;
    if ((is_flushed && !ferror(stdout)) || errno == EPIPE || !has_reader()) return status;
    fprintf(stderr, "warrener: standard output: %s\n",
            errno ? strerror(errno) : "not all could be written");
    return status == EXIT_WELL && !is_report ? EXIT_INTERNAL : status;
}
