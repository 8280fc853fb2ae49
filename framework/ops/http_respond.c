/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds the route and writes head and body; see http_respond.h. HEAD gets the head of the very
 * answer that GET would get. */
#include "ops/http_respond.h"

#include <time.h>

#define TEXT_PLAIN "text/plain; charset=utf-8"

static const struct {
    int status;
    const char *words;
} reasons[] = {
    { 200, "OK" },
    { 400, "Bad Request" },
    { 404, "Not Found" },
    { 405, "Method Not Allowed" },
    { 408, "Request Timeout" },
    { 413, "Content Too Large" },
    { 431, "Request Header Fields Too Large" },
    { 503, "Service Unavailable" },
    { 505, "HTTP Version Not Supported" },
};

static const char *reason_of(int status)
{
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
        if (reasons[i].status == status) return reasons[i].words;
    }
    return "";
}

static void write_head(struct metrics_text *out, const struct http_answer *answer, bool closes)
{
    char date[40];
    const time_t now = time(NULL);
    struct tm calendar;
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S GMT", gmtime_r(&now, &calendar));
    metrics_text_format(out,
                        "HTTP/1.1 %d %s\r\n"
                        "Date: %s\r\n"
                        "Content-Type: %s\r\n"
                        "Content-Length: %zu\r\n"
                        "Cache-Control: no-store\r\n"
                        "X-Content-Type-Options: nosniff\r\n",
                        answer->status, reason_of(answer->status), date, answer->type,
                        answer->body.len);
    if (answer->headers) metrics_text_put(out, answer->headers);
    metrics_text_put(out, closes ? "Connection: close\r\n\r\n" : "\r\n");
}

static const struct http_route *find_route(const struct http_plan *plan, struct wr_text path)
{
    for (size_t i = 0; i < plan->n_routes; i++) {
        if (text_is(path, plan->routes[i].path)) return &plan->routes[i];
    }
    return NULL;
}

static void answer_unknown(const struct http_plan *plan, struct http_answer *answer)
{
    answer->status = 404;
    metrics_text_put(&answer->body, "there is nothing here; there is:\n");
    for (size_t i = 0; i < plan->n_routes; i++) {
        metrics_text_format(&answer->body, "%s\n", plan->routes[i].path);
    }
}

void http_respond(const struct http_plan *plan, const struct http_request *request,
                  struct metrics_text *out)
{
    struct http_answer answer = { .status = 200, .type = TEXT_PLAIN };
    const struct http_route *route = find_route(plan, request->path);
    if (request->method == HTTP_OTHER) {
        answer.status = 405;
        answer.headers = "Allow: GET, HEAD\r\n";
        metrics_text_put(&answer.body, "only GET and HEAD are answered here\n");
    } else if (route) {
        route->answer(plan->context, request, &answer);
    } else {
        answer_unknown(plan, &answer);
    }
    write_head(out, &answer, !request->keep_alive);
    if (request->method != HTTP_HEAD) metrics_text_add(out, answer.body.at, answer.body.len);
    metrics_text_fini(&answer.body);
}

void http_respond_fault(int status, const char *why, struct metrics_text *out)
{
    struct http_answer answer = { .status = status, .type = TEXT_PLAIN };
    metrics_text_format(&answer.body, "%s\n", why);
    write_head(out, &answer, true);
    metrics_text_add(out, answer.body.at, answer.body.len);
    metrics_text_fini(&answer.body);
}
