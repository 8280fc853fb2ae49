/* SPDX-License-Identifier: Apache-2.0
 *
 * One client's connection, for http.c alone: reads a request, writes its answer, then the next. It
 * never reads while it writes, so that pipelined requests wait in the kernel and memory is bounded. */
#ifndef OPS_HTTP_CONNECTION_H
#define OPS_HTTP_CONNECTION_H

#include "base/list.h"
#include "ops/http.h"

struct event_base;

struct http_service {
    struct http_plan plan;
    struct event_base *base;
    struct list connections;
    unsigned n_connections;
};

/* Takes the socket, which is non-blocking; closes it at once where there is no memory. */
void http_connection_new(struct http_service *service, int fd);
void http_connections_free(struct http_service *service);

/* Cuts those that are past their deadline, after each was given `late_ms` more. */
void http_connections_check(struct http_service *service, uint64_t now_ms, uint64_t late_ms);

/* Closes the one that has been idle longest, if any is: it makes room for one that wants something. */
bool http_connections_evict(struct http_service *service);

#endif
