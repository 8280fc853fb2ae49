/* SPDX-License-Identifier: Apache-2.0
 *
 * One libevent base without locks; see loop.h. Other threads reach it through its mailbox alone.
 * Calls posted while the mailbox is being emptied run in the next turn, so that timers and sockets
 * get theirs. The base has no timers: those are ours, behind one timerfd that is set only when the
 * soonest gets sooner, and rings for nothing where that was disarmed or moved. Neither it nor an
 * eventfd is ever read: they are watched for edges. */
#include "net/loop.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/mailbox.h"
#include "net/timers.h"

#define LOOP_MAGIC 0x6c6f6f70u

struct loop {
    uint32_t magic;
    struct event_base *base;
    struct edge {
        int fd;
        struct event *event;
    } wake, clock;
    struct mailbox *box;
    struct timers timers;
    uint64_t clock_ns; /* what the clock is set to; UINT64_MAX: nothing */
    bool is_ticking;   /* it is set when all that are due have gone off */
};

static void on_wake(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct loop *loop = arg;
    CHECK_MAGIC(loop, LOOP_MAGIC);
    struct list calls;
    list_init(&calls);
    mailbox_empty(loop->box, &calls);
    for (struct list *link; (link = list_take_first(&calls)) != NULL;) {
        struct loop_call *call = LIST_ENTRY(link, struct loop_call, link);
        call->run(call);
    }
}

static void set_clock(struct loop *loop)
{
    const uint64_t soonest_ns = timers_soonest_ns(&loop->timers);
    if (loop->is_ticking || soonest_ns >= loop->clock_ns) return;
    const struct itimerspec at = { .it_value = { .tv_sec = (time_t)(soonest_ns / 1000000000u),
                                                 .tv_nsec = (long)(soonest_ns % 1000000000u) } };
    CHECK(timerfd_settime(loop->clock.fd, TFD_TIMER_ABSTIME, &at, NULL) == 0);
    loop->clock_ns = soonest_ns;
}

/* A timer armed meanwhile is due later than now: it gets the next turn, and sockets get theirs. */
static void on_clock(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct loop *loop = arg;
    const uint64_t now_ns = clock_now_ns();
    loop->clock_ns = UINT64_MAX;
    loop->is_ticking = true;
    for (struct timer *timer; (timer = timers_take_due(&loop->timers, now_ns));)
        timer->on_time(timer->owner);
    loop->is_ticking = false;
    set_clock(loop);
}

static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    if (!config) return NULL;
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_IGNORE_ENV);
    event_config_require_features(config, EV_FEATURE_ET);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static bool open_edge(struct loop *loop, struct edge *edge, int fd, event_callback_fn on_edge)
{
    edge->fd = fd;
    if (fd < 0) return false;
    edge->event = event_new(loop->base, fd, EV_READ | EV_PERSIST | EV_ET, on_edge, loop);
    return edge->event && event_add(edge->event, NULL) == 0;
}

static void close_edge(struct edge *edge)
{
    if (edge->event) event_free(edge->event);
    if (edge->fd >= 0) close(edge->fd);
}

struct loop *loop_new(void)
{
    struct loop *loop = NEW(struct loop);
    loop->magic = LOOP_MAGIC;
    loop->wake.fd = loop->clock.fd = -1;
    loop->clock_ns = UINT64_MAX;
    loop->base = new_base();
    if (!loop->base ||
        !open_edge(loop, &loop->wake, eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), on_wake) ||
        !open_edge(loop, &loop->clock, timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC),
                   on_clock)) {
        loop_free(loop);
        return NULL;
    }
    loop->box = mailbox_open(loop->wake.fd);
    return loop;
}

void loop_free(struct loop *loop)
{
    if (!loop) return;
    CHECK_MAGIC(loop, LOOP_MAGIC);
    if (loop->box) mailbox_close(loop->box);
    close_edge(&loop->wake);
    close_edge(&loop->clock);
    if (loop->base) event_base_free(loop->base);
    timers_fini(&loop->timers);
    loop->magic = 0;
    free(loop);
}

struct event_base *loop_base(struct loop *loop)
{
    return loop->base;
}

struct mailbox *loop_mailbox(struct loop *loop)
{
    return loop->box;
}

void loop_run(struct loop *loop)
{
    CHECK(event_base_dispatch(loop->base) == 0); /* never 1, "no events": the wake-up is one */
}

void loop_stop(struct loop *loop)
{
    event_base_loopexit(loop->base, NULL);
}

uint64_t loop_now_ms(struct loop *loop UNUSED)
{
    return clock_now_ms();
}

void loop_post(struct loop *loop, struct loop_call *call)
{
    CHECK(mailbox_post(loop->box, call));
}

void timer_init(struct timer *timer, struct loop *loop, void (*on_time)(void *), void *owner)
{
    *timer = (struct timer){ .loop = loop, .on_time = on_time, .owner = owner };
}

void timer_fini(struct timer *timer)
{
    timer_disarm(timer);
    timer->loop = NULL;
}

void timer_arm_us(struct timer *timer, uint64_t after_us)
{
    CHECK(timer->loop);
    timers_put(&timer->loop->timers, timer, clock_now_ns() + after_us * 1000u);
    set_clock(timer->loop);
}

void timer_arm_ms(struct timer *timer, uint64_t after_ms)
{
    timer_arm_us(timer, after_ms * 1000u);
}

void timer_disarm(struct timer *timer)
{
    if (timer->place) timers_drop(&timer->loop->timers, timer);
}

bool timer_is_armed(const struct timer *timer)
{
    return timer->place;
}

static void free_event(struct event **event)
{
    if (*event) event_free(*event);
    *event = NULL;
}

static void on_watch(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct watch *watch = arg;
    watch->on_ready(watch->owner);
}

void watch_init(struct watch *watch, struct loop *loop, int fd, void (*on_ready)(void *),
                void *owner)
{
    *watch =
        (struct watch){ event_new(loop->base, fd, EV_READ | EV_PERSIST | EV_ET, on_watch, watch),
                        on_ready, owner };
    CHECK(watch->event && event_add(watch->event, NULL) == 0);
}

void watch_fini(struct watch *watch)
{
    free_event(&watch->event);
}

static void on_socket(evutil_socket_t fd UNUSED, short what, void *arg)
{
    struct socket_watch *watch = arg;
    watch->on_ready(watch->owner, (what & EV_READ) != 0, (what & EV_WRITE) != 0);
}

void socket_watch_set(struct socket_watch *watch, struct loop *loop, int fd, bool reads,
                      bool writes)
{
    const short what = (short)(EV_PERSIST | (reads ? EV_READ : 0) | (writes ? EV_WRITE : 0));
    free_event(&watch->event);
    watch->event = event_new(loop->base, fd, what, on_socket, watch);
    CHECK(watch->event && event_add(watch->event, NULL) == 0);
}

void socket_watch_fini(struct socket_watch *watch)
{
    free_event(&watch->event);
}

static void on_signal_event(evutil_socket_t number, short what UNUSED, void *arg)
{
    struct signal_watch *watch = arg;
    watch->on_signal(watch->owner, number);
}

void signal_watch_init(struct signal_watch *watch, struct loop *loop, int number,
                       void (*on_signal)(void *, int), void *owner)
{
    *watch = (struct signal_watch){ evsignal_new(loop->base, number, on_signal_event, watch),
                                    on_signal, owner };
    CHECK(watch->event && event_add(watch->event, NULL) == 0);
}

void signal_watch_fini(struct signal_watch *watch)
{
    free_event(&watch->event);
}

const char *loop_library_version(void)
{
    return event_get_version();
}
