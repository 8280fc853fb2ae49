/* SPDX-License-Identifier: Apache-2.0
 *
 * A small HTTP/1.1 server for probes, scrapes and one page: its own thread, its own event base, a
 * table of routes. GET and HEAD only, no bodies, and hard limits on everything a client can spend:
 * bytes, seconds, connections. The routes' functions run on that thread. */
#ifndef OPS_HTTP_H
#define OPS_HTTP_H

#include <stdint.h>

#include "base/status.h"
#include "metrics/metrics_text.h"
#include "ops/http_parse.h"

#define HTTP_REQUEST_MS 5000 /* from a request's first byte to its answer's last */
#define HTTP_IDLE_MS 60000   /* between requests */
#define HTTP_CONNECTIONS 64
#define HTTP_TICK_MS 250

struct http_answer {
    int status;          /* 200 unless set */
    const char *type;    /* Content-Type; text/plain unless set */
    const char *headers; /* more of them, each with its CRLF; NULL: none */
    struct metrics_text body;
};

struct http_route {
    const char *path;
    void (*answer)(void *context, const struct http_request *request, struct http_answer *answer);
};

struct http_plan {
    const char *listen; /* host:port; port 0 takes any */
    const struct http_route *routes;
    size_t n_routes;
    void *context; /* given to routes and on_tick */
    void (*on_tick)(
        void *context);           /* each HTTP_TICK_MS or later, never twice to catch up; or NULL */
    uint64_t request_ms, idle_ms; /* 0: the values above */
    unsigned connections;
};

struct http;

/* Listens and serves at once; NULL where it cannot. The plan is copied, what it points to is not. */
struct http *http_open(const struct http_plan *plan, struct status *status) MUST_USE;
uint16_t http_port(const struct http *http);
void http_close(struct http *http); /* cuts what is open */

#endif
