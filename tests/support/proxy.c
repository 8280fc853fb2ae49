/* SPDX-License-Identifier: Apache-2.0
 *
 * One thread, one poll over all connections; see proxy.h. A way that is deaf is not read: what was
 * sent waits in the kernel, as it does in a network that has stopped, and arrives once it is healed. */
#include "support/proxy.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"

#define PAIRS_MOST 64
#define BUFFER_BYTES 65536
#define SLOW_BYTES_PER_MS 1
#define TICK_MS 5

enum side { HOST, BROKER };

struct way { /* what came from one side and goes to the other */
    char buffer[BUFFER_BYTES];
    size_t n, sent;
    uint64_t since_ms; /* SLOW: when the last byte went */
};

struct pair {
    int fds[2];         /* by enum side; BROKER is -1 where a script plays it */
    struct way ways[2]; /* by where it comes from */
    const struct proxy_script *script;
    unsigned said; /* pieces */
};

struct proxy {
    pthread_t thread;
    int listener;
    uint16_t port, to;
    _Atomic bool is_over;
    _Atomic enum proxy_mode mode;
    _Atomic uint64_t bytes, cut_at; /* cut_at 0: no cut */
    _Atomic unsigned cuts, accepted, scripts_left;
    const struct proxy_script *const *scripts;
    struct pair *pairs[PAIRS_MOST];
    unsigned n;
};

static void no_delay(int fd)
{
    const int yes = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){ .sin_family = AF_INET,
                                 .sin_port = htons(port),
                                 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

static int dial(uint16_t port)
{
    const struct sockaddr_in at = loopback(port);
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(fd >= 0);
    if (connect(fd, (const struct sockaddr *)&at, sizeof at) == 0) {
        no_delay(fd);
        return fd;
    }
    close(fd);
    return -1;
}

static void drop(struct proxy *proxy, unsigned i, bool abruptly)
{
    struct pair *pair = proxy->pairs[i];
    const struct linger reset = { .l_onoff = abruptly, .l_linger = 0 };
    for (int side = HOST; side <= BROKER; side++) {
        if (pair->fds[side] < 0) continue;
        setsockopt(pair->fds[side], SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
        close(pair->fds[side]);
    }
    free(pair);
    proxy->pairs[i] = proxy->pairs[--proxy->n];
}

static void add(struct proxy *proxy)
{
    const int fd = accept4(proxy->listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0) return;
    atomic_fetch_add(&proxy->accepted, 1);
    struct pair *pair = NEW(struct pair);
    no_delay(fd);
    pair->fds[HOST] = fd;
    pair->fds[BROKER] = -1;
    const unsigned left = atomic_load(&proxy->scripts_left);
    if (left > 0) {
        pair->script = *proxy->scripts++;
        atomic_store(&proxy->scripts_left, left - 1);
    } else {
        pair->fds[BROKER] = dial(proxy->to);
    }
    CHECK(proxy->n < PAIRS_MOST);
    proxy->pairs[proxy->n++] = pair;
    if (!pair->script && pair->fds[BROKER] < 0) drop(proxy, proxy->n - 1, false);
}

/* ---- passing on ------------------------------------------------------------------------------ */

static bool is_deaf(const struct proxy *proxy, enum side from)
{
    switch (atomic_load(&proxy->mode)) {
    case PROXY_DEAF_TO_BROKER: return from == BROKER;
    case PROXY_DEAF_TO_HOST: return from == HOST;
    case PROXY_DEAF: return true;
    default: return false;
    }
}

/* How much of what waits may go now. */
static size_t allowed(const struct proxy *proxy, struct way *way)
{
    const size_t waiting = way->n - way->sent;
    const uint64_t now_ms = clock_now_ms();
    switch (atomic_load(&proxy->mode)) {
    case PROXY_BYTEWISE: return waiting > 1 ? 1 : waiting;
    case PROXY_SLOW: {
        const uint64_t most = (now_ms - way->since_ms) * SLOW_BYTES_PER_MS;
        if (most) way->since_ms = now_ms;
        return most < waiting ? most : waiting;
    }
    default: return waiting;
    }
}

/* False where the pair has to go. */
static bool send_on(struct proxy *proxy, struct way *way, int to)
{
    const size_t n = allowed(proxy, way);
    if (!n) return true;
    const ssize_t sent = send(to, way->buffer + way->sent, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) return false;
    way->sent += (size_t)sent;
    if (way->sent == way->n) way->n = way->sent = 0;
    atomic_fetch_add(&proxy->bytes, (uint64_t)sent);
    return true;
}

static bool receive(struct proxy *proxy, struct way *way, int from)
{
    const uint64_t cut_at = atomic_load(&proxy->cut_at), bytes = atomic_load(&proxy->bytes);
    size_t room = sizeof way->buffer;
    if (cut_at && cut_at - bytes < room) room = cut_at > bytes ? cut_at - bytes : 1;
    const ssize_t n = recv(from, way->buffer, room, MSG_DONTWAIT);
    if (n <= 0) return false;
    way->n = (size_t)n;
    way->since_ms = clock_now_ms();
    return true;
}

static bool is_to_be_cut(struct proxy *proxy)
{
    const uint64_t cut_at = atomic_load(&proxy->cut_at);
    if (!cut_at || atomic_load(&proxy->bytes) < cut_at) return false;
    atomic_store(&proxy->cut_at, 0);
    atomic_fetch_add(&proxy->cuts, 1);
    return true;
}

/* ---- scripts --------------------------------------------------------------------------------- */

static bool play(struct pair *pair)
{
    char heard[4096];
    if (recv(pair->fds[HOST], heard, sizeof heard, MSG_DONTWAIT) <= 0) return false;
    const struct proxy_script *script = pair->script;
    const unsigned n = sizeof script->pieces / sizeof *script->pieces;
    if (pair->said < n && script->pieces[pair->said].at) {
        const struct piece *piece = &script->pieces[pair->said++];
        if (send(pair->fds[HOST], piece->at, piece->bytes, MSG_NOSIGNAL) < 0) return false;
    }
    const bool is_last = pair->said == n || !script->pieces[pair->said].at;
    return !(is_last && script->hangs_up);
}

/* ---- the thread ------------------------------------------------------------------------------ */

static short wanted(struct proxy *proxy, const struct pair *pair, enum side side)
{
    if (pair->script) return side == HOST ? POLLIN : 0;
    const struct way *in = &pair->ways[side], *out = &pair->ways[!side];
    short events = 0;
    if (!in->n && !is_deaf(proxy, side)) events |= POLLIN;
    if (out->n && !is_deaf(proxy, !side) && atomic_load(&proxy->mode) != PROXY_SLOW)
        events |= POLLOUT;
    return events;
}

static bool serve(struct proxy *proxy, struct pair *pair, const struct pollfd *found)
{
    if (pair->script) return !found[HOST].revents || play(pair);
    for (enum side side = HOST; side <= BROKER; side++) {
        struct way *way = &pair->ways[side];
        if (is_deaf(proxy, side)) continue;
        if (!way->n && (found[side].revents & (POLLIN | POLLHUP | POLLERR)) &&
            !receive(proxy, way, pair->fds[side]))
            return false;
        if (way->n && !send_on(proxy, way, pair->fds[!side])) return false;
        if (is_to_be_cut(proxy)) return false;
    }
    return true;
}

static void *run(void *own)
{
    struct proxy *proxy = own;
    struct pollfd found[1 + 2 * PAIRS_MOST];
    while (!atomic_load(&proxy->is_over)) {
        found[0] = (struct pollfd){ .fd = proxy->listener, .events = POLLIN };
        const unsigned n = proxy->n;
        for (unsigned i = 0; i < n; i++)
            for (enum side side = HOST; side <= BROKER; side++) {
                const short events = wanted(proxy, proxy->pairs[i], side);
                found[1 + 2 * i + side] =
                    (struct pollfd){ .fd = events ? proxy->pairs[i]->fds[side] : -1,
                                     .events = events };
            }
        poll(found, 1 + 2 * n, TICK_MS);
        for (unsigned i = n; i-- > 0;) {
            const unsigned cuts = atomic_load(&proxy->cuts);
            if (!serve(proxy, proxy->pairs[i], &found[1 + 2 * i]))
                drop(proxy, i, atomic_load(&proxy->cuts) != cuts);
        }
        if (found[0].revents) add(proxy);
    }
    while (proxy->n) drop(proxy, 0, false);
    return NULL;
}

struct proxy *proxy_open(uint16_t to)
{
    struct proxy *proxy = NEW(struct proxy);
    struct sockaddr_in at = loopback(0);
    socklen_t bytes = sizeof at;
    proxy->to = to;
    proxy->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    CHECK(proxy->listener >= 0);
    CHECK(bind(proxy->listener, (const struct sockaddr *)&at, sizeof at) == 0);
    CHECK(listen(proxy->listener, 16) == 0);
    CHECK(getsockname(proxy->listener, (struct sockaddr *)&at, &bytes) == 0);
    proxy->port = ntohs(at.sin_port);
    CHECK(pthread_create(&proxy->thread, NULL, run, proxy) == 0);
    return proxy;
}

void proxy_close(struct proxy *proxy)
{
    atomic_store(&proxy->is_over, true);
    pthread_join(proxy->thread, NULL);
    close(proxy->listener);
    free(proxy);
}

uint16_t proxy_port(const struct proxy *proxy)
{
    return proxy->port;
}

void proxy_set(struct proxy *proxy, enum proxy_mode mode)
{
    atomic_store(&proxy->mode, mode);
}

void proxy_cut_after(struct proxy *proxy, uint64_t bytes)
{
    atomic_store(&proxy->cut_at, atomic_load(&proxy->bytes) + (bytes ? bytes : 1));
}

uint64_t proxy_bytes(const struct proxy *proxy)
{
    return atomic_load(&proxy->bytes);
}

unsigned proxy_cuts(const struct proxy *proxy)
{
    return atomic_load(&proxy->cuts);
}

unsigned proxy_accepted(const struct proxy *proxy)
{
    return atomic_load(&proxy->accepted);
}

void proxy_play(struct proxy *proxy, const struct proxy_script *const *scripts, unsigned n)
{
    proxy->scripts = scripts;
    atomic_store(&proxy->scripts_left, n);
}

unsigned proxy_scripts_left(const struct proxy *proxy)
{
    return atomic_load(&proxy->scripts_left);
}
