/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines; see line_source.h. */
#include "app/line_source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"

#define READ_BYTES (64u << 10)

bool line_source_open(struct line_source *source, const char *path, struct status *status)
{
    const bool is_stdin = !path || text_is(text_of(path), "-");
    *source = (struct line_source){ .name = is_stdin ? "standard input" : path };
    source->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct stat about;
    if (source->fd < 0 || fstat(source->fd, &about))
        return status_fail(status, EXIT_USAGE, "%s: %s", source->name, strerror(errno));
    if (S_ISDIR(about.st_mode))
        return status_fail(status, EXIT_USAGE, "%s: is a directory; a file of lines was expected",
                           source->name);
    source->is_regular = S_ISREG(about.st_mode);
    if (!source->is_regular) fcntl(source->fd, F_SETFL, fcntl(source->fd, F_GETFL) | O_NONBLOCK);
    return true;
}

void line_source_close(struct line_source *source)
{
    if (source->fd == STDIN_FILENO)
        fcntl(source->fd, F_SETFL, fcntl(source->fd, F_GETFL) & ~O_NONBLOCK);
    else if (source->fd > 0)
        close(source->fd);
    free(source->buffer);
    *source = (struct line_source){ .fd = -1 };
}

static void make_room(struct line_source *source)
{
    if (source->begin) {
        memmove(source->buffer, source->buffer + source->begin, source->end - source->begin);
        source->end -= source->begin;
        source->begin = 0;
    }
    if (source->room - source->end >= READ_BYTES) return;
    source->room = source->room * 2 + READ_BYTES;
    source->buffer = memory_grow(source->buffer, source->room, 1);
}

static enum line_found fill(struct line_source *source, struct status *status)
{
    if (source->end - source->begin > LINE_MOST_BYTES) {
        status_fail(status, EXIT_USAGE, "%s:%llu: the line is longer than 64 MiB", source->name,
                    (unsigned long long)source->line + 1);
        return LINE_FAULT;
    }
    make_room(source);
    const ssize_t got = read(source->fd, source->buffer + source->end, source->room - source->end);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return LINE_AGAIN;
    if (got < 0) {
        status_fail(status, EXIT_USAGE, "%s: %s", source->name, strerror(errno));
        return LINE_FAULT;
    }
    source->is_at_end = got == 0;
    source->end += (size_t)got;
    return LINE_FOUND;
}

/* The bytes up to a newline, or to the end of the source. */
static bool take_line(struct line_source *source, struct wr_text *line)
{
    if (source->begin == source->end) return false;
    const char *at = source->buffer + source->begin;
    const size_t left = source->end - source->begin;
    const char *newline = memchr(at, '\n', left);
    if (!newline && !source->is_at_end) return false;
    size_t length = newline ? (size_t)(newline - at) : left;
    source->begin += length + (newline ? 1 : 0);
    source->line++;
    if (length && at[length - 1] == '\r') length--;
    *line = (struct wr_text){ at, length };
    return true;
}

static bool is_blank(struct wr_text line)
{
    for (size_t i = 0; i < line.len; i++)
        if (line.at[i] != ' ' && line.at[i] != '\t') return false;
    return true;
}

enum line_found line_source_next(struct line_source *source, struct wr_text *line,
                                 struct status *status)
{
    for (;;) {
        while (take_line(source, line))
            if (!is_blank(*line)) return LINE_FOUND;
        if (source->is_at_end) return LINE_END;
        const enum line_found found = fill(source, status);
        if (found != LINE_FOUND) return found;
    }
}

enum line_found line_source_wait(struct line_source *source, struct wr_text *line,
                                 struct status *status)
{
    enum line_found found;
    while ((found = line_source_next(source, line, status)) == LINE_AGAIN) {
        struct pollfd readable = { .fd = source->fd, .events = POLLIN };
        poll(&readable, 1, -1);
    }
    return found;
}

bool line_source_rewind(struct line_source *source)
{
    if (!source->is_regular || lseek(source->fd, 0, SEEK_SET) < 0) return false;
    source->begin = source->end = 0;
    source->line = 0;
    source->is_at_end = false;
    return true;
}
