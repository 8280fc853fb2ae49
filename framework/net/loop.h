/* SPDX-License-Identifier: Apache-2.0
 *
 * The loop: one libevent base with timers, signals and calls posted from other threads. It owns all
 * I/O and never blocks. Everything here belongs to the loop's thread, except loop_post. */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

struct event_base;
struct event;
struct loop;

struct loop *loop_new(void);       /* NULL where the system gives no event base */
void loop_free(struct loop *loop); /* what was posted and has not run, never runs */
struct event_base *loop_base(struct loop *loop);
void loop_run(struct loop *loop); /* until loop_stop */
/* Ends loop_run once what is active now has run; before loop_run, it ends after one turn. */
void loop_stop(struct loop *loop);

const char *loop_library_version(void);

uint64_t loop_now_ms(struct loop *loop); /* monotonic, read anew */

/* One-shot timers. A timer is embedded in its owner, armed again at will, and disarmed by its owner
 * before it goes. */
struct timer {
    struct loop *loop; /* NULL before timer_init and after timer_fini */
    size_t place;      /* among the armed (net/timers.h); 0: not armed */
    uint64_t due_ns;
    void (*on_time)(void *owner);
    void *owner;
};

void timer_init(struct timer *timer, struct loop *loop, void (*on_time)(void *), void *owner);
void timer_fini(struct timer *timer); /* harmless on a zeroed timer, and twice */
void timer_arm_ms(struct timer *timer, uint64_t after_ms); /* moves an armed one */
void timer_arm_us(struct timer *timer, uint64_t after_us);
void timer_disarm(struct timer *timer);
bool timer_is_armed(const struct timer *timer);

/* A call into the loop from another thread; embedded in its owner, which stays until it has run. */
struct loop_call {
    struct list link;
    void (*run)(struct loop_call *call);
};

/* From any thread; one wake-up for many. */
void loop_post(struct loop *loop, struct loop_call *call);

/* Where loop_post puts calls; for threads that may outlive the loop (net/mailbox.h). */
struct mailbox;
struct mailbox *loop_mailbox(struct loop *loop);

/* Watches an eventfd: on_ready once for all that was written since the last time. Nobody reads it. */
struct watch {
    struct event *event;
    void (*on_ready)(void *owner);
    void *owner;
};

void watch_init(struct watch *watch, struct loop *loop, int fd, void (*on_ready)(void *),
                void *owner);
void watch_fini(struct watch *watch);

/* Watches a socket that a library owns. Said anew at each change of what is waited for, and whenever
 * the library may have replaced the socket by another of the same number; ended before the socket is
 * closed. A zeroed one watches nothing. */
struct socket_watch {
    struct event *event;
    void (*on_ready)(void *owner, bool can_read, bool can_write);
    void *owner;
};

void socket_watch_set(struct socket_watch *watch, struct loop *loop, int fd, bool reads,
                      bool writes);
void socket_watch_fini(struct socket_watch *watch); /* harmless twice */

/* Signals as events; the caller blocks them nowhere in this thread. */
struct signal_watch {
    struct event *event;
    void (*on_signal)(void *owner, int number);
    void *owner;
};

void signal_watch_init(struct signal_watch *watch, struct loop *loop, int number,
                       void (*on_signal)(void *, int), void *owner);
void signal_watch_fini(struct signal_watch *watch);

#endif
