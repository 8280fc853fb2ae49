/* SPDX-License-Identifier: Apache-2.0
 *
 * A client that posts to one place, one request at a time, over a connection that it keeps. Of the
 * answer only the status and Retry-After are read. Belongs to the loop it is given. */
#ifndef OPS_HTTP_POST_H
#define OPS_HTTP_POST_H

#include "net/loop.h"
#include "net/tls.h"

struct http_post;

struct http_post_settings {
    const char *host, *path;
    uint16_t port;
    bool use_tls;
    struct tls_settings tls;
    const char *headers; /* more of them, each with CR LF; content type included */
    uint32_t timeout_ms; /* from http_post_send to the answer, connecting included */
};

struct http_answer {
    int status;           /* 0: none came */
    uint32_t retry_after; /* in seconds; 0: not said */
    const char *why;      /* of no answer, in words; "" */
};

/* Texts are copied, but for those of tls. */
struct http_post *http_post_new(struct loop *loop, const struct http_post_settings *settings,
                                void (*on_answer)(void *owner, const struct http_answer *answer),
                                void *owner);
void http_post_free(struct http_post *post); /* no answer comes any more; NULL is fine */

/* Only when none is out. The body is borrowed until its answer, which never comes from inside. */
void http_post_send(struct http_post *post, const char *body, size_t bytes);
bool http_post_is_out(const struct http_post *post);

#endif
