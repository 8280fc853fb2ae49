/* SPDX-License-Identifier: Apache-2.0
 *
 * The lane's thread; see lane.h. One reading of the clock a message gives its time, the histogram and
 * the signs of life. Fast handlers tell the loop when they run out of work, slow ones at once. */
#include "flow/lane.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/ring.h"
#include "base/thread_signals.h"
#include "flow/crash_thread.h"
#include "flow/parking.h"

#define TELL_AFTER_NS 1000000u /* finished work is never kept from the loop for longer */
#define TELL_AFTER 512         /* nor more of it */
#define FIRST_GUESS_NS 20000   /* what a message takes before anything is known */
#define SLOW_NS 1000000000u    /* a call that is remembered with its message */

struct lane {
    struct lane_settings settings;
    struct ring *in, *out;
    struct bell work;
    struct job *job;
    bool reads; /* its handler says what to load */
    pthread_t thread;
    pthread_mutex_t lock; /* guards life, open_status */
    pthread_cond_t has_changed;
    enum { OPENING, OPENED, DECLINED, ENDED } life;
    struct status open_status;
    _Atomic bool is_stopping;
    _Atomic uint64_t typical_ns, handled;
    /* The thread's own: */
    uint64_t told_ns; /* when the loop was last told */
    size_t untold;    /* come back since then */
    uint64_t epoch;   /* whose keys are stopped */
    struct parking stopped;
};

/* Messages one after another that fall in one bucket of the histogram, noted together. */
struct run {
    unsigned bucket;
    uint64_t sum_ns, n;
};

static void run_end(struct run *run, struct histogram *histogram)
{
    if (run->n) histogram_note_many_shared(histogram, run->sum_ns / run->n, run->n);
    run->sum_ns = run->n = 0;
}

static void run_note(struct run *run, struct histogram *histogram, uint64_t ns)
{
    const unsigned bucket = histogram_find(histogram->bounds, ns);
    if (bucket != run->bucket) run_end(run, histogram);
    run->bucket = bucket;
    run->sum_ns += ns;
    run->n++;
}

static bool is_to_be_skipped(const struct lane_orders *orders, const struct delivery *delivery)
{
    return atomic_load_explicit(&orders->epoch, memory_order_relaxed) != delivery->epoch ||
           atomic_load_explicit(&orders->is_draining, memory_order_relaxed);
}

enum passed { PASSED_BY, PREPARED, HANDLED };

/* Where there is nothing to wait for, it is handled at once. */
static enum passed prepare(struct lane *lane, struct delivery *delivery, uint64_t deadline_ms)
{
    if (!job_prepare(lane->job, &delivery->arena, &delivery->job, deadline_ms, &delivery->wanted,
                     &delivery->outcome))
        return HANDLED;
    delivery->is_prepared = delivery->wanted || lane->settings.is_ordered;
    return delivery->is_prepared ? PREPARED : PASSED_BY;
}

static enum passed call(struct lane *lane, struct delivery *delivery, uint64_t deadline_ms)
{
    if (!lane->reads) {
        job_run(lane->job, &delivery->arena, &delivery->job, deadline_ms, &delivery->outcome);
        return HANDLED;
    }
    if (!delivery->is_fetched) {
        const enum passed passed = prepare(lane, delivery, deadline_ms);
        if (passed != PASSED_BY) return passed;
    }
    job_handle(lane->job, &delivery->arena, &delivery->job, deadline_ms, delivery->wanted,
               &delivery->outcome);
    return HANDLED;
}

static enum passed handle(struct lane *lane, struct delivery *delivery, uint64_t now_ns)
{
    const uint64_t drain_ms =
        atomic_load_explicit(&lane->settings.orders->drain_deadline_ms, memory_order_relaxed);
    const uint64_t call_ms = now_ns / 1000000u + lane->settings.timeout_ms;
    const uint64_t deadline_ms = call_ms < drain_ms ? call_ms : drain_ms;
    struct crash_note *const note = lane->settings.note;
    pulse_beat(lane->settings.pulse);
    if (note) crash_note_begin(note, &delivery->job.message);
    const enum passed passed = call(lane, delivery, deadline_ms);
    if (note) crash_note_end(note);
    return passed;
}

/* Ordered: behind a message that will be handled again, those of its key are not handled. They may be on
 * their way back here with what they wanted, so its key stays stopped until it is handled itself. */
static bool is_to_be_parked(struct lane *lane, const struct delivery *delivery)
{
    if (lane->epoch != delivery->epoch) {
        parking_fini(&lane->stopped);
        lane->epoch = delivery->epoch;
    }
    struct list none;
    list_init(&none);
    if (delivery->is_head && lane->reads && !delivery->is_fetched) return false;
    if (delivery->is_head) parking_release(&lane->stopped, delivery->order_key, &none);
    return parking_is_stopped(&lane->stopped, delivery->order_key);
}

static bool has_to_go_again(const struct delivery *delivery)
{
    return delivery->outcome.verdict == WR_RETRY || delivery->outcome.verdict == WR_WAIT;
}

static enum passed pass(struct lane *lane, struct delivery *delivery, uint64_t now_ns)
{
    const bool is_ordered = lane->settings.is_ordered;
    delivery->is_skipped = is_to_be_skipped(lane->settings.orders, delivery);
    delivery->is_parked = is_ordered && !delivery->is_skipped && is_to_be_parked(lane, delivery);
    if (delivery->is_skipped || delivery->is_parked) return PASSED_BY;
    const enum passed passed = handle(lane, delivery, now_ns);
    if (is_ordered && passed == HANDLED && has_to_go_again(delivery))
        parking_stop(&lane->stopped, delivery->order_key);
    return passed;
}

static void give_back(struct lane *lane, struct delivery **chunk, size_t n, uint64_t now_ns)
{
    CHECK(ring_push_many(lane->out, (void **)chunk, n) == n);
    lane->untold += n;
    if (lane->untold < TELL_AFTER && now_ns - lane->told_ns < TELL_AFTER_NS &&
        !ring_is_empty(lane->in))
        return;
    lane->untold = 0;
    lane->told_ns = now_ns;
    bell_ring(lane->settings.finished);
}

/* A slow message in the chunk sends those before it back first. */
static void handle_chunk(struct lane *lane, struct delivery **chunk, size_t n)
{
    const uint64_t start_ns = clock_now_ns();
    uint64_t now_ns = start_ns, handled = 0, handled_ns = 0;
    struct run run = { 0 };
    size_t back = 0;
    if (!lane->untold) lane->told_ns = start_ns; /* it knows of everything before this chunk */
    for (size_t i = 0; i < n; i++) {
        if (i + 1 < n) delivery_foresee_all(chunk[i + 1]);
        const enum passed passed = pass(lane, chunk[i], now_ns);
        if (passed == PASSED_BY) continue;
        const uint64_t then_ns = now_ns;
        now_ns = clock_now_ns();
        if (passed == HANDLED) {
            run_note(&run, lane->settings.handler_seconds, now_ns - then_ns);
            handled_ns += now_ns - then_ns;
            handled++;
        }
        if (now_ns - lane->told_ns < TELL_AFTER_NS) continue;
        if (UNLIKELY(now_ns - then_ns >= SLOW_NS))
            chunk[i]->took_ms = (uint32_t)((now_ns - then_ns) / 1000000u);
        give_back(lane, chunk + back, i + 1 - back, now_ns);
        back = i + 1;
    }
    pulse_rest(lane->settings.pulse);
    run_end(&run, lane->settings.handler_seconds);
    if (handled) {
        const uint64_t each_ns = handled_ns / handled;
        const uint64_t typical_ns = lane_typical_ns(lane);
        atomic_store_explicit(&lane->typical_ns, (typical_ns * 3 + each_ns) / 4,
                              memory_order_relaxed);
        atomic_store_explicit(&lane->handled, lane_handled(lane) + handled, memory_order_relaxed);
    }
    if (now_ns > start_ns) counter_add_shared(lane->settings.busy_seconds, now_ns - start_ns);
    if (back < n) give_back(lane, chunk + back, n - back, now_ns);
}

static bool open_state(struct lane *lane)
{
    struct status status = { 0 };
    const bool is_open = job_open(lane->job, &status);
    pthread_mutex_lock(&lane->lock);
    lane->life = is_open ? OPENED : DECLINED;
    lane->open_status = status;
    pthread_cond_signal(&lane->has_changed);
    pthread_mutex_unlock(&lane->lock);
    return is_open;
}

static void close_state(struct lane *lane)
{
    job_close(lane->job);
    pthread_mutex_lock(&lane->lock);
    lane->life = ENDED;
    pthread_cond_signal(&lane->has_changed);
    pthread_mutex_unlock(&lane->lock);
}

static void work(struct lane *lane)
{
    struct delivery *chunk[LANE_CHUNK];
    for (;;) {
        const size_t n = ring_pop_many(lane->in, (void **)chunk, LANE_CHUNK);
        if (n)
            handle_chunk(lane, chunk, n);
        else if (atomic_load(&lane->is_stopping))
            break;
        else
            bell_wait(&lane->work);
    }
}

static void *lane_main(void *own)
{
    struct lane *lane = own;
    struct crash_stack stack;
    crash_thread_note = lane->settings.note;
    crash_stack_open(&stack);
    if (open_state(lane)) {
        work(lane);
        close_state(lane);
    }
    crash_stack_close(&stack);
    return NULL;
}

void lane_free(struct lane *lane)
{
    parking_fini(&lane->stopped);
    job_free(lane->job);
    bell_close(&lane->work);
    ring_free(lane->in);
    ring_free(lane->out);
    pthread_cond_destroy(&lane->has_changed);
    pthread_mutex_destroy(&lane->lock);
    free(lane);
}

/* Signals are the loop's, but for those of the thread's own faults. */
static int spawn(struct lane *lane)
{
    sigset_t all, before;
    thread_signals_fill(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    const int fault = pthread_create(&lane->thread, NULL, lane_main, lane);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (fault) return fault;
    char name[16];
    snprintf(name, sizeof name, "lane %u", lane->settings.job.lane);
    pthread_setname_np(lane->thread, name);
    return 0;
}

static void init_lock(struct lane *lane)
{
    pthread_condattr_t attributes;
    pthread_mutex_init(&lane->lock, NULL);
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC); /* lane_join's deadline is of it */
    pthread_cond_init(&lane->has_changed, &attributes);
    pthread_condattr_destroy(&attributes);
}

struct lane *lane_start(const struct lane_settings *settings, struct status *status)
{
    struct lane *lane = NEW(struct lane);
    lane->settings = *settings;
    lane->in = ring_new(settings->capacity);
    lane->out = ring_new(settings->capacity);
    lane->job = job_new(&settings->job);
    lane->reads = job_reads(settings->job.handler);
    init_lock(lane);
    atomic_init(&lane->typical_ns, FIRST_GUESS_NS);
    parking_init(&lane->stopped);
    lane->work.fd = -1;
    if (!bell_open(&lane->work, status)) {
        lane_free(lane);
        return NULL;
    }
    const int fault = spawn(lane);
    if (!fault) return lane;
    status_fail(status, EXIT_INTERNAL, "cannot start a thread for a lane: %s", strerror(fault));
    lane_free(lane);
    return NULL;
}

bool lane_await_open(struct lane *lane, struct status *status)
{
    pthread_mutex_lock(&lane->lock);
    while (lane->life == OPENING) pthread_cond_wait(&lane->has_changed, &lane->lock);
    const bool is_open = lane->life == OPENED;
    if (!is_open) *status = lane->open_status;
    pthread_mutex_unlock(&lane->lock);
    return is_open;
}

void lane_give(struct lane *lane, struct delivery *const *deliveries, size_t n)
{
    CHECK(ring_push_many(lane->in, (void *const *)deliveries, n) == n);
}

void lane_wake(struct lane *lane)
{
    bell_ring(&lane->work);
}

size_t lane_take(struct lane *lane, struct delivery **deliveries, size_t room)
{
    return ring_pop_many(lane->out, (void **)deliveries, room);
}

uint64_t lane_typical_ns(const struct lane *lane)
{
    return atomic_load_explicit(&lane->typical_ns, memory_order_relaxed);
}

uint64_t lane_handled(const struct lane *lane)
{
    return atomic_load_explicit(&lane->handled, memory_order_relaxed);
}

void lane_stop(struct lane *lane)
{
    atomic_store(&lane->is_stopping, true);
    bell_ring(&lane->work);
}

bool lane_join(struct lane *lane, uint64_t deadline_ms)
{
    const struct timespec until = { .tv_sec = (time_t)(deadline_ms / 1000u),
                                    .tv_nsec = (long)(deadline_ms % 1000u) * 1000000L };
    int late = 0;
    pthread_mutex_lock(&lane->lock);
    while (lane->life != ENDED && lane->life != DECLINED && !late)
        late = pthread_cond_timedwait(&lane->has_changed, &lane->lock, &until);
    pthread_mutex_unlock(&lane->lock);
    if (late) return false;
    pthread_join(lane->thread, NULL);
    return true;
}
