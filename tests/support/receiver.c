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
#include "base/trace.h"
#include "support/otlp_read.h"

#define HEAD_MOST 16384
#define LOOK_MS 20

struct body {
    struct body *next;
    bool is_protobuf;
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
    bool keeps_nothing;
    uint32_t requests, spans;
    struct body *bodies; /* newest first */
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

static bool count(struct otlp_reader *reader)
{
    ++*(uint32_t *)reader->owner;
    return true;
}

/* What is wrong with it gets its status. */
static bool is_well(const struct body *body, uint32_t *spans)
{
    struct otlp_reader reader = { .on_span = count, .owner = spans };
    *spans = 0;
    if (!body->is_protobuf || otlp_read(&reader, text_from(body->text, body->bytes))) return true;
    fprintf(stderr, "the receiver cannot read spans: %s\n", reader.why);
    return false;
}

static void keep(struct receiver *receiver, struct body *body, const char *head, char answer[512])
{
    uint32_t spans;
    const bool can_be_read = is_well(body, &spans);
    pthread_mutex_lock(&receiver->lock);
    const int status = can_be_read ? receiver->status : 400;
    receiver->requests++;
    snprintf(receiver->head, sizeof receiver->head, "%s", head);
    snprintf(answer, 512, "HTTP/1.1 %d Said\r\n%sContent-Length: 0\r\n\r\n", status,
             receiver->more);
    if (!status) answer[0] = '\0';
    const bool is_taken = status / 100 == 2, is_kept = is_taken && !receiver->keeps_nothing;
    if (is_taken) receiver->spans += spans;
    if (is_kept) {
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
    body->is_protobuf = strcasestr(head, "\r\ncontent-type: application/x-protobuf\r\n");
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

void receiver_keep_nothing(struct receiver *receiver)
{
    pthread_mutex_lock(&receiver->lock);
    receiver->keeps_nothing = true;
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

uint32_t receiver_spans(struct receiver *receiver)
{
    pthread_mutex_lock(&receiver->lock);
    const uint32_t n = receiver->spans;
    pthread_mutex_unlock(&receiver->lock);
    return n;
}

struct search {
    const char *attribute, *value; /* of a span, or of the resource */
    const struct received_span *link;
    struct received_span *span; /* what is found */
    bool is_found;
};

/* Every span of every body, until one is it. */
static bool walk(struct receiver *receiver, bool (*look)(struct otlp_reader *),
                 struct search *search)
{
    struct otlp_reader reader = { .on_span = look, .owner = search };
    pthread_mutex_lock(&receiver->lock);
    for (const struct body *body = receiver->bodies; body && !search->is_found; body = body->next)
        if (body->is_protobuf) CHECK(otlp_read(&reader, text_from(body->text, body->bytes)));
    pthread_mutex_unlock(&receiver->lock);
    return search->is_found;
}

static bool has_text(const struct otlp_attributes *all, const char *key, const char *value)
{
    const struct otlp_attribute *const attribute = otlp_attribute_of(all, key);
    return attribute && attribute->is_text && text_is(attribute->text, value);
}

static bool look_about(struct otlp_reader *reader)
{
    struct search *const search = reader->owner;
    search->is_found |= has_text(&reader->resource, search->attribute, search->value);
    return false;
}

bool receiver_is_about(struct receiver *receiver, const char *key, const char *value)
{
    return walk(receiver, look_about, &(struct search){ .attribute = key, .value = value });
}

static void copy(char *out, size_t room, struct wr_text text)
{
    snprintf(out, room, "%.*s", TEXT_ARGS(text));
}

static void copy_hex(char *out, struct wr_text bytes)
{
    trace_hex((const uint8_t *)bytes.at, bytes.len, out);
    out[2 * bytes.len] = '\0';
}

static void copy_attribute(const struct otlp_span *span, const char *key, char *out, size_t room)
{
    const struct otlp_attribute *const found = otlp_attribute_of(&span->attributes, key);
    if (found && found->is_text) copy(out, room, found->text);
}

static int64_t number_of(const struct otlp_span *span, const char *key)
{
    const struct otlp_attribute *const found = otlp_attribute_of(&span->attributes, key);
    return found && !found->is_text ? found->number : 0;
}

static void fill(struct received_span *out, const struct otlp_span *span)
{
    *out = (struct received_span){ .n_links = (int64_t)span->n_links };
    copy_hex(out->trace, span->trace);
    copy_hex(out->span, span->span);
    copy_hex(out->parent, span->parent);
    copy(out->name, sizeof out->name, span->name);
    copy(out->state, sizeof out->state, span->state);
    copy(out->status, sizeof out->status, span->words);
    copy_attribute(span, "warrener.outcome", out->outcome, sizeof out->outcome);
    copy_attribute(span, "error.type", out->error, sizeof out->error);
    copy_attribute(span, "messaging.rabbitmq.destination.routing_key", out->key, sizeof out->key);
    out->attempt = number_of(span, "warrener.attempt");
    out->bytes = number_of(span, "messaging.message.body.size");
    out->kind = (int64_t)span->kind;
    out->start_ns = (int64_t)span->start_ns;
    out->end_ns = (int64_t)span->end_ns;
}

static bool look(struct otlp_reader *reader)
{
    struct search *const search = reader->owner;
    if (!has_text(&reader->span.attributes, search->attribute, search->value)) return true;
    fill(search->span, &reader->span);
    search->is_found = true;
    return false;
}

bool receiver_find(struct receiver *receiver, const char *attribute, const char *value,
                   struct received_span *span)
{
    return walk(receiver, look,
                &(struct search){ .attribute = attribute, .value = value, .span = span });
}

static bool look_for_link(struct otlp_reader *reader)
{
    struct search *const search = reader->owner;
    for (unsigned i = 0; i < reader->span.n_links && !search->is_found; i++) {
        struct received_span to;
        copy_hex(to.trace, reader->span.links[i].trace);
        copy_hex(to.span, reader->span.links[i].span);
        search->is_found =
            strcmp(to.trace, search->link->trace) == 0 && strcmp(to.span, search->link->span) == 0;
    }
    return !search->is_found;
}

bool receiver_has_link(struct receiver *receiver, const struct received_span *to)
{
    return walk(receiver, look_for_link, &(struct search){ .link = to });
}
