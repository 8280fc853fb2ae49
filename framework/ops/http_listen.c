/* SPDX-License-Identifier: Apache-2.0
 *
 * Opens the listening socket, and says in words why it could not. Names are resolved here, at boot,
 * before there is a loop that could be blocked. */
#include "ops/http_listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/text.h"

#define BACKLOG 128

static const struct {
    int error;
    const char *words;
} ways_out[] = {
    { EADDRINUSE, "is taken by another process: end that one, or give http.listen another port "
                  "(port 0 takes any)" },
    { EADDRNOTAVAIL, "is no address of this machine: 0.0.0.0 listens on all of them" },
    { EACCES, "needs a privilege that this process has not: take a port above 1023" },
};

/* "host:port" in two; the host lies between brackets where it has colons of its own. */
static bool split(const char *listen, char *host, size_t host_bytes, char port[6])
{
    const char *colon = strrchr(listen, ':');
    int64_t number;
    if (!colon || !text_to_int(text_of(colon + 1), &number) || number < 0 || number > UINT16_MAX) {
        return false;
    }
    struct wr_text name = text_from(listen, (size_t)(colon - listen));
    const bool brackets = name.len >= 2 && name.at[0] == '[' && name.at[name.len - 1] == ']';
    if (brackets) name = text_from(name.at + 1, name.len - 2);
    if (name.len >= host_bytes || (!brackets && memchr(name.at, ':', name.len))) return false;
    memcpy(host, name.at, name.len);
    host[name.len] = '\0';
    snprintf(port, 6, "%u", (unsigned)number);
    return true;
}

static bool listen_at(int fd, const struct addrinfo *address)
{
    const int on = 1, off = 0;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return false;
    if (address->ai_family == AF_INET6 && /* [::] takes IPv4 as well, whatever the sysctl says */
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0) {
        return false;
    }
    return bind(fd, address->ai_addr, address->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0;
}

static uint16_t port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = { .v6 = { .sin6_port = 0 } };
    socklen_t bytes = sizeof address;
    if (getsockname(fd, &address.any, &bytes) != 0) return 0;
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

static bool fail_words(const char *listen, int error, struct status *status)
{
    for (size_t i = 0; i < sizeof ways_out / sizeof *ways_out; i++) {
        if (ways_out[i].error != error) continue;
        return status_fail(status, EXIT_CONFIG, "http.listen: %s %s", listen, ways_out[i].words);
    }
    return status_fail(status, EXIT_CONFIG, "http.listen: cannot listen on %s: %s", listen,
                       strerror(error));
}

bool http_listen(const char *listen, int *fd, uint16_t *port, struct status *status)
{
    char host[256], service[6];
    if (!split(listen, host, sizeof host, service)) {
        return status_fail(status, EXIT_CONFIG,
                           "http.listen: \"%.100s\" is not HOST:PORT, such as 127.0.0.1:9187, "
                           "[::1]:9187 or 0.0.0.0:9187",
                           listen);
    }
    const struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV,
                                    .ai_socktype = SOCK_STREAM };
    struct addrinfo *addresses;
    const int failed = getaddrinfo(*host ? host : NULL, service, &hints, &addresses);
    if (failed) {
        return status_fail(status, EXIT_CONFIG,
                           "http.listen: no address for \"%s\": %s; an address such as 127.0.0.1 "
                           "needs no resolving",
                           host, gai_strerror(failed));
    }
    int error = EADDRNOTAVAIL;
    *fd = -1;
    for (const struct addrinfo *address = addresses; address; address = address->ai_next) {
        *fd = socket(address->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (*fd >= 0 && listen_at(*fd, address)) break;
        error = errno;
        if (*fd >= 0) close(*fd);
        *fd = -1;
    }
    freeaddrinfo(addresses);
    if (*fd < 0) return fail_words(listen, error, status);
    *port = port_of(*fd);
    return true;
}
