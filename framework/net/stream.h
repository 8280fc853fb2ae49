/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes between a non-blocking socket, with TLS or without, and evbuffers, as many as possible to a
 * system call. Knows nothing of events: it says what it waits for. Results are tls.h's, for both. */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include <stddef.h>
#include <stdint.h>

#include "net/address.h"
#include "net/tls.h"

struct evbuffer;

struct stream {
    int fd;          /* -1: none */
    struct tls *tls; /* NULL: plain */
};

/* Starts connecting; -1 with errno set. */
int stream_connect(const struct address *address);
/* What became of a connect once the socket is writable: 0 or an errno. */
int stream_connect_error(int fd);

void stream_close(struct stream *stream); /* harmless twice */

/* Reads once, in one large piece. TLS_OK: there may be more; TLS_WANTS_READ: the socket is empty.
 * `got` bytes were added to `in`, whatever the result. */
enum tls_result stream_read(struct stream *stream, struct evbuffer *in, size_t *got,
                            struct status *status);

/* Writes what `out` holds, up to about `most` bytes. TLS_OK: `out` is empty or `most` is reached. */
enum tls_result stream_write(struct stream *stream, struct evbuffer *out, size_t most, size_t *put,
                             struct status *status);

/* strerror, as words inside a sentence: "connection refused". */
const char *stream_show_errno(int error, char *out, size_t out_bytes);

#endif
