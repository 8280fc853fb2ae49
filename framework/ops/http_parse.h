/* SPDX-License-Identifier: Apache-2.0
 *
 * One HTTP/1.x request, read from bytes: a pure function, strict where leniency has cost others
 * (bare line feeds, folded lines, two lengths, blanks before a colon are all refused). A request has
 * no body here. */
#ifndef OPS_HTTP_PARSE_H
#define OPS_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

#define HTTP_HEAD_BYTES 8192 /* of request line and headers together */

enum http_parsed { HTTP_PARTIAL, HTTP_REQUEST, HTTP_BAD };
enum http_method { HTTP_GET, HTTP_HEAD, HTTP_OTHER };

struct http_request {
    enum http_method method;
    struct wr_text path;   /* without the query; borrowed from the bytes, like `accept` */
    struct wr_text accept; /* "" where absent */
    bool keep_alive;
    size_t bytes; /* of the request: the next one begins behind them */

    int status;      /* of HTTP_BAD: the answer's */
    const char *why; /* and its words */
};

/* `len` is at most HTTP_HEAD_BYTES; HTTP_PARTIAL asks to come again with more. */
enum http_parsed http_parse(const char *at, size_t len, struct http_request *request);

/* Walks a comma-separated header value: the next item without blanks around it; false at its end. */
bool http_next_item(struct wr_text *list, char separator, struct wr_text *item);
bool http_text_is(struct wr_text text, const char *lower_case); /* whatever its case */

#endif
