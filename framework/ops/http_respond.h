/* SPDX-License-Identifier: Apache-2.0
 *
 * From a request to the bytes of its answer, with no socket in sight. */
#ifndef OPS_HTTP_RESPOND_H
#define OPS_HTTP_RESPOND_H

#include "ops/http.h"

/* The route's answer, or 404 with the paths there are, or 405. */
void http_respond(const struct http_plan *plan, const struct http_request *request,
                  struct metrics_text *out);

/* An answer that closes the connection: "why" and a newline. */
void http_respond_fault(int status, const char *why, struct metrics_text *out);

#endif
