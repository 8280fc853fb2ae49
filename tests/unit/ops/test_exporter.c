/* SPDX-License-Identifier: Apache-2.0
 *
 * The exporter against servers that answer in every way: each test scripts the answers, and one request
 * gets one. */
#include <arpa/inet.h>
#include <criterion/criterion.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "ops/exporter.h"

#define MOST 8

struct server {
    int fd;
    uint16_t port;
    const char *answers[MOST]; /* "" hangs up unanswered; NULL: no more are expected */
    _Atomic unsigned requests, connections;
    _Atomic bool is_ending;
    pthread_t thread;
};

static struct server server;
static struct counter exported, dropped;
static const struct span_source source = { "q", "h", false };
static char base_path[] = "/v1/traces", host[] = "127.0.0.1", no_headers[] = "";

/* True: all of it is here. */
static bool is_whole(const char *bytes, size_t n)
{
    const char *const end = strstr(bytes, "\r\n\r\n");
    const char *const length = strstr(bytes, "Content-Length: ");
    return end && length && n == (size_t)(end + 4 - bytes) + strtoul(length + 16, NULL, 10);
}

static bool read_request(int fd)
{
    char bytes[65536];
    size_t n = 0;
    struct pollfd readable = { .fd = fd, .events = POLLIN };
    while (!atomic_load(&server.is_ending)) {
        if (poll(&readable, 1, 10) <= 0) continue;
        const ssize_t got = recv(fd, bytes + n, sizeof bytes - 1 - n, 0);
        if (got <= 0) return false;
        n += (size_t)got;
        bytes[n] = '\0';
        if (is_whole(bytes, n)) return true;
    }
    return false;
}

static void *serve(void *own)
{
    struct pollfd coming = { .fd = server.fd, .events = POLLIN };
    (void)own;
    while (!atomic_load(&server.is_ending)) {
        if (poll(&coming, 1, 10) <= 0) continue;
        const int fd = accept(server.fd, NULL, NULL);
        atomic_fetch_add(&server.connections, 1);
        while (fd >= 0 && read_request(fd)) {
            const unsigned i = atomic_fetch_add(&server.requests, 1);
            const char *const answer = i < MOST ? server.answers[i] : NULL;
            if (!answer || !*answer) break;
            (void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
            if (strstr(answer, "close")) break;
        }
        close(fd);
    }
    return NULL;
}

static void open_server(void)
{
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t bytes = sizeof at;
    server.fd = socket(AF_INET, SOCK_STREAM, 0);
    cr_assert(bind(server.fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(server.fd, 8) == 0);
    cr_assert(getsockname(server.fd, (struct sockaddr *)&at, &bytes) == 0);
    server.port = ntohs(at.sin_port);
    cr_assert(pthread_create(&server.thread, NULL, serve, NULL) == 0);
}

static void close_server(void)
{
    atomic_store(&server.is_ending, true);
    pthread_join(server.thread, NULL);
    close(server.fd);
}

TestSuite(exporter, .init = open_server, .fini = close_server, .timeout = 120);

static struct otlp_settings settings;
static struct spans *spans;

static void give(unsigned n)
{
    while (n-- > 0) {
        struct span *const span = spans_take(spans);
        cr_assert(span);
        span->source = &source;
        spans_give(spans);
    }
}

/* With `n` spans there from the start, in one request: given later, the exporter could come between. */
static struct exporter *begin(uint32_t timeout_ms, unsigned n)
{
    struct status status;
    settings = (struct otlp_settings){ .is_on = true,
                                       .host = host,
                                       .path = base_path,
                                       .headers = no_headers,
                                       .port = server.port,
                                       .timeout_ms = timeout_ms };
    spans = spans_new(64, &dropped);
    give(n);
    const struct exporter_plan plan = { &settings, spans, &exported, &dropped, "0" };
    struct exporter *const exporter = exporter_open(&plan, &status);
    cr_assert(exporter, "%s", status.text);
    return exporter;
}

static void await(const struct counter *counter, uint64_t n)
{
    const uint64_t deadline_ms = clock_now_ms() + 20000;
    while (atomic_load(&counter->value) < n) {
        cr_assert(clock_now_ms() < deadline_ms, "%llu after %u requests",
                  (unsigned long long)atomic_load(&counter->value), atomic_load(&server.requests));
        usleep(2000);
    }
    cr_expect_eq(atomic_load(&counter->value), n);
}

#define WELL "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

Test(exporter, keeps_its_connection_where_it_can)
{
    server.answers[0] = WELL;
    server.answers[1] = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
    server.answers[2] = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n";
    server.answers[3] = "HTTP/1.0 200 OK\r\n\r\n{}close";
    server.answers[4] = WELL;
    struct exporter *const exporter = begin(5000, 3);
    await(&exported, 3);
    for (unsigned i = 1; i <= 4; i++) {
        give(1);
        await(&exported, 3 + i);
    }
    exporter_close(exporter, 1000);
    spans_free(spans);
    cr_expect_eq(atomic_load(&server.connections), 3);
    cr_expect_eq(atomic_load(&server.requests), 5);
    cr_expect_eq(atomic_load(&dropped.value), 0);
}

Test(exporter, tries_again_what_may_yet_be_taken)
{
    server.answers[0] = ""; /* hung up */
    server.answers[1] = "HTTP/1.1 429 Busy\r\nRetry-After: 1\r\nContent-Length: 0\r\n\r\n";
    server.answers[2] = WELL;
    const uint64_t start_ms = clock_now_ms();
    struct exporter *const exporter = begin(5000, 7);
    await(&exported, 7);
    cr_expect(clock_now_ms() - start_ms >= 1400, "half a second, then the one it was told");
    exporter_close(exporter, 1000);
    spans_free(spans);
    cr_expect_eq(atomic_load(&server.requests), 3);
}

Test(exporter, drops_what_is_refused_and_what_makes_no_sense)
{
    server.answers[0] = "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n";
    server.answers[1] = "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\nno!";
    struct exporter *const exporter = begin(5000, 2);
    await(&dropped, 2);
    give(1);
    await(&dropped, 3);
    exporter_close(exporter, 1000);
    spans_free(spans);
    cr_expect_eq(atomic_load(&server.requests), 2);
    cr_expect_eq(atomic_load(&exported.value), 0);
}

/* Not HTTP, and no answer in time: told apart from a refusal, and at the end not waited for. */
Test(exporter, does_not_wait_at_the_end_for_one_that_does_not_answer)
{
    server.answers[0] = "SMTP ready\r\n\r\n";
    struct exporter *const exporter = begin(100, 4);
    while (atomic_load(&server.requests) < 1) usleep(2000);
    usleep(200000);
    const uint64_t start_ms = clock_now_ms();
    exporter_close(exporter, 25000);
    cr_expect(clock_now_ms() - start_ms < 20000);
    cr_expect_eq(atomic_load(&dropped.value), 4);
    spans_free(spans);
}

Test(exporter, sends_what_is_left_at_the_end)
{
    server.answers[0] = server.answers[1] = WELL;
    struct exporter *const exporter = begin(5000, 0);
    give(9);
    exporter_close(exporter, 20000);
    cr_expect_eq(atomic_load(&exported.value), 9);
    spans_free(spans);
}
