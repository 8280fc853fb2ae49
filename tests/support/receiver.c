/* SPDX-License-Identifier: Apache-2.0
 *
 * The receiver; see receiver.h. One connection at a time: the exporter has no more. */
#include "support/receiver.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/json.h"

#define HEAD_MOST 16384
#define LOOK_MS 20

struct body {
    struct body *next;
    size_t bytes;
    char text[];
};

struct receiver {
    int fd;
    uint16_t port;
    pthread_t thread;
    _Atomic bool is_ending;
    pthread_mutex_t lock; /* of all below */
    int status;
    char more[120], head[HEAD_MOST + 1];
    uint32_t requests;
    struct body *bodies; /* newest first */
    struct json json;
    struct arena arena;
};

/* ---- the server -------------------------------------------------------------------------------- */

/* False at the connection's end, or the test's. */
static bool read_some(struct receiver *receiver, int fd, char *into, size_t room, size_t *n)
{
    struct pollfd readable = { .fd = fd, .events = POLLIN };
    while (!atomic_load(&receiver->is_ending)) {
        if (poll(&readable, 1, LOOK_MS) <= 0) continue;
        const ssize_t got = recv(fd, into + *n, room - *n, 0);
        if (got <= 0) return false;
        *n += (size_t)got;
        return true;
    }
    return false;
}

static void keep(struct receiver *receiver, struct body *body, const char *head, char answer[512])
{
    pthread_mutex_lock(&receiver->lock);
    const int status = receiver->status;
    receiver->requests++;
    snprintf(receiver->head, sizeof receiver->head, "%s", head);
    snprintf(answer, 512, "HTTP/1.1 %d Said\r\n%sContent-Length: 2\r\n\r\n{}", status,
             receiver->more);
    if (!status) answer[0] = '\0';
    if (status / 100 == 2) {
        body->next = receiver->bodies;
        receiver->bodies = body;
    } else {
        free(body);
    }
    pthread_mutex_unlock(&receiver->lock);
}

/* One request: false at the end of all. Nothing follows a request before its answer. */
static bool serve_one(struct receiver *receiver, int fd)
{
    static _Thread_local char head[HEAD_MOST + 1];
    char answer[512];
    char *end = NULL;
    size_t n = 0;
    while (!end) {
        if (n == HEAD_MOST || !read_some(receiver, fd, head, HEAD_MOST, &n)) return false;
        head[n] = '\0';
        end = strstr(head, "\r\n\r\n");
    }
    const char *const length = strcasestr(head, "\r\ncontent-length:");
    const size_t bytes = length ? strtoul(length + 17, NULL, 10) : 0;
    struct body *const body = memory_new(1, sizeof *body + bytes + 1);
    size_t have = n - (size_t)(end + 4 - head);
    CHECK(have <= bytes);
    memcpy(body->text, end + 4, have);
    end[2] = '\0';
    body->bytes = bytes;
    while (have < bytes)
        if (!read_some(receiver, fd, body->text, bytes, &have)) {
            free(body);
            return false;
        }
    keep(receiver, body, head, answer);
    const ssize_t size = (ssize_t)strlen(answer);
    if (size && send(fd, answer, (size_t)size, MSG_NOSIGNAL) != size) return false;
    return !strcasestr(answer, "connection: close");
}

static void *serve(void *own)
{
    struct receiver *const receiver = own;
    struct pollfd coming = { .fd = receiver->fd, .events = POLLIN };
    while (!atomic_load(&receiver->is_ending)) {
        if (poll(&coming, 1, LOOK_MS) <= 0) continue;
        const int fd = accept4(receiver->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) continue;
        while (serve_one(receiver, fd)) continue;
        close(fd);
    }
    return NULL;
}

struct receiver *receiver_open(void)
{
    struct receiver *const receiver = NEW(struct receiver);
    struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t bytes = sizeof at;
    receiver->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(receiver->fd >= 0 && bind(receiver->fd, (struct sockaddr *)&at, sizeof at) == 0);
    CHECK(listen(receiver->fd, 16) == 0);
    CHECK(getsockname(receiver->fd, (struct sockaddr *)&at, &bytes) == 0);
    receiver->port = ntohs(at.sin_port);
    receiver->status = 200;
    pthread_mutex_init(&receiver->lock, NULL);
    arena_init(&receiver->arena, NULL, 0);
    CHECK(pthread_create(&receiver->thread, NULL, serve, receiver) == 0);
    return receiver;
}

void receiver_close(struct receiver *receiver)
{
    atomic_store(&receiver->is_ending, true);
    pthread_join(receiver->thread, NULL);
    close(receiver->fd);
    for (struct body *body; (body = receiver->bodies);) {
        receiver->bodies = body->next;
        free(body);
    }
    arena_reset(&receiver->arena);
    pthread_mutex_destroy(&receiver->lock);
    free(receiver);
}

uint16_t receiver_port(const struct receiver *receiver)
{
    return receiver->port;
}

void receiver_answer(struct receiver *receiver, int status, const char *more)
{
    pthread_mutex_lock(&receiver->lock);
    receiver->status = status;
    snprintf(receiver->more, sizeof receiver->more, "%s", more);
    pthread_mutex_unlock(&receiver->lock);
}

/* ---- what came --------------------------------------------------------------------------------- */

uint32_t receiver_requests(struct receiver *receiver)
{
    pthread_mutex_lock(&receiver->lock);
    const uint32_t n = receiver->requests;
    pthread_mutex_unlock(&receiver->lock);
    return n;
}

bool receiver_head_has(struct receiver *receiver, const char *words)
{
    pthread_mutex_lock(&receiver->lock);
    const bool has = strstr(receiver->head, words) != NULL;
    pthread_mutex_unlock(&receiver->lock);
    return has;
}

bool receiver_has(struct receiver *receiver, const char *words)
{
    bool has = false;
    pthread_mutex_lock(&receiver->lock);
    for (const struct body *body = receiver->bodies; body && !has; body = body->next)
        has = memmem(body->text, body->bytes, words, strlen(words)) != NULL;
    pthread_mutex_unlock(&receiver->lock);
    return has;
}

#define SPANS "resourceSpans.0.scopeSpans.0.spans"

/* Every span of every body, entered, until one says that is it. */
static bool walk(struct receiver *receiver, bool (*look)(struct receiver *, void *), void *with)
{
    struct json *const json = &receiver->json;
    bool is_found = false;
    pthread_mutex_lock(&receiver->lock);
    for (const struct body *body = receiver->bodies; body && !is_found; body = body->next) {
        CHECK(json_open(json, text_from(body->text, body->bytes)) == JSON_OK);
        for (size_t i = 0; !is_found; i++) {
            if (json_enter(json, SPANS, i, &receiver->arena, NULL) != JSON_OK) break;
            is_found = look(receiver, with);
            json_leave(json);
        }
    }
    pthread_mutex_unlock(&receiver->lock);
    return is_found;
}

static bool count(struct receiver *receiver, void *with)
{
    (void)receiver;
    ++*(uint32_t *)with;
    return false;
}

uint32_t receiver_spans(struct receiver *receiver)
{
    uint32_t n = 0;
    (void)walk(receiver, count, &n);
    return n;
}

static void copy(struct receiver *receiver, const char *field, char *out, size_t room)
{
    struct wr_text text = { "", 0 };
    if (json_text(&receiver->json, field, &receiver->arena, &text) != JSON_OK) text.len = 0;
    snprintf(out, room, "%.*s", TEXT_ARGS(text));
}

static int64_t number(struct receiver *receiver, const char *field)
{
    char text[32];
    copy(receiver, field, text, sizeof text);
    return strtoll(text, NULL, 10);
}

static void read_attribute(struct receiver *receiver, struct received_span *span)
{
    char key[80];
    copy(receiver, "key", key, sizeof key);
    if (strcmp(key, "warrener.outcome") == 0)
        copy(receiver, "value.stringValue", span->outcome, sizeof span->outcome);
    else if (strcmp(key, "error.type") == 0)
        copy(receiver, "value.stringValue", span->error, sizeof span->error);
    else if (strcmp(key, "messaging.rabbitmq.destination.routing_key") == 0)
        copy(receiver, "value.stringValue", span->key, sizeof span->key);
    else if (strcmp(key, "warrener.attempt") == 0)
        span->attempt = number(receiver, "value.intValue");
    else if (strcmp(key, "messaging.message.body.size") == 0)
        span->bytes = number(receiver, "value.intValue");
}

struct search {
    const char *attribute, *value;
    struct received_span *span;
    char link[80];
};

static bool is_it(struct receiver *receiver, const struct search *search,
                  struct received_span *span)
{
    bool is_it = false;
    for (size_t i = 0;
         json_enter(&receiver->json, "attributes", i, &receiver->arena, NULL) == JSON_OK; i++) {
        char key[80], value[200];
        copy(receiver, "key", key, sizeof key);
        copy(receiver, "value.stringValue", value, sizeof value);
        is_it |= strcmp(key, search->attribute) == 0 && strcmp(value, search->value) == 0;
        read_attribute(receiver, span);
        json_leave(&receiver->json);
    }
    return is_it;
}

static bool look(struct receiver *receiver, void *with)
{
    const struct search *const search = with;
    struct received_span span = { .n_links = 0 };
    size_t links;
    if (!is_it(receiver, search, &span)) return false;
    copy(receiver, "traceId", span.trace, sizeof span.trace);
    copy(receiver, "spanId", span.span, sizeof span.span);
    copy(receiver, "parentSpanId", span.parent, sizeof span.parent);
    copy(receiver, "name", span.name, sizeof span.name);
    copy(receiver, "traceState", span.state, sizeof span.state);
    copy(receiver, "status.message", span.status, sizeof span.status);
    span.start_ns = number(receiver, "startTimeUnixNano");
    span.end_ns = number(receiver, "endTimeUnixNano");
    if (json_int(&receiver->json, "kind", &span.kind) != JSON_OK) span.kind = 0;
    if (json_count(&receiver->json, "links", &links) == JSON_OK) span.n_links = (int64_t)links;
    *search->span = span;
    return true;
}

bool receiver_find(struct receiver *receiver, const char *attribute, const char *value,
                   struct received_span *span)
{
    struct search search = { .attribute = attribute, .value = value, .span = span };
    return walk(receiver, look, &search);
}

static bool look_for_link(struct receiver *receiver, void *with)
{
    const struct search *const search = with;
    struct wr_text links;
    if (json_raw(&receiver->json, "links", &links) != JSON_OK) return false;
    return memmem(links.at, links.len, search->link, strlen(search->link)) != NULL;
}

bool receiver_has_link(struct receiver *receiver, const struct received_span *to)
{
    struct search search = { .span = NULL };
    snprintf(search.link, sizeof search.link, "{\"traceId\":\"%s\",\"spanId\":\"%s\"}", to->trace,
             to->span);
    return walk(receiver, look_for_link, &search);
}
