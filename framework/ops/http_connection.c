/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a connection: READING a request, WRITING its answer, IDLE until the next, ENDING. It
 * answers one request a turn, so that a client with many of them waits its turn among the others.
 * ENDING reads on after the last answer: closing on unread bytes would make the kernel reset the
 * connection, and the client would lose the answer. */
#include "ops/http_connection.h"

#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "ops/http_respond.h"

#define MAGIC 0x68747470u
#define ENDING_MS 1000

enum state { READING, WRITING, IDLE, ENDING };

struct connection {
    uint32_t magic;
    enum state state;
    struct list link;
    struct http_service *service;
    struct event *event; /* one-shot: armed for what the state waits for */
    int fd;
    uint64_t deadline_ms;
    struct metrics_text out;
    size_t sent_bytes; /* of `out` */
    bool closes;       /* after this answer */
    bool at_end;       /* the client sends no more */
    size_t in_bytes;
    char in[HTTP_HEAD_BYTES];
};

static void free_connection(struct connection *connection)
{
    list_remove(&connection->link);
    connection->service->n_connections--;
    event_free(connection->event);
    close(connection->fd);
    metrics_text_fini(&connection->out);
    connection->magic = 0;
    free(connection);
}

/* A reset instead of the kernel's patience with who does not read. */
static void cut(struct connection *connection)
{
    const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };
    (void)setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    free_connection(connection);
}

static void set_deadline(struct connection *connection, uint64_t after_ms)
{
    connection->deadline_ms = clock_now_ms() + after_ms;
}

static void on_event(evutil_socket_t fd, short what, void *argument);

/* Arms the event: for the socket, or (`again`) for the next turn in any case. */
static void wait_for(struct connection *connection, short what, bool again)
{
    static const struct timeval at_once = { 0, 0 };
    event_del(connection->event);
    event_assign(connection->event, connection->service->base, connection->fd, what, on_event,
                 connection);
    if (event_add(connection->event, again ? &at_once : NULL) != 0) free_connection(connection);
}

static void end(struct connection *connection)
{
    connection->state = ENDING;
    set_deadline(connection, ENDING_MS);
    shutdown(connection->fd, SHUT_WR);
    wait_for(connection, EV_READ, false);
}

/* The answer is out: on to the next request, which may be here already. */
static void finish_answer(struct connection *connection)
{
    metrics_text_fini(&connection->out);
    connection->sent_bytes = 0;
    if (connection->closes) {
        end(connection);
        return;
    }
    const bool more = connection->in_bytes > 0 || connection->at_end;
    const struct http_plan *plan = &connection->service->plan;
    connection->state = more ? READING : IDLE;
    set_deadline(connection, more ? plan->request_ms : plan->idle_ms);
    wait_for(connection, EV_READ, more);
}

static void write_on(struct connection *connection)
{
    while (connection->sent_bytes < connection->out.len) {
        const ssize_t n = send(connection->fd, connection->out.at + connection->sent_bytes,
                               connection->out.len - connection->sent_bytes, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
            wait_for(connection, EV_WRITE, false);
            return;
        }
        if (n < 0) {
            free_connection(connection);
            return;
        }
        connection->sent_bytes += (size_t)n;
    }
    finish_answer(connection);
}

static void answer(struct connection *connection, const struct http_request *request)
{
    connection->state = WRITING;
    connection->closes = !request->keep_alive;
    http_respond(&connection->service->plan, request, &connection->out);
    connection->in_bytes -= request->bytes;
    memmove(connection->in, connection->in + request->bytes, connection->in_bytes);
    write_on(connection);
}

static void answer_fault(struct connection *connection, int status, const char *why)
{
    connection->state = WRITING;
    connection->closes = true;
    connection->in_bytes = 0;
    http_respond_fault(status, why, &connection->out);
    write_on(connection);
}

static void take_request(struct connection *connection)
{
    struct http_request request;
    switch (http_parse(connection->in, connection->in_bytes, &request)) {
    case HTTP_REQUEST: answer(connection, &request); return;
    case HTTP_BAD: answer_fault(connection, request.status, request.why); return;
    case HTTP_PARTIAL: break;
    }
    if (connection->at_end) {
        free_connection(connection);
    } else {
        wait_for(connection, EV_READ, false);
    }
}

/* False where the connection is gone. */
static bool receive(struct connection *connection)
{
    const size_t room = sizeof connection->in - connection->in_bytes;
    CHECK(room > 0); /* a full buffer holds a request or is refused */
    const ssize_t n = recv(connection->fd, connection->in + connection->in_bytes, room, 0);
    if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR) {
        free_connection(connection);
        return false;
    }
    if (n == 0) connection->at_end = true;
    if (n > 0) connection->in_bytes += (size_t)n;
    return true;
}

static void read_on(struct connection *connection)
{
    if (!receive(connection)) return;
    if (connection->state == IDLE && connection->in_bytes > 0) {
        connection->state = READING;
        set_deadline(connection, connection->service->plan.request_ms);
    }
    take_request(connection);
}

static void discard(struct connection *connection)
{
    connection->in_bytes = 0;
    if (!receive(connection)) return;
    if (connection->at_end) {
        free_connection(connection);
    } else {
        wait_for(connection, EV_READ, false);
    }
}

static void on_event(evutil_socket_t fd, short what, void *argument)
{
    struct connection *connection = argument;
    CHECK_MAGIC(connection, MAGIC);
    (void)fd;
    (void)what;
    switch (connection->state) {
    case READING:
    case IDLE: read_on(connection); break;
    case WRITING: write_on(connection); break;
    case ENDING: discard(connection); break;
    }
}

void http_connection_new(struct http_service *service, int fd)
{
    struct connection *connection = NEW(struct connection);
    connection->event = event_new(service->base, fd, EV_READ, on_event, connection);
    if (!connection->event) {
        free(connection);
        close(fd);
        return;
    }
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    connection->magic = MAGIC;
    connection->service = service;
    connection->fd = fd;
    list_append(&service->connections, &connection->link);
    service->n_connections++;
    set_deadline(connection, service->plan.request_ms);
    wait_for(connection, EV_READ, false);
}

void http_connections_free(struct http_service *service)
{
    LIST_EACH (link, &service->connections) {
        free_connection(LIST_ENTRY(link, struct connection, link));
    }
}

void http_connections_check(struct http_service *service, uint64_t now_ms, uint64_t late_ms)
{
    LIST_EACH (link, &service->connections) {
        struct connection *connection = LIST_ENTRY(link, struct connection, link);
        connection->deadline_ms += late_ms;
        if (now_ms < connection->deadline_ms) continue;
        if (connection->state == READING && connection->in_bytes > 0) {
            answer_fault(connection, 408, "the request did not arrive in time");
        } else if (connection->state == WRITING) {
            cut(connection);
        } else {
            free_connection(connection);
        }
    }
}

bool http_connections_evict(struct http_service *service)
{
    struct connection *oldest = NULL;
    LIST_EACH (link, &service->connections) {
        struct connection *connection = LIST_ENTRY(link, struct connection, link);
        if (connection->state != IDLE && connection->state != ENDING) continue;
        if (!oldest || connection->deadline_ms < oldest->deadline_ms) oldest = connection;
    }
    if (oldest) free_connection(oldest);
    return oldest != NULL;
}
