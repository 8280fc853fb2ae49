/* SPDX-License-Identifier: Apache-2.0
 *
 * Output that never blocks; see spout.h. The descriptor stays as it is, for others may share it: a
 * pipe that is ready takes PIPE_BUF bytes whatever its mode. */
#include "app/spout.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_PIECE 1048576u

void spout_init(struct spout *spout, int fd)
{
    struct stat about;
    *spout = (struct spout){ .fd = fd };
    spout->is_regular = fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

void spout_fini(struct spout *spout)
{
    metrics_text_fini(&spout->text);
}

size_t spout_waiting(const struct spout *spout)
{
    return spout->is_broken ? 0 : spout->text.len - spout->done;
}

static bool is_ready(const struct spout *spout)
{
    struct pollfd ask = { .fd = spout->fd, .events = POLLOUT };
    return spout->is_regular || poll(&ask, 1, 0) == 1;
}

void spout_flush(struct spout *spout)
{
    const size_t piece = spout->is_regular ? FILE_PIECE : PIPE_BUF;
    while (spout_waiting(spout) && is_ready(spout)) {
        const size_t left = spout_waiting(spout);
        const ssize_t n =
            write(spout->fd, spout->text.at + spout->done, left < piece ? left : piece);
        if (n < 0 && (errno == EAGAIN || errno == EINTR)) break;
        if (n < 0) {
            spout->is_broken = true;
            spout->fault = errno;
        } else {
            spout->done += (size_t)n;
        }
    }
    if (!spout_waiting(spout)) spout->text.len = spout->done = 0;
}
