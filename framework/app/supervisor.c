/* SPDX-License-Identifier: Apache-2.0
 *
 * Signals are blocked and waited for one at a time, so that nothing happens between two thoughts. The
 * host leads a process group of its own, for Ctrl-C would reach both otherwise, and dies with its
 * supervisor. Only a host that says it is leaving has ended in good order: an exit(0) in a handler
 * looks just the same from here. */
#include "app/supervisor.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "app/crash_signals.h"
#include "app/oom.h"
#include "app/record_file.h"
#include "base/clock.h"
#include "ops/restart.h"

#define ENOUGH_TOLD 3      /* signals to end, after which the host is killed */
#define ONE_TELLING_MS 300 /* timeout(1) and others tell a process, and then its group */

/* The last two mean nothing here, and would end the host. */
static const int taken[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2 };

struct supervisor {
    struct supervised *self;
    enum exit_status (*host)(void *own, struct supervised *self);
    void *own;
    pid_t pid;     /* of the host; 0: none lives */
    int state;     /* what waitpid said of it */
    unsigned told; /* how often to end */
    uint64_t told_ms;
    struct restart restart;
    sigset_t waited_for, before;
    uint64_t started_ms;
};

/* For sanitizers that look at the end, which _exit would pass by. */
// NOLINTNEXTLINE(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the sanitizer's name
extern void __lsan_do_leak_check(void) __attribute__((weak));

void supervised_is_up(struct supervised *self)
{
    atomic_store(&self->record->life, CRASH_LIFE_UP);
    atomic_store(&self->is_up, true);
}

void supervised_leave(struct supervised *self, enum exit_status status)
{
    atomic_store(&self->record->life, CRASH_LIFE_LEFT);
    atomic_store(&self->has_left, true);
    _exit((int)status);
}

static _Noreturn void be_host(struct supervisor *supervisor, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(EXIT_INTERNAL); /* it died before it could be asked for */
    setpgid(0, 0);
    signal(SIGTTOU, SIG_IGN); /* a group that is not the terminal's may write there nevertheless */
    sigset_t until_watched = supervisor->before;
    sigaddset(&until_watched, SIGHUP); /* waits, until reload_start lets it in */
    sigprocmask(SIG_SETMASK, &until_watched, NULL);
    struct crash_record *record = supervisor->self->record;
    record->pid = (int32_t)getpid();
    crash_signals_install(record);
    const enum exit_status status = supervisor->host(supervisor->own, supervisor->self);
    if (__lsan_do_leak_check) __lsan_do_leak_check();
    supervised_leave(supervisor->self, status);
}

static bool start_host(struct supervisor *supervisor)
{
    struct crash_record *record = supervisor->self->record;
    const pid_t parent = getpid();
    crash_record_begin(record);
    record_file_stamp(record);
    atomic_store(&supervisor->self->is_up, false);
    atomic_store(&supervisor->self->has_left, false);
    supervisor->started_ms = clock_now_ms();
    supervisor->pid = fork();
    if (supervisor->pid == 0) be_host(supervisor, parent);
    if (supervisor->pid > 0) return true;
    log_error("app", "the system gives no process for the host", LOG_TEXT(REASON, strerror(errno)));
    supervisor->pid = 0;
    return false;
}

/* All that have died, whoever they were. */
static void reap(struct supervisor *supervisor)
{
    int state;
    for (pid_t pid; (pid = waitpid(-1, &state, WNOHANG)) > 0;) {
        if (pid != supervisor->pid) continue;
        supervisor->pid = 0;
        supervisor->state = state;
    }
}

/* The host has said how, once it has read the configuration. */
static void configure_log(const struct supervised *self)
{
    if (self->has_log) log_configure(self->log_level, self->log_format);
}

/* False: it is the last one, said to others as well. */
static bool is_told_anew(struct supervisor *supervisor)
{
    const uint64_t now_ms = clock_now_ms();
    if (supervisor->told && now_ms < supervisor->told_ms + ONE_TELLING_MS) return false;
    supervisor->told++;
    supervisor->told_ms = now_ms;
    return true;
}

static void pass_on(struct supervisor *supervisor, int number)
{
    if (number == SIGUSR1 || number == SIGUSR2) {
        configure_log(supervisor->self);
        log_warn("app", "a signal that means nothing: SIGHUP reads the configuration, SIGTERM ends",
                 LOG_INT(SIGNAL, number));
        return;
    }
    if (number != SIGHUP && !is_told_anew(supervisor)) return;
    if (!supervisor->pid) return;
    kill(supervisor->pid, supervisor->told >= ENOUGH_TOLD ? SIGKILL : number);
}

/* One signal, up to `most_ms`. */
static void await_signal(struct supervisor *supervisor, uint64_t most_ms)
{
    const struct timespec most = { .tv_sec = (time_t)(most_ms / 1000),
                                   .tv_nsec = (long)(most_ms % 1000) * 1000000L };
    const int number = sigtimedwait(&supervisor->waited_for, NULL, &most);
    if (number == SIGCHLD)
        reap(supervisor);
    else if (number > 0)
        pass_on(supervisor, number);
}

static void rest(struct supervisor *supervisor, uint64_t ms)
{
    const uint64_t until_ms = clock_now_ms() + ms;
    for (uint64_t now_ms; !supervisor->told && (now_ms = clock_now_ms()) < until_ms;)
        await_signal(supervisor, until_ms - now_ms);
}

static bool has_left(const struct supervisor *supervisor)
{
    return WIFEXITED(supervisor->state) && atomic_load(&supervisor->self->has_left);
}

static struct crash_end end_of(const struct supervisor *supervisor)
{
    const bool is_signal = WIFSIGNALED(supervisor->state);
    return (struct crash_end){
        .is_signal = is_signal,
        .number = is_signal ? WTERMSIG(supervisor->state) : WEXITSTATUS(supervisor->state),
        .oom_rose = is_signal && record_file_oom_rose(supervisor->self->record),
    };
}

/* What it died of, and after how long to start it again. */
static uint32_t look_into(struct supervisor *supervisor)
{
    struct supervised *self = supervisor->self;
    configure_log(self);
    record_file_follow(self);
    const struct crash_end end = end_of(supervisor);
    char words[CRASH_DETAIL_BYTES];
    const enum crash_why why = crash_record_judge(self->record, &end, (int64_t)time(NULL));
    crash_record_words(self->record, &end, why, words, sizeof words);
    const struct restart_death death = {
        .was_up = atomic_load(&self->is_up),
        .is_killed = why == CRASH_BY_KILL,
        .lived_ms = clock_now_ms() - supervisor->started_ms,
    };
    const uint32_t after_ms = restart_after_ms(&supervisor->restart, &death);
    if (supervisor->told)
        log_warn("app", "the host died while it was ending", LOG_TEXT(REASON, words));
    else if (after_ms == RESTART_NEVER)
        log_error("app", "the host dies before it has begun; giving up", LOG_TEXT(REASON, words));
    else
        log_error("app", "the host died; starting it again", LOG_TEXT(REASON, words),
                  LOG_TEXT(CODE, crash_why_name(why)), LOG_INT(AFTER_MS, after_ms),
                  LOG_TEXT(QUEUE, self->record->last_consumer),
                  LOG_TEXT(MESSAGE_ID, self->record->last_id));
    return after_ms;
}

/* Ended by the very signal that was to end it: it had not come to wait for it. */
static enum exit_status status_when_told(const struct supervisor *supervisor)
{
    const bool is_asked =
        WIFSIGNALED(supervisor->state) &&
        (WTERMSIG(supervisor->state) == SIGTERM || WTERMSIG(supervisor->state) == SIGINT ||
         supervisor->told >= ENOUGH_TOLD);
    return is_asked ? EXIT_WELL : EXIT_INTERNAL;
}

static enum exit_status supervise(struct supervisor *supervisor)
{
    for (;;) {
        if (!start_host(supervisor)) return EXIT_INTERNAL;
        while (supervisor->pid) await_signal(supervisor, UINT32_MAX);
        if (has_left(supervisor)) return (enum exit_status)WEXITSTATUS(supervisor->state);
        const uint32_t after_ms = look_into(supervisor);
        if (supervisor->told) return status_when_told(supervisor);
        if (after_ms == RESTART_NEVER) return EXIT_INTERNAL;
        rest(supervisor, after_ms);
        if (supervisor->told) return EXIT_WELL;
    }
}

static void *share(size_t bytes)
{
    void *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return at == MAP_FAILED ? NULL : at;
}

enum exit_status supervisor_run(enum exit_status (*host)(void *own, struct supervised *self),
                                void *own)
{
    struct supervisor supervisor = { .host = host, .own = own };
    supervisor.self = share(sizeof *supervisor.self);
    struct crash_record *record = supervisor.self ? share(sizeof *record) : NULL;
    if (!record) {
        log_error("app", "the system gives no shared memory", LOG_TEXT(REASON, strerror(errno)));
        return EXIT_INTERNAL;
    }
    crash_record_init(record);
    supervisor.self->record = record;
    sigemptyset(&supervisor.waited_for);
    sigaddset(&supervisor.waited_for, SIGCHLD);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        sigaddset(&supervisor.waited_for, taken[i]);
    sigprocmask(SIG_BLOCK, &supervisor.waited_for, &supervisor.before);
    const enum exit_status status = supervise(&supervisor);
    sigprocmask(SIG_SETMASK, &supervisor.before, NULL);
    return status;
}
