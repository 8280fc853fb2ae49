/* SPDX-License-Identifier: Apache-2.0
 *
 * The tests' HTTP client; see fetch.h. */
#include "support/fetch.h"

#include <arpa/inet.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"

#define DEADLINE_MS 5000

static int dial(uint16_t port)
{
    const struct sockaddr_in at = { .sin_family = AF_INET,
                                    .sin_port = htons(port),
                                    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&at, sizeof at) == 0) return fd;
    if (fd >= 0) close(fd);
    return -1;
}

/* True at the orderly end. */
static bool read_all(int fd, char *text, size_t room)
{
    const uint64_t deadline_ms = clock_now_ms() + DEADLINE_MS;
    for (size_t n = 0;;) {
        const uint64_t now_ms = clock_now_ms();
        struct pollfd readable = { .fd = fd, .events = POLLIN };
        if (now_ms >= deadline_ms || n + 1 >= room ||
            poll(&readable, 1, (int)(deadline_ms - now_ms)) <= 0)
            return false;
        const ssize_t more = recv(fd, text + n, room - 1 - n, 0);
        if (more < 0) return false;
        n += (size_t)more;
        text[n] = '\0';
        if (more == 0) return true;
    }
}

static void get(uint16_t port, const char *path, const char *more_headers, char *text, size_t room,
                int *status)
{
    char request[8192];
    *status = 0;
    text[0] = '\0';
    const int fd = dial(port);
    if (fd < 0) return;
    const int n = snprintf(request, sizeof request,
                           "GET %s HTTP/1.1\r\nHost: test\r\n%sConnection: close\r\n\r\n", path,
                           more_headers);
    if (send(fd, request, (size_t)n, MSG_NOSIGNAL) == n && read_all(fd, text, room) &&
        strncmp(text, "HTTP/1.", 7) == 0)
        *status = atoi(text + 9);
    close(fd);
}

static void find_body(struct fetched *into)
{
    const char *end = strstr(into->text, "\r\n\r\n");
    into->body = end ? end + 4 : "";
}

void fetch(uint16_t port, const char *path, struct fetched *into)
{
    get(port, path, "", into->text, sizeof into->text, &into->status);
    find_body(into);
}

int fetch_status(uint16_t port, const char *path)
{
    char text[4096];
    int status;
    get(port, path, "", text, sizeof text, &status);
    return status;
}

/* Base64; `out` has room for 4/3 of it and 5 more. */
static void encode(const char *text, char *out)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t left = strlen(text); left > 0; left -= left < 3 ? left : 3, text += 3) {
        const unsigned a = (unsigned char)text[0], b = left > 1 ? (unsigned char)text[1] : 0;
        const unsigned c = left > 2 ? (unsigned char)text[2] : 0;
        *out++ = letters[a >> 2];
        *out++ = letters[(a & 3) << 4 | b >> 4];
        *out++ = left > 1 ? letters[(b & 15) << 2 | c >> 6] : '=';
        *out++ = left > 2 ? letters[c & 63] : '=';
    }
    *out = '\0';
}

/* MANAGEMENT_URL: http://USER:PASSWORD@127.0.0.1:PORT */
bool fetch_management(const char *path, struct fetched *into)
{
    const char *url = getenv("MANAGEMENT_URL");
    char login[128], encoded[256], header[300], host[64];
    unsigned port;
    if (!url || sscanf(url, "http://%127[^@]@%63[^:]:%u", login, host, &port) != 3) return false;
    encode(login, encoded);
    snprintf(header, sizeof header, "Authorization: Basic %s\r\n", encoded);
    get((uint16_t)port, path, header, into->text, sizeof into->text, &into->status);
    find_body(into);
    return into->status == 200;
}

double fetch_series(const struct fetched *page, const char *series)
{
    const size_t n = strlen(series);
    for (const char *at = page->body; (at = strstr(at, series)); at += n)
        if ((at == page->body || at[-1] == '\n') && at[n] == ' ') return strtod(at + n, NULL);
    return NAN;
}

double fetch_metric(uint16_t port, const char *series)
{
    struct fetched *page = malloc(sizeof *page);
    fetch(port, "/metrics", page);
    const double value = fetch_series(page, series);
    free(page);
    return value;
}
