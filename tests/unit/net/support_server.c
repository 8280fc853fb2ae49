/* SPDX-License-Identifier: Apache-2.0
 *
 * Servers for the net tests; see support.h. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "unit/net/support.h"

static int bind_to(in_addr_t ip, uint16_t *port)
{
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_port = htons(*port),
                                   .sin_addr.s_addr = htonl(ip) };
    socklen_t bytes = sizeof address;
    cr_assert_eq(bind(fd, (struct sockaddr *)&address, bytes), 0);
    cr_assert_eq(getsockname(fd, (struct sockaddr *)&address, &bytes), 0);
    *port = ntohs(address.sin_port);
    return fd;
}

static int listen_on(in_addr_t ip, uint16_t *port, int backlog)
{
    const int fd = bind_to(ip, port);
    cr_assert_eq(listen(fd, backlog), 0);
    return fd;
}

static void *run_server(void *arg)
{
    struct server *server = arg;
    for (int fd; (fd = accept4(server->fd, NULL, NULL, SOCK_CLOEXEC)) >= 0; close(fd))
        server->serve(server, fd);
    return NULL;
}

void server_start(struct server *server, void (*serve)(struct server *, int), void *data)
{
    *server = (struct server){ .serve = serve, .data = data };
    server->fd = listen_on(INADDR_LOOPBACK, &server->port, 16);
    cr_assert_eq(pthread_create(&server->thread, NULL, run_server, server), 0);
}

void server_stop(struct server *server)
{
    shutdown(server->fd, SHUT_RDWR); /* accept returns */
    pthread_join(server->thread, NULL);
    close(server->fd);
}

void send_all(int fd, const void *from, size_t bytes)
{
    const char *at = from;
    while (bytes > 0) {
        const ssize_t n = send(fd, at, bytes, MSG_NOSIGNAL);
        if (n <= 0) return;
        at += n;
        bytes -= (size_t)n;
    }
}

bool receive_all(int fd, void *into, size_t bytes)
{
    char *at = into;
    while (bytes > 0) {
        const ssize_t n = recv(fd, at, bytes, 0);
        if (n <= 0) return false;
        at += n;
        bytes -= (size_t)n;
    }
    return true;
}

void receive_to_end(int fd)
{
    char sink[4096];
    while (recv(fd, sink, sizeof sink, 0) > 0) {
    }
}

void serve_echo(struct server *server, int fd)
{
    (void)server;
    char bytes[4096];
    for (ssize_t n; (n = recv(fd, bytes, sizeof bytes, 0)) > 0;) send_all(fd, bytes, (size_t)n);
}

void serve_silence(struct server *server, int fd)
{
    (void)server;
    receive_to_end(fd);
}

uint16_t port_without_server(void)
{
    uint16_t port = 0;
    (void)bind_to(INADDR_LOOPBACK, &port);
    return port;
}

void silent_port_open(struct silent_port *silent, uint16_t port)
{
    silent->port = port;
    silent->fds[0] = listen_on(INADDR_LOOPBACK + 1, &silent->port, 0);
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port = htons(silent->port),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1) };
    for (unsigned i = 1; i < sizeof silent->fds / sizeof *silent->fds; i++) {
        silent->fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(silent->fds[i], (const struct sockaddr *)&address, sizeof address);
        struct pollfd first = { .fd = silent->fds[i], .events = POLLOUT };
        if (i == 1) cr_assert_eq(poll(&first, 1, 10000), 1);
    }
}

void silent_port_close(struct silent_port *silent)
{
    for (unsigned i = 0; i < sizeof silent->fds / sizeof *silent->fds; i++) close(silent->fds[i]);
}

unsigned char pattern(size_t n)
{
    return (unsigned char)((n * 2654435761u) >> 13);
}
