/* SPDX-License-Identifier: Apache-2.0
 *
 * The request parser: what is taken, what is refused and why, byte by byte, and noise. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "ops/http_parse.h"

#define HOST "Host: h\r\n"

static enum http_parsed parse(const char *text, struct http_request *request)
{
    return http_parse(text, strlen(text), request);
}

Test(http_parse, takes_a_request_apart)
{
    struct http_request request;
    const char *text =
        "GET /metrics?a=b HTTP/1.1\r\nhOST: h\r\nAccept:  text/plain \t\r\n\r\nGET /next";
    cr_assert_eq(parse(text, &request), HTTP_REQUEST);
    cr_assert_eq(request.method, HTTP_GET);
    cr_assert(text_is(request.path, "/metrics"));
    cr_assert(text_is(request.accept, "text/plain"));
    cr_assert(request.keep_alive);
    cr_assert_str_eq(text + request.bytes, "GET /next");
}

static const struct {
    const char *text;
    const char *path; /* NULL: not GET or HEAD */
    bool keep_alive;
} good[] = {
    { "HEAD / HTTP/1.1\r\n" HOST "\r\n", "/", true },
    { "\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "/", true },
    { "GET / HTTP/1.0\r\n\r\n", "/", false },
    { "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "/", false },
    { "GET / HTTP/1.1\r\n" HOST "Connection: keep-alive, Close\r\n\r\n", "/", false },
    { "GET / HTTP/1.1\r\n" HOST "Connection: closed\r\n\r\n", "/", true },
    { "GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "/", true },
    { "GET / HTTP/1.1\r\nHost:\r\n\r\n", "/", true },
    { "GET / HTTP/1.9\r\n" HOST "\r\n", "/", true },
    { "GET http://h:1/livez?x HTTP/1.1\r\n" HOST "\r\n", "/livez", true },
    { "GET http://h HTTP/1.1\r\n" HOST "\r\n", "/", true },
    { "GET / HTTP/1.1\r\n" HOST "X: caf\xc3\xa9\r\n\r\n", "/", true },
    { "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\n", NULL, false },
    { "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", NULL, false },
    { "get / HTTP/1.1\r\n" HOST "\r\n", NULL, false },
};

Test(http_parse, takes_what_is_right)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        struct http_request request;
        cr_assert_eq(parse(good[i].text, &request), HTTP_REQUEST, "%s: %s", good[i].text,
                     request.why ? request.why : "");
        cr_assert_eq(request.bytes, strlen(good[i].text), "%s", good[i].text);
        cr_assert_eq(request.keep_alive, good[i].keep_alive, "%s", good[i].text);
        cr_assert_eq(request.method == HTTP_OTHER, good[i].path == NULL, "%s", good[i].text);
        if (good[i].path) cr_assert(text_is(request.path, good[i].path), "%s", good[i].text);
    }
}

static const struct {
    int status;
    const char *text, *why;
} bad[] = {
    { 400, "GET / HTTP/1.1\n" HOST "\r\n", "carriage return" },
    { 400, "GET / HTTP/1.1\r\n" HOST "X: a\n\r\n", "carriage return" },
    { 400, "GET / HTTP/1.1\r\nHost: h\rX: a\r\n\r\n", "control" },
    { 400, "\x16\x03\x01\x02", "control" }, /* TLS says hello */
    { 400, "GET /\r\n", "METHOD PATH" },
    { 400, "GET\r\n", "METHOD PATH" },
    { 400, "GET  / HTTP/1.1\r\n", "blanks" },
    { 400, "GET / x HTTP/1.1\r\n", "blanks" },
    { 400, " GET / HTTP/1.1\r\n", "method" },
    { 400, "G(T / HTTP/1.1\r\n", "method" },
    { 400, "GET / HTTP/1.1 \r\n", "blanks" },
    { 400, "GET / \r\n", "version" },
    { 400, "GET / http/1.1\r\n", "version" },
    { 400, "GET / HTTP/11\r\n", "version" },
    { 400, "GET / HTTP/x.1\r\n", "version" },
    { 505, "GET / HTTP/2.0\r\n", "spoken" },
    { 400, "GET livez HTTP/1.1\r\n", "path" },
    { 400, "GET * HTTP/1.1\r\n", "path" },
    { 400, "GET https://h/ HTTP/1.1\r\n", "path" },
    { 400, "GET /#a HTTP/1.1\r\n", "path" },
    { 400, "GET / HTTP/1.1\r\n\r\n", "Host" },
    { 400, "GET / HTTP/1.1\r\n" HOST HOST "\r\n", "two Host" },
    { 400, "GET / HTTP/1.1\r\n" HOST " folded\r\n\r\n", "NAME: VALUE" },
    { 400, "GET / HTTP/1.1\r\n" HOST "X : a\r\n\r\n", "NAME: VALUE" },
    { 400, "GET / HTTP/1.1\r\n" HOST ": a\r\n\r\n", "NAME: VALUE" },
    { 400, "GET / HTTP/1.1\r\n" HOST "nonsense\r\n\r\n", "NAME: VALUE" },
    { 413, "GET / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n", "no body" },
    { 400, "GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", "two" },
    { 400, "GET / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", "number" },
    { 400, "GET / HTTP/1.1\r\n" HOST "Content-Length: 0, 0\r\n\r\n", "number" },
    { 400, "GET / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", "empty" },
    { 400, "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", "Transfer-Encoding" },
};

Test(http_parse, refuses_what_is_wrong_and_says_why)
{
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct http_request request;
        cr_assert_eq(parse(bad[i].text, &request), HTTP_BAD, "%s", bad[i].text);
        cr_assert_eq(request.status, bad[i].status, "%s: %d", bad[i].text, request.status);
        cr_assert(strstr(request.why, bad[i].why), "%s: %s", bad[i].text, request.why);
    }
}

Test(http_parse, a_zero_byte_is_refused)
{
    struct http_request request;
    const char text[] = "GET /\0 HTTP/1.1\r\n" HOST "\r\n";
    cr_assert_eq(http_parse(text, sizeof text - 1, &request), HTTP_BAD);
}

Test(http_parse, byte_by_byte_it_waits_for_the_last)
{
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        const size_t len = strlen(good[i].text);
        for (size_t n = 0; n <= len; n++) {
            struct http_request request;
            char *exact = malloc(n + 1); /* so that a sanitizer sees a read past the end */
            memcpy(exact, good[i].text, n);
            exact = realloc(exact, n ? n : 1);
            cr_assert_eq(http_parse(exact, n, &request), n == len ? HTTP_REQUEST : HTTP_PARTIAL,
                         "%s at %zu", good[i].text, n);
            free(exact);
        }
    }
}

Test(http_parse, a_head_of_8_kib_is_the_most)
{
    struct http_request request;
    char text[HTTP_HEAD_BYTES + 1];
    const char *begin = "GET / HTTP/1.1\r\n" HOST "X: ";
    memset(text, 'a', sizeof text);
    memcpy(text, begin, strlen(begin));
    cr_assert_eq(http_parse(text, HTTP_HEAD_BYTES - 1, &request), HTTP_PARTIAL);
    cr_assert_eq(http_parse(text, HTTP_HEAD_BYTES, &request), HTTP_BAD);
    cr_assert_eq(request.status, 431);
    memcpy(text + HTTP_HEAD_BYTES - 4, "\r\n\r\n", 4);
    cr_assert_eq(http_parse(text, HTTP_HEAD_BYTES, &request), HTTP_REQUEST);
    cr_assert_eq(request.bytes, HTTP_HEAD_BYTES);
}

/* Changed good requests: never a read outside, never a path that is not inside, and what was
 * refused stays refused when more arrives. */
Test(http_parse, noise_does_no_harm, .timeout = 120)
{
    uint64_t seed = 20260102;
    for (int round = 0; round < 200000; round++) {
        const char *from = good[(size_t)round % (sizeof good / sizeof *good)].text;
        const size_t len = strlen(from);
        char text[256];
        memcpy(text, from, len);
        for (int change = 0; change < 1 + round % 3; change++) {
            static const char likely[] = "\r\n :/\0\t?#,1\x80";
            seed = seed * UINT64_C(6364136223846793005) + 1442695040888963407U;
            text[(seed >> 33) % len] = likely[(seed >> 20) % sizeof likely];
        }
        char *exact = malloc(len);
        memcpy(exact, text, len);
        struct http_request request;
        const enum http_parsed whole = http_parse(exact, len, &request);
        if (whole == HTTP_REQUEST) {
            cr_assert(request.bytes > 0 && request.bytes <= len);
            cr_assert(request.method == HTTP_OTHER || request.path.at[0] == '/');
        } else if (whole == HTTP_BAD) {
            cr_assert(request.status >= 400 && request.why);
        }
        const enum http_parsed part = http_parse(exact, len / 2, &request);
        cr_assert(part != HTTP_BAD || whole == HTTP_BAD);
        free(exact);
    }
}
