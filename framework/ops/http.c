/* SPDX-License-Identifier: Apache-2.0
 *
 * The server's thread: accepts, ticks, stops. Deadlines are looked at each tick: sixty-four
 * connections need no timers of their own. Where accepting fails (no descriptors left) it rests
 * until the next tick, for the listener would otherwise spin. */
#include "ops/http.h"

#include <event2/event.h>
#include <event2/listener.h>
#include <locale.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/standstill.h"
#include "base/thread_signals.h"
#include "ops/http_connection.h"
#include "ops/http_listen.h"
#include "ops/http_respond.h"

struct http {
    struct http_service service;
    struct evconnlistener *listener;
    struct event *tick, *stop;
    int stop_fd;
    uint16_t port;
    struct standstill standstill;
    pthread_t thread;
};

/* One connection too many: says so and closes, without waiting for anything. */
static void turn_away(int fd)
{
    struct metrics_text text = { NULL, 0, 0 };
    char scratch[1024];
    http_respond_fault(503, "too many connections", &text);
    (void)recv(fd, scratch, sizeof scratch, 0); /* unread bytes would reset the answer away */
    (void)send(fd, text.at, text.len, MSG_NOSIGNAL);
    shutdown(fd, SHUT_WR);
    close(fd);
    metrics_text_fini(&text);
}

static void on_accept(struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *address,
                      int address_bytes, void *argument)
{
    struct http_service *service = &((struct http *)argument)->service;
    (void)listener;
    (void)address;
    (void)address_bytes;
    const bool full = service->n_connections >= service->plan.connections;
    if (full && !http_connections_evict(service)) {
        turn_away(fd);
    } else {
        http_connection_new(service, fd);
    }
}

static void on_accept_error(struct evconnlistener *listener, void *argument)
{
    (void)argument;
    evconnlistener_disable(listener);
}

static void on_tick(evutil_socket_t fd, short what, void *argument)
{
    struct http *http = argument;
    const struct http_plan *plan = &http->service.plan;
    (void)fd;
    (void)what;
    if (plan->on_tick) plan->on_tick(plan->context);
    const uint64_t now_ms = clock_now_ms();
    http_connections_check(&http->service, now_ms,
                           standstill_tick(&http->standstill, HTTP_TICK_MS, now_ms));
    evconnlistener_enable(http->listener);
}

static void on_stop(evutil_socket_t fd, short what, void *argument)
{
    (void)fd;
    (void)what;
    event_base_loopbreak(((struct http *)argument)->service.base);
}

/* Numbers and dates are written for machines here, whatever locale a handler has set. */
static void *run(void *argument)
{
    struct http *http = argument;
    locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (plain) uselocale(plain);
    event_base_dispatch(http->service.base);
    uselocale(LC_GLOBAL_LOCALE);
    if (plain) freelocale(plain);
    return NULL;
}

/* Signals are the loop's; this thread is born with them blocked, but for those of faults. */
static bool start_thread(struct http *http)
{
    sigset_t all, before;
    thread_signals_fill(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const bool started = pthread_create(&http->thread, NULL, run, http) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (started) pthread_setname_np(http->thread, "http");
    return started;
}

static void free_all(struct http *http)
{
    http_connections_free(&http->service);
    if (http->listener) evconnlistener_free(http->listener);
    if (http->tick) event_free(http->tick);
    if (http->stop) event_free(http->stop);
    if (http->stop_fd >= 0) close(http->stop_fd);
    if (http->service.base) event_base_free(http->service.base);
    free(http);
}

/* Everything that runs on the thread; it owns `fd` when this is true. */
static bool make_events(struct http *http, int fd)
{
    static const struct timeval period = { 0, HTTP_TICK_MS * 1000 };
    struct event_base *base = http->service.base = event_base_new();
    http->stop_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    (void)standstill_tick(&http->standstill, HTTP_TICK_MS, clock_now_ms());
    if (!base || http->stop_fd < 0) return false;
    http->tick = event_new(base, -1, EV_PERSIST, on_tick, http);
    http->stop = event_new(base, http->stop_fd, EV_READ | EV_PERSIST, on_stop, http);
    if (!http->tick || event_add(http->tick, &period) != 0) return false;
    if (!http->stop || event_add(http->stop, NULL) != 0) return false;
    http->listener = evconnlistener_new(base, on_accept, http,
                                        LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
    if (http->listener) evconnlistener_set_error_cb(http->listener, on_accept_error);
    return http->listener != NULL;
}

struct http *http_open(const struct http_plan *plan, struct status *status)
{
    int fd;
    uint16_t port;
    if (!http_listen(plan->listen, &fd, &port, status)) return NULL;
    struct http *http = NEW(struct http);
    struct http_plan *own = &http->service.plan;
    http->port = port;
    http->stop_fd = -1;
    list_init(&http->service.connections);
    *own = *plan;
    if (!own->request_ms) own->request_ms = HTTP_REQUEST_MS;
    if (!own->idle_ms) own->idle_ms = HTTP_IDLE_MS;
    if (!own->connections) own->connections = HTTP_CONNECTIONS;
    if (make_events(http, fd) && start_thread(http)) return http;
    if (!http->listener) close(fd);
    free_all(http);
    status_fail(status, EXIT_INTERNAL,
                "http: the system gives no thread or descriptors for it; see ulimit -n and -u");
    return NULL;
}

uint16_t http_port(const struct http *http)
{
    return http->port;
}

void http_close(struct http *http)
{
    if (!http) return;
    const uint64_t one = 1;
    CHECK(write(http->stop_fd, &one, sizeof one) == (ssize_t)sizeof one);
    pthread_join(http->thread, NULL);
    free_all(http);
}
