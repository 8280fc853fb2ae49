/* SPDX-License-Identifier: Apache-2.0
 *
 * One GET; see ask.h. The answer is read to its end, which the host gives it by closing. */
#include "app/ask.h"

#include <errno.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

static bool wait_for(int fd, short events, uint64_t deadline_ms)
{
    const uint64_t now_ms = clock_now_ms();
    struct pollfd ready = { .fd = fd, .events = events };
    errno = ETIMEDOUT;
    return now_ms < deadline_ms && poll(&ready, 1, (int)(deadline_ms - now_ms)) > 0;
}

static bool is_connected(int fd, const struct addrinfo *to, uint64_t deadline_ms)
{
    if (connect(fd, to->ai_addr, to->ai_addrlen) == 0) return true;
    if (errno != EINPROGRESS || !wait_for(fd, POLLOUT, deadline_ms)) return false;
    int fault = 0;
    socklen_t bytes = sizeof fault;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &fault, &bytes);
    errno = fault;
    return fault == 0;
}

static int dial(const struct addrinfo *list, uint64_t deadline_ms)
{
    for (const struct addrinfo *to = list; to; to = to->ai_next) {
        const int fd = socket(to->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (fd < 0) continue;
        if (is_connected(fd, to, deadline_ms)) return fd;
        const int fault = errno;
        close(fd);
        errno = fault;
    }
    return -1;
}

/* True at the end of the answer, or of the room for it. */
static bool read_answer(int fd, struct answer_page *page, uint64_t deadline_ms)
{
    for (size_t n = 0; n + 1 < page->room;) {
        if (!wait_for(fd, POLLIN, deadline_ms)) return false;
        const ssize_t more = recv(fd, page->text + n, page->room - 1 - n, 0);
        if (more < 0) return false;
        if (more == 0) break;
        n += (size_t)more;
        page->text[n] = '\0';
    }
    return true;
}

static bool take_apart(struct answer_page *page)
{
    const char *end = strstr(page->text, "\r\n\r\n");
    errno = EPROTO;
    if (!end || strncmp(page->text, "HTTP/1.", 7) != 0) return false;
    page->status = (int)strtol(page->text + 9, NULL, 10); /* past "HTTP/1.1 " */
    page->body = end + 4;
    return true;
}

static bool ask(int fd, const char *host, const char *path, struct answer_page *page,
                uint64_t deadline_ms)
{
    char request[1024];
    const int n = snprintf(request, sizeof request,
                           "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, host);
    errno = ENAMETOOLONG;
    if (n < 0 || (size_t)n >= sizeof request) return false;
    return send(fd, request, (size_t)n, MSG_NOSIGNAL) == n && read_answer(fd, page, deadline_ms) &&
           take_apart(page);
}

bool ask_page(const char *host, uint16_t port, const char *path, uint32_t deadline_ms,
              struct answer_page *page, struct status *status)
{
    const uint64_t until_ms = clock_now_ms() + deadline_ms;
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *list;
    char service[8];
    snprintf(service, sizeof service, "%u", port);
    page->text[0] = '\0';
    const int fault = getaddrinfo(host, service, &hints, &list);
    if (fault) return status_fail(status, EXIT_UNREACHABLE, "%s: %s", host, gai_strerror(fault));
    const int fd = dial(list, until_ms);
    freeaddrinfo(list);
    const bool is_well = fd >= 0 && ask(fd, host, path, page, until_ms);
    const int error = errno;
    if (fd >= 0) close(fd);
    if (is_well) return true;
    return status_fail(status, EXIT_UNREACHABLE, "no answer from %s port %u: %s", host, port,
                       strerror(error));
}
