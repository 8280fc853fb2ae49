/* SPDX-License-Identifier: Apache-2.0
 *
 * The loop: timers, calls from other threads (run under the thread sanitizer as well), descriptors,
 * signals, and its end. */
#include <criterion/criterion.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "net/loop.h"
#include "net/mailbox.h"

struct mark {
    struct loop *loop;
    struct timer timer;
    char letter;
    char *trail; /* letters in the order of events */
    bool stops;
};

static void on_mark(void *owner)
{
    struct mark *mark = owner;
    const size_t at = strlen(mark->trail);
    mark->trail[at] = mark->letter;
    mark->trail[at + 1] = 0;
    if (mark->stops) loop_stop(mark->loop);
}

/* Quickly enough that the last is due before the first: again where this thread stood still meanwhile. */
static void arm_backwards(struct loop *loop, struct mark marks[3])
{
    static const uint64_t after_ms[] = { 90, 1, 40 };
    uint64_t begun_ms;
    do {
        begun_ms = loop_now_ms(loop);
        for (unsigned i = 0; i < 3; i++) {
            timer_arm_ms(&marks[i].timer, after_ms[i]);
            cr_assert(timer_is_armed(&marks[i].timer));
        }
    } while (loop_now_ms(loop) - begun_ms >= 40);
}

Test(loop, timers_go_off_in_order_once)
{
    struct loop *loop = loop_new();
    char trail[16] = "";
    struct mark marks[] = { { .letter = 'c', .stops = true },
                            { .letter = 'a' },
                            { .letter = 'b' } };
    for (unsigned i = 0; i < 3; i++) {
        marks[i].loop = loop;
        marks[i].trail = trail;
        timer_init(&marks[i].timer, loop, on_mark, &marks[i]);
        cr_assert_not(timer_is_armed(&marks[i].timer));
    }
    const uint64_t before_ms = loop_now_ms(loop);
    arm_backwards(loop, marks);
    loop_run(loop);
    cr_assert_str_eq(trail, "abc");
    cr_assert_geq(loop_now_ms(loop) - before_ms, 89); /* both are cut to milliseconds */
    cr_assert_not(timer_is_armed(&marks[1].timer));
    for (unsigned i = 0; i < 3; i++) timer_fini(&marks[i].timer);
    loop_free(loop);
}

Test(loop, a_timer_is_moved_disarmed_and_finished_at_will)
{
    struct loop *loop = loop_new();
    char trail[16] = "";
    struct mark moved = { .loop = loop, .letter = 'm', .trail = trail };
    struct mark never = { .loop = loop, .letter = 'n', .trail = trail };
    struct mark last = { .loop = loop, .letter = 'l', .trail = trail, .stops = true };
    timer_init(&moved.timer, loop, on_mark, &moved);
    timer_init(&never.timer, loop, on_mark, &never);
    timer_init(&last.timer, loop, on_mark, &last);
    timer_arm_ms(&moved.timer, 60000);
    timer_arm_us(&moved.timer, 1000);
    timer_arm_ms(&never.timer, 1);
    timer_disarm(&never.timer);
    timer_arm_ms(&last.timer, 50);
    const uint64_t before_ms = loop_now_ms(loop);
    loop_run(loop);
    cr_assert_str_eq(trail, "ml");
    cr_assert_lt(loop_now_ms(loop) - before_ms, 30000,
                 "as it was moved, not as it was armed first");

    timer_fini(&moved.timer);
    timer_fini(&moved.timer);
    struct timer zeroed = { 0 };
    timer_fini(&zeroed);
    timer_disarm(&zeroed);
    cr_assert_not(timer_is_armed(&zeroed));
    timer_fini(&never.timer);
    timer_fini(&last.timer);
    loop_free(loop);
}

#define POSTERS 4
#define POSTS 5000

struct poster {
    struct loop *loop;
    unsigned sent, received;
    unsigned *left; /* of all posters, the loop's */
};

struct parcel {
    struct loop_call call;
    struct poster *from;
    unsigned nth;
};

static void on_parcel(struct loop_call *call)
{
    struct parcel *parcel = OWNER_OF(call, struct parcel, call);
    struct poster *from = parcel->from;
    cr_assert_eq(parcel->nth, from->received, "calls of one thread run in its order");
    from->received++;
    if (--*from->left == 0) loop_stop(from->loop);
    free(parcel);
}

static void *post_many(void *arg)
{
    struct poster *poster = arg;
    for (; poster->sent < POSTS; poster->sent++) {
        struct parcel *parcel = NEW(struct parcel);
        *parcel = (struct parcel){ { .run = on_parcel }, poster, poster->sent };
        loop_post(poster->loop, &parcel->call);
    }
    return NULL;
}

Test(loop, calls_of_many_threads_all_run_in_each_ones_order)
{
    struct loop *loop = loop_new();
    struct poster posters[POSTERS] = { 0 };
    pthread_t threads[POSTERS];
    unsigned left = POSTERS * POSTS;
    for (unsigned i = 0; i < POSTERS; i++) {
        posters[i].loop = loop;
        posters[i].left = &left;
        pthread_create(&threads[i], NULL, post_many, &posters[i]);
    }
    loop_run(loop);
    for (unsigned i = 0; i < POSTERS; i++) {
        pthread_join(threads[i], NULL);
        cr_assert_eq(posters[i].received, POSTS);
    }
    loop_free(loop);
}

struct relay {
    struct loop_call call;
    struct loop *loop;
    unsigned left;
};

static void on_relay(struct loop_call *call)
{
    struct relay *relay = OWNER_OF(call, struct relay, call);
    if (relay->left-- > 0) loop_post(relay->loop, call);
}

Test(loop, a_call_that_posts_itself_lets_timers_through)
{
    struct loop *loop = loop_new();
    char trail[16] = "";
    struct mark stop = { .loop = loop, .letter = 's', .trail = trail, .stops = true };
    timer_init(&stop.timer, loop, on_mark, &stop);
    timer_arm_ms(&stop.timer, 20);
    struct relay relay = { { .run = on_relay }, loop, UINT32_MAX };
    loop_post(loop, &relay.call);
    loop_run(loop);
    cr_assert_str_eq(trail, "s");
    cr_assert_lt(relay.left, UINT32_MAX);
    timer_fini(&stop.timer);
    loop_free(loop);
}

static void count_call(struct loop_call *call)
{
    (void)call;
}

Test(mailbox, wakes_once_for_many_gives_back_withdrawn_and_refuses_when_closed)
{
    const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    struct mailbox *box = mailbox_open(fd);
    struct mailbox *mine = mailbox_hold(box);
    struct loop_call calls[3] = { { .run = count_call },
                                  { .run = count_call },
                                  { .run = count_call } };
    for (unsigned i = 0; i < 3; i++) cr_assert(mailbox_post(box, &calls[i]));
    uint64_t wakes = 0;
    cr_assert_eq(read(fd, &wakes, sizeof wakes), (ssize_t)sizeof wakes);
    cr_assert_eq(wakes, 1);

    mailbox_withdraw(box, &calls[1]);
    struct list got;
    list_init(&got);
    mailbox_empty(box, &got);
    cr_assert_eq(list_take_first(&got), &calls[0].link);
    cr_assert_eq(list_take_first(&got), &calls[2].link);
    cr_assert(list_is_empty(&got));
    mailbox_withdraw(box, &calls[0]); /* long run: harmless */

    mailbox_close(box);
    cr_assert_not(mailbox_post(mine, &calls[0]));
    cr_assert_lt(read(fd, &wakes, sizeof wakes), 0, "nobody is woken for a refused call");
    mailbox_release(mine);
    close(fd);
}

struct bell {
    struct loop *loop;
    struct watch watch;
    struct timer end;
    int fd;
    unsigned rings;
};

static void on_bell(void *owner)
{
    struct bell *bell = owner;
    if (++bell->rings < 3)
        cr_assert_eq(eventfd_write(bell->fd, 1), 0);
    else if (bell->rings == 3)
        timer_arm_ms(&bell->end, 20);
}

static void on_end(void *owner)
{
    const struct bell *bell = owner;
    loop_stop(bell->loop);
}

Test(loop, hears_each_time_an_eventfd_is_written_until_told_not_to)
{
    struct bell bell = { .loop = loop_new(), .fd = eventfd(1, EFD_CLOEXEC) };
    timer_init(&bell.end, bell.loop, on_end, &bell);
    watch_init(&bell.watch, bell.loop, bell.fd, on_bell, &bell);
    loop_run(bell.loop);
    cr_assert_eq(bell.rings, 3, "nobody reads it, and it is heard once for each");
    timer_fini(&bell.end);
    watch_fini(&bell.watch);
    watch_fini(&bell.watch);
    loop_free(bell.loop);
    close(bell.fd);
}

static void on_signal(void *owner, int number)
{
    struct bell *bell = owner;
    cr_assert_eq(number, SIGUSR1);
    bell->rings++;
    loop_stop(bell->loop);
}

Test(loop, signals_are_events)
{
    struct bell bell = { .loop = loop_new() };
    struct signal_watch watch;
    signal_watch_init(&watch, bell.loop, SIGUSR1, on_signal, &bell);
    kill(getpid(), SIGUSR1);
    loop_run(bell.loop);
    cr_assert_eq(bell.rings, 1);
    signal_watch_fini(&watch);
    signal_watch_fini(&watch);
    loop_free(bell.loop);
}

Test(loop, what_is_active_runs_before_a_stop_takes_hold)
{
    struct loop *loop = loop_new();
    char trail[16] = "";
    struct mark first = { .loop = loop, .letter = '1', .trail = trail, .stops = true };
    struct mark second = { .loop = loop, .letter = '2', .trail = trail };
    timer_init(&first.timer, loop, on_mark, &first);
    timer_init(&second.timer, loop, on_mark, &second);
    timer_arm_us(&first.timer, 1);
    timer_arm_us(&second.timer, 2);
    usleep(20000); /* both are due by now */
    loop_run(loop);
    cr_assert_str_eq(trail, "12");
    loop_stop(loop);
    loop_run(loop); /* returns: it was stopped beforehand */
    timer_fini(&first.timer);
    timer_fini(&second.timer);
    loop_free(loop);
    loop_free(NULL);
}
