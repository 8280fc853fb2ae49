/* SPDX-License-Identifier: Apache-2.0
 *
 * The tests' client; see client.h. */
#include "unit/ops/client.h"

#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

struct client *client_open(uint16_t port)
{
    struct client *client = calloc(1, sizeof *client);
    const struct sockaddr_in address = { .sin_family = AF_INET,
                                         .sin_port = htons(port),
                                         .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    cr_assert_not_null(client);
    client->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert_geq(client->fd, 0);
    cr_assert_eq(connect(client->fd, (const struct sockaddr *)&address, sizeof address), 0);
    return client;
}

void client_close(struct client *client)
{
    close(client->fd);
    free(client);
}

void client_send_bytes(struct client *client, const char *at, size_t n)
{
    while (n > 0) {
        const ssize_t sent = send(client->fd, at, n, MSG_NOSIGNAL);
        if (sent < 0) return; /* the server has cut us, as some tests want */
        at += sent;
        n -= (size_t)sent;
    }
}

void client_send(struct client *client, const char *text)
{
    client_send_bytes(client, text, strlen(text));
}

void client_half_close(struct client *client)
{
    shutdown(client->fd, SHUT_WR);
}

/* More bytes: 1; the end or a reset: 0; nothing until the deadline: -1. */
static int receive(struct client *client, uint64_t deadline_ms)
{
    const uint64_t now_ms = clock_now_ms();
    struct pollfd poll_fd = { .fd = client->fd, .events = POLLIN };
    if (now_ms >= deadline_ms || poll(&poll_fd, 1, (int)(deadline_ms - now_ms)) <= 0) return -1;
    cr_assert_lt(client->n, sizeof client->in - 1);
    const ssize_t n =
        recv(client->fd, client->in + client->n, sizeof client->in - 1 - client->n, 0);
    client->was_reset = n < 0;
    if (n <= 0) return 0;
    client->n += (size_t)n;
    client->in[client->n] = '\0';
    return 1;
}

bool client_wait_for(struct client *client, const char *part)
{
    const uint64_t deadline_ms = clock_now_ms() + CLIENT_DEADLINE_MS;
    while (!strstr(client->in, part)) {
        if (receive(client, deadline_ms) <= 0) return false;
    }
    return true;
}

bool client_wait_for_end(struct client *client)
{
    const uint64_t deadline_ms = clock_now_ms() + CLIENT_DEADLINE_MS;
    int more;
    while ((more = receive(client, deadline_ms)) > 0) {
    }
    return more == 0;
}

unsigned client_count(const struct client *client, const char *part)
{
    unsigned count = 0;
    for (const char *at = client->in; (at = strstr(at, part)); at += strlen(part)) count++;
    return count;
}

struct client *client_get(uint16_t port, const char *path)
{
    char request[512];
    struct client *client = client_open(port);
    snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
             path);
    client_send(client, request);
    cr_assert(client_wait_for_end(client), "no end of %s", path);
    return client;
}
