/* SPDX-License-Identifier: Apache-2.0
 *
 * Dialogues with the server over a loopback socket: the polite, the slow, the greedy, the broken. */
#include <criterion/criterion.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "ops/http.h"
#include "unit/ops/client.h"

#define PATIENCE_MS 60000     /* what has no test of its own here has time */
#define BIG_BYTES (24u << 20) /* more than loopback sockets hold */
#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"

static void answer_hello(void *context, const struct http_request *request,
                         struct http_answer *answer)
{
    (void)context;
    (void)request;
    metrics_text_put(&answer->body, "hello\n");
}

static void answer_big(void *context, const struct http_request *request,
                       struct http_answer *answer)
{
    static char block[1 << 16];
    (void)context;
    (void)request;
    memset(block, 'x', sizeof block);
    for (unsigned n = 0; n < BIG_BYTES; n += sizeof block) {
        metrics_text_add(&answer->body, block, sizeof block);
    }
}

static void answer_poor(void *context, const struct http_request *request,
                        struct http_answer *answer)
{
    (void)context;
    (void)request;
    answer->status = 503;
    answer->type = "application/json";
    answer->headers = "X-More: yes\r\n";
    metrics_text_put(&answer->body, "{}");
}

static const struct http_route routes[] = {
    { "/hello", answer_hello },
    { "/big", answer_big },
    { "/poor", answer_poor },
};

static struct http_plan plan_of(uint64_t request_ms)
{
    return (struct http_plan){ .listen = "127.0.0.1:0",
                               .routes = routes,
                               .n_routes = sizeof routes / sizeof *routes,
                               .request_ms = request_ms };
}

static struct http *open_plan(const struct http_plan *plan)
{
    struct status status = { .text = "" };
    struct http *http = http_open(plan, &status);
    cr_assert(http, "%s", status.text);
    cr_assert_neq(http_port(http), 0);
    return http;
}

static struct http *open_http(void)
{
    const struct http_plan plan = plan_of(PATIENCE_MS);
    return open_plan(&plan);
}

static void expect(struct client *client, const char *part)
{
    cr_assert(client_wait_for(client, part), "wanted %s, got\n%s", part, client->in);
}

TestSuite(http, .timeout = 120);

Test(http, answers_with_the_headers_it_should)
{
    struct http *http = open_http();
    struct client *client = client_get(http_port(http), "/hello?x=1");
    static const char *const parts[] = { "HTTP/1.1 200 OK\r\nDate: ",
                                         " GMT\r\n",
                                         "Content-Type: text/plain; charset=utf-8\r\n",
                                         "Content-Length: 6\r\n",
                                         "Cache-Control: no-store\r\n",
                                         "X-Content-Type-Options: nosniff\r\n",
                                         "Connection: close\r\n\r\nhello\n" };
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) expect(client, parts[i]);
    client_close(client);
    client = client_get(http_port(http), "/poor");
    expect(client, "HTTP/1.1 503 Service Unavailable\r\n");
    expect(client, "Content-Type: application/json\r\nContent-Length: 2\r\n");
    expect(client, "X-More: yes\r\n");
    client_close(client);
    client = client_get(http_port(http), "/nowhere");
    expect(client, "HTTP/1.1 404 Not Found\r\n");
    expect(client, "/hello\n/big\n/poor\n");
    client_close(client);
    http_close(http);
}

Test(http, head_has_the_length_and_no_body)
{
    struct http *http = open_http();
    struct client *client = client_open(http_port(http));
    client_send(client, "HEAD /hello HTTP/1.1\r\nHost: h\r\n\r\n" GET("/poor"));
    expect(client, "{}");
    expect(client, "Content-Length: 6\r\n");
    cr_assert_eq(client_count(client, "hello\n"), 0);
    client_close(client);
    http_close(http);
}

Test(http, other_methods_are_told_which_are_allowed)
{
    struct http *http = open_http();
    struct client *client = client_open(http_port(http));
    client_send(client, "POST /hello HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc");
    expect(client, "HTTP/1.1 405 Method Not Allowed\r\n");
    expect(client, "Allow: GET, HEAD\r\n");
    cr_assert(client_wait_for_end(client));
    cr_assert_eq(client_count(client, "HTTP/1.1"), 1);
    client_close(client);
    http_close(http);
}

Test(http, keeps_alive_and_answers_a_pipeline_in_order)
{
    struct http *http = open_http();
    struct client *client = client_open(http_port(http));
    for (int i = 0; i < 50; i++) {
        client_send(client, i % 2 ? GET("/poor") : GET("/hello"));
    }
    client_send(client, "GET /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n" GET("/poor"));
    cr_assert(client_wait_for_end(client));
    cr_assert_eq(client_count(client, "hello\n"), 26);
    cr_assert_eq(client_count(client, "{}"), 25);
    const char *at = client->in;
    for (int i = 0; i < 51; i++) {
        at = strstr(at, i % 2 ? "503 Service" : "200 OK");
        cr_assert_not_null(at, "answer %d", i);
    }
    client_close(client);
    http_close(http);
}

/* Sends as one piece more requests than the server's buffer holds, and then no more. */
Test(http, a_pipeline_longer_than_its_buffer_is_answered_whole)
{
    struct http *http = open_http();
    struct client *client = client_open(http_port(http));
    enum { REQUESTS = 2000 };
    const size_t len = strlen(GET("/hello"));
    char *pipeline = malloc(REQUESTS * len);
    for (size_t i = 0; i < REQUESTS; i++) memcpy(pipeline + i * len, GET("/hello"), len);
    client_send_bytes(client, pipeline, REQUESTS * len);
    client_half_close(client);
    cr_assert(client_wait_for_end(client));
    cr_assert_eq(client_count(client, "hello\n"), REQUESTS);
    free(pipeline);
    client_close(client);
    http_close(http);
}

Test(http, byte_by_byte)
{
    struct http *http = open_http();
    struct client *client = client_open(http_port(http));
    for (int round = 0; round < 2; round++) {
        for (const char *c = GET("/hello"); *c; c++) client_send_bytes(client, c, 1);
    }
    client_half_close(client);
    cr_assert(client_wait_for_end(client));
    cr_assert_eq(client_count(client, "hello\n"), 2);
    client_close(client);
    http_close(http);
}

Test(http, speaks_1_0_and_closes)
{
    struct http *http = open_http();
    struct client *client = client_open(http_port(http));
    client_send(client, "GET /hello HTTP/1.0\r\n\r\n");
    cr_assert(client_wait_for_end(client));
    expect(client, "Connection: close\r\n\r\nhello\n");
    client_close(client);
    http_close(http);
}

/* Much more than is read: the answer is 431 and is not lost to a reset. */
Test(http, headers_beyond_8_kib_are_431)
{
    struct http *http = open_http();
    struct client *client = client_open(http_port(http));
    client_send(client, "GET /hello HTTP/1.1\r\nHost: h\r\n");
    for (int i = 0; i < 300; i++)
        client_send(client, "X-Long: 00000000000000000000000000000000\r\n");
    expect(client, "HTTP/1.1 431 Request Header Fields Too Large\r\n");
    cr_assert(client_wait_for_end(client));
    cr_assert_not(client->was_reset);
    client_close(client);
    http_close(http);
}

Test(http, garbage_is_refused_at_once)
{
    struct http *http = open_http();
    static const char chunked[] = "GET /hello HTTP/1.1\r\nHost: h\r\n"
                                  "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    const char *const garbage[] = { "\x16\x03\x01\x02", "hello there\r\n",
                                    "GET /hello HTTP/1.1\n\n", chunked };
    for (size_t i = 0; i < sizeof garbage / sizeof *garbage; i++) {
        struct client *client = client_open(http_port(http));
        client_send(client, garbage[i]);
        cr_assert(client_wait_for_end(client));
        expect(client, "HTTP/1.1 400 Bad Request\r\n");
        client_close(client);
    }
    struct client *client = client_open(http_port(http));
    client_send(client, "GET /hello HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n");
    expect(client, "HTTP/1.1 413 ");
    client_close(client);
    http_close(http);
}

/* Long enough for a late thread to say its first byte. */
#define SLOW_MS 1000

Test(http, a_slow_request_is_ended)
{
    const struct http_plan plan = plan_of(SLOW_MS);
    struct http *http = open_plan(&plan);
    const uint64_t begin_ms = clock_now_ms();
    struct client *slow = client_open(http_port(http));
    struct client *silent = client_open(http_port(http));
    client_send(slow, "GET /hello HTTP/1.1\r\n");
    expect(slow, "HTTP/1.1 408 Request Timeout\r\n");
    cr_assert(client_wait_for_end(slow));
    cr_assert(client_wait_for_end(silent));
    cr_assert_eq(silent->n, 0);
    cr_assert_geq(clock_now_ms() - begin_ms, SLOW_MS);
    struct client *kept = client_open(http_port(http)); /* the idle limit is not the request's */
    client_send(kept, GET("/hello"));
    expect(kept, "hello\n");
    client_send(kept, "GET /hello");
    expect(kept, "HTTP/1.1 408 Request Timeout\r\n");
    client_close(kept);
    client_close(slow);
    client_close(silent);
    http_close(http);
}

static atomic_uint ticks;
static atomic_bool is_to_stand, stands;

static void count_and_stand(void *context)
{
    (void)context;
    ticks++;
    if (!is_to_stand) return;
    is_to_stand = false;
    stands = true;
    usleep((SLOW_MS + 300) * 1000);
}

/* Their time passes while the server's own thread stands still, and what they say lies in their sockets. */
Test(http, a_late_server_hangs_up_on_nobody)
{
    struct http_plan plan = plan_of(SLOW_MS);
    plan.on_tick = count_and_stand;
    struct http *http = open_plan(&plan);
    struct client *client = client_open(http_port(http));
    const unsigned before = ticks;
    while (ticks < before + 2) usleep(1000); /* it is accepted */
    is_to_stand = true;
    while (!stands) usleep(1000);
    client_send(client, GET("/hello"));
    expect(client, "hello\n");
    client_close(client);
    http_close(http);
}

/* The request's own first byte starts its clock, not the connection's. */
Test(http, a_kept_connection_gets_its_time_for_each_request)
{
    const struct http_plan plan = plan_of(1500);
    struct http *http = open_plan(&plan);
    struct client *client = client_open(http_port(http));
    const uint64_t begin_ms = clock_now_ms();
    unsigned answers = 0;
    while (clock_now_ms() - begin_ms < 2500) {
        client_send(client, GET("/hello"));
        client->n = 0;
        client->in[0] = '\0';
        expect(client, "hello\n");
        answers++;
    }
    cr_assert_gt(answers, 1);
    client_close(client);
    http_close(http);
}

Test(http, a_reader_that_does_not_read_is_cut)
{
    const struct http_plan plan = plan_of(SLOW_MS);
    struct http *http = open_plan(&plan);
    struct client *client = client_open(http_port(http));
    const int small = 4096;
    setsockopt(client->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    client_send(client, GET("/big"));
    struct client *other = client_open(http_port(http)); /* is not held up by it */
    client_send(other, GET("/hello"));
    expect(other, "hello\n");
    struct pollfd reset = { .fd = client->fd, .events = 0 };
    cr_assert_eq(poll(&reset, 1, CLIENT_DEADLINE_MS), 1, "it was not cut");
    client_close(client);
    client_close(other);
    http_close(http);
}

Test(http, a_big_answer_arrives_whole)
{
    struct http *http = open_http();
    struct client *client = client_open(http_port(http));
    client_send(client, GET("/big"));
    uint64_t bytes = 0;
    while (bytes < BIG_BYTES) {
        const ssize_t n = recv(client->fd, client->in, sizeof client->in, 0);
        cr_assert_gt(n, 0);
        bytes += (uint64_t)n;
    }
    client_close(client);
    http_close(http);
}

Test(http, connections_past_the_limit_are_turned_away_and_idle_ones_give_way)
{
    struct http *http = open_http();
    struct client *clients[HTTP_CONNECTIONS];
    for (int i = 0; i < HTTP_CONNECTIONS; i++) {
        clients[i] = client_open(http_port(http));
        client_send(clients[i], "GET /hello HTTP/1.1\r\n"); /* each of them wants something */
    }
    struct client *late = client_open(http_port(http));
    client_send(late, GET("/hello"));
    cr_assert(client_wait_for_end(late));
    cr_assert_eq(client_count(late, "hello\n"), 0);
    client_close(late);

    for (int i = 0; i < HTTP_CONNECTIONS; i++) {
        client_send(clients[i], "Host: h\r\n\r\n");
        expect(clients[i], "hello\n");
    }
    for (int i = 0; i < 3; i++) { /* now they are idle, and the oldest goes */
        late = client_open(http_port(http));
        client_send(late, GET("/hello"));
        expect(late, "hello\n");
        client_close(late);
    }
    unsigned closed = 0;
    for (int i = 0; i < HTTP_CONNECTIONS; i++) {
        client_send(clients[i], GET("/hello"));
        clients[i]->in[0] = '\0';
        clients[i]->n = 0;
        closed += !client_wait_for(clients[i], "hello\n");
        client_close(clients[i]);
    }
    cr_assert(closed >= 1 && closed <= 3, "%u", closed);
    http_close(http);
}

Test(http, the_address_that_is_taken_is_named_with_the_way_out)
{
    struct http *http = open_http();
    char taken[32];
    snprintf(taken, sizeof taken, "127.0.0.1:%u", http_port(http));
    const struct {
        const char *listen, *words;
    } cases[] = {
        { taken, "is taken by another process" },
        { "192.0.2.1:0", "is no address of this machine" },
        { "127.0.0.1", "is not HOST:PORT" },
        { "127.0.0.1:65536", "is not HOST:PORT" },
        { "127.0.0.1:-1", "is not HOST:PORT" },
        { "::1:80", "is not HOST:PORT" },
        { "no such host:0", "no address for" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct http_plan plan = plan_of(0);
        struct status status = { .text = "" };
        plan.listen = cases[i].listen;
        cr_assert_null(http_open(&plan, &status));
        cr_assert(strstr(status.text, cases[i].words), "%s: %s", cases[i].listen, status.text);
        cr_assert(
            strstr(status.text, cases[i].listen[0] == 'n' ? "no such host" : cases[i].listen));
        cr_assert_eq(status.exit, EXIT_CONFIG);
    }
    http_close(http);
}

Test(http, listens_on_names_and_on_every_address)
{
    const char *const listens[] = { "localhost:0", ":0", "0.0.0.0:0", "[::]:0" };
    for (size_t i = 0; i < sizeof listens / sizeof *listens; i++) {
        struct http_plan plan = plan_of(0);
        struct status status = { .text = "" };
        plan.listen = listens[i];
        struct http *http = http_open(&plan, &status);
        if (!http && listens[i][0] == '[') continue; /* a machine without IPv6 */
        cr_assert(http, "%s", status.text);
        if (i > 0) client_close(client_get(http_port(http), "/hello"));
        http_close(http);
    }
}

/* What a fuzzer would send, on real sockets: the server goes on answering. */
Test(http, noise_on_the_wire_does_no_harm)
{
    const struct http_plan plan = plan_of(2000);
    struct http *http = open_plan(&plan);
    uint64_t seed = 7;
    for (int round = 0; round < 200; round++) {
        struct client *client = client_open(http_port(http));
        char noise[600];
        for (size_t i = 0; i < sizeof noise; i++) {
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
            noise[i] = round % 2 ? (char)(seed >> 56) : "GET / HTP1.:\r\n"[(seed >> 40) % 14];
        }
        client_send_bytes(client, noise, (size_t)(seed % sizeof noise));
        client_close(client);
    }
    const uint64_t deadline_ms = clock_now_ms() + CLIENT_DEADLINE_MS;
    for (bool well = false; !well;) { /* it may have the closed ones still to look at */
        struct client *client = client_get(http_port(http), "/hello");
        well = client_count(client, "hello\n") == 1;
        client_close(client);
        cr_assert(well || clock_now_ms() < deadline_ms);
    }
    http_close(http);
}
