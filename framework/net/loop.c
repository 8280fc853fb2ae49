/* SPDX-License-Identifier: Apache-2.0
 *
 * One libevent base without locks; see loop.h. Other threads reach it through its mailbox alone.
 * Calls posted while the mailbox is being emptied run in the next turn, so that timers and sockets
 * get theirs. */
#include "net/loop.h"

#include <event2/event.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/mailbox.h"

#define LOOP_MAGIC 0x6c6f6f70u

struct loop {
    uint32_t magic;
    int wake_fd;
    struct event_base *base;
    struct event *wake;
    struct mailbox *box;
};

static void on_wake(evutil_socket_t fd, short what UNUSED, void *arg)
{
    struct loop *loop = arg;
    CHECK_MAGIC(loop, LOOP_MAGIC);
    uint64_t posts;
    const ssize_t got = read(fd, &posts, sizeof posts);
    (void)got; /* an eventfd that woke us for nothing is harmless */

    struct list calls;
    list_init(&calls);
    mailbox_empty(loop->box, &calls);
    for (struct list *link; (link = list_take_first(&calls)) != NULL;) {
        struct loop_call *call = LIST_ENTRY(link, struct loop_call, link);
        call->run(call);
    }
}

static struct event_base *new_base(void)
{
    struct event_config *config = event_config_new();
    if (!config) return NULL;
    /* Precise, or the coarse clock's ticks of 4 ms would stretch each rest of a paced wire. */
    event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK | EVENT_BASE_FLAG_PRECISE_TIMER);
    struct event_base *base = event_base_new_with_config(config);
    event_config_free(config);
    return base;
}

static bool open_wake(struct loop *loop)
{
    loop->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->wake_fd < 0) return false;
    loop->wake = event_new(loop->base, loop->wake_fd, EV_READ | EV_PERSIST, on_wake, loop);
    return loop->wake && event_add(loop->wake, NULL) == 0;
}

struct loop *loop_new(void)
{
    struct loop *loop = NEW(struct loop);
    loop->magic = LOOP_MAGIC;
    loop->wake_fd = -1;
    loop->base = new_base();
    if (!loop->base || !open_wake(loop)) {
        loop_free(loop);
        return NULL;
    }
    loop->box = mailbox_open(loop->wake_fd);
    return loop;
}

void loop_free(struct loop *loop)
{
    if (!loop) return;
    CHECK_MAGIC(loop, LOOP_MAGIC);
    if (loop->box) mailbox_close(loop->box);
    if (loop->wake) event_free(loop->wake);
    if (loop->wake_fd >= 0) close(loop->wake_fd);
    if (loop->base) event_base_free(loop->base);
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

static void on_timer(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct timer *timer = arg;
    timer->on_time(timer->owner);
}

void timer_init(struct timer *timer, struct loop *loop, void (*on_time)(void *), void *owner)
{
    *timer = (struct timer){ evtimer_new(loop->base, on_timer, timer), on_time, owner };
    CHECK(timer->event);
}

static void free_event(struct event **event)
{
    if (*event) event_free(*event);
    *event = NULL;
}

void timer_fini(struct timer *timer)
{
    free_event(&timer->event);
}

void timer_arm_us(struct timer *timer, uint64_t after_us)
{
    const struct timeval after = { .tv_sec = (time_t)(after_us / 1000000u),
                                   .tv_usec = (suseconds_t)(after_us % 1000000u) };
    CHECK(timer->event && event_add(timer->event, &after) == 0);
}

void timer_arm_ms(struct timer *timer, uint64_t after_ms)
{
    timer_arm_us(timer, after_ms * 1000u);
}

void timer_disarm(struct timer *timer)
{
    if (timer->event) event_del(timer->event);
}

bool timer_is_armed(const struct timer *timer)
{
    return timer->event && event_pending(timer->event, EV_TIMEOUT, NULL);
}

static void on_watch(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct watch *watch = arg;
    watch->on_ready(watch->owner);
}

void watch_init(struct watch *watch, struct loop *loop, int fd, void (*on_ready)(void *),
                void *owner)
{
    *watch = (struct watch){ event_new(loop->base, fd, EV_READ | EV_PERSIST, on_watch, watch),
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
