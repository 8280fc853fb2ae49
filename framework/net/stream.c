/* SPDX-License-Identifier: Apache-2.0
 *
 * See stream.h. Reads go straight into an evbuffer's own memory and writes leave from it; a read that
 * does not fill its piece has emptied the socket, which saves the read that would say so. */
#include "net/stream.h"

#include <ctype.h>
#include <errno.h>
#include <event2/buffer.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/check.h"

/* An evbuffer takes whole powers of two, its own header included. Above 64 KiB the size no longer
 * shows in the cost of a byte; all of it is allocated for each read and most of it untouched. */
#define PIECE_BYTES (128u * 1024u - 64u)
#define IOVECS_MOST 64
#define TLS_RECORD_BYTES (16u * 1024u)

static void set_option(int fd, int level, int option)
{
    const int on = 1;
    (void)setsockopt(fd, level, option, &on, sizeof on); /* without it the wire works, only worse */
}

int stream_connect(const struct address *address)
{
    const int fd =
        socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    set_option(fd, IPPROTO_TCP, TCP_NODELAY);
    set_option(fd, SOL_SOCKET, SO_KEEPALIVE);
    if (connect(fd, (const struct sockaddr *)&address->storage, address->bytes) == 0 ||
        errno == EINPROGRESS)
        return fd;
    const int error = errno;
    close(fd);
    errno = error;
    return -1;
}

/* A port of the ephemeral range on which nobody listens can be picked as our own: then we would be
 * talking to ourselves and keep the server from its port. */
static bool is_own_echo(int fd)
{
    struct sockaddr_storage here = { 0 }, there = { 0 };
    socklen_t here_bytes = sizeof here, there_bytes = sizeof there;
    return getsockname(fd, (struct sockaddr *)&here, &here_bytes) == 0 &&
           getpeername(fd, (struct sockaddr *)&there, &there_bytes) == 0 &&
           here_bytes == there_bytes && memcmp(&here, &there, here_bytes) == 0;
}

int stream_connect_error(int fd)
{
    int error = 0;
    socklen_t bytes = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes)) return errno;
    return !error && is_own_echo(fd) ? ECONNREFUSED : error;
}

void stream_close(struct stream *stream)
{
    tls_close(stream->tls);
    stream->tls = NULL;
    if (stream->fd >= 0) close(stream->fd);
    stream->fd = -1;
}

const char *stream_show_errno(int error, char *out, size_t out_bytes)
{
    snprintf(out, out_bytes, "%s", strerror(error));
    if (isupper((unsigned char)out[0]) && !isupper((unsigned char)out[1]))
        out[0] = (char)tolower((unsigned char)out[0]);
    return out;
}

static enum tls_result fail(struct status *status)
{
    char words[128];
    status_fail(status, EXIT_UNREACHABLE, "%s", stream_show_errno(errno, words, sizeof words));
    return TLS_FAILED;
}

static enum tls_result read_plain(int fd, struct evbuffer_iovec *room, size_t *got,
                                  struct status *status)
{
    ssize_t n;
    do n = read(fd, room->iov_base, room->iov_len);
    while (n < 0 && errno == EINTR);
    if (n < 0) return errno == EAGAIN ? TLS_WANTS_READ : fail(status);
    *got = (size_t)n;
    if (n == 0) return TLS_CLOSED;
    return *got < room->iov_len ? TLS_WANTS_READ : TLS_OK;
}

/* TLS gives a record at a time. */
static enum tls_result read_records(struct tls *tls, struct evbuffer_iovec *room, size_t *got,
                                    struct status *status)
{
    enum tls_result result = TLS_OK;
    while (result == TLS_OK && *got < room->iov_len) {
        size_t n = 0;
        result = tls_read(tls, (char *)room->iov_base + *got, room->iov_len - *got, &n, status);
        *got += n;
    }
    return result;
}

enum tls_result stream_read(struct stream *stream, struct evbuffer *in, size_t *got,
                            struct status *status)
{
    struct evbuffer_iovec room;
    CHECK(evbuffer_reserve_space(in, PIECE_BYTES, &room, 1) == 1);
    *got = 0;
    const enum tls_result result = stream->tls ? read_records(stream->tls, &room, got, status)
                                               : read_plain(stream->fd, &room, got, status);
    room.iov_len = *got;
    if (*got) CHECK(evbuffer_commit_space(in, &room, 1) == 0);
    return result;
}

static enum tls_result write_plain(int fd, struct evbuffer *out, size_t *put, struct status *status)
{
    struct evbuffer_iovec spans[IOVECS_MOST];
    int n_spans = evbuffer_peek(out, -1, NULL, spans, IOVECS_MOST);
    if (n_spans > IOVECS_MOST) n_spans = IOVECS_MOST;
    const struct msghdr message = { .msg_iov = spans, .msg_iovlen = (size_t)n_spans };
    ssize_t n;
    do n = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0) return errno == EAGAIN ? TLS_WANTS_WRITE : fail(status);
    *put = (size_t)n;
    return TLS_OK;
}

/* One record. Many small spans are joined first: a record each would be dear. After a refusal the
 * same bytes come again, and at least as many, as OpenSSL demands: `out` only grows meanwhile. */
static enum tls_result write_record(struct tls *tls, struct evbuffer *out, size_t *put,
                                    struct status *status)
{
    const size_t length = evbuffer_get_length(out);
    const size_t bytes = length < TLS_RECORD_BYTES ? length : TLS_RECORD_BYTES;
    const void *from = evbuffer_pullup(out, (ev_ssize_t)bytes);
    CHECK(from);
    return tls_write(tls, from, bytes, put, status);
}

enum tls_result stream_write(struct stream *stream, struct evbuffer *out, size_t most, size_t *put,
                             struct status *status)
{
    enum tls_result result = TLS_OK;
    *put = 0;
    while (result == TLS_OK && *put < most && evbuffer_get_length(out) > 0) {
        size_t n = 0;
        result = stream->tls ? write_record(stream->tls, out, &n, status)
                             : write_plain(stream->fd, out, &n, status);
        CHECK(evbuffer_drain(out, n) == 0);
        *put += n;
    }
    return result;
}
