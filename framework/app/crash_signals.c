/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs in a process that is broken: the first thread to die writes, any other waits for the end. What
 * is certain is written first, then the call stack, for which an alarm ends the process should it
 * hang. Children that a handler has forked die for themselves. */
#include "app/crash_signals.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/status.h"
#include "base/thread_signals.h"
#include "flow/crash_thread.h"

#define FRAMES_MOST 24
#define FRAMES_OF_EXIT 2  /* ours above it */
#define FRAMES_OF_FAULT 3 /* and the one that calls a signal's function */
#define HANGING_S 3

static struct crash_record *record_of_this_host;
static pid_t host;

/* Handlers are loaded by their descriptor: what that is of, the system knows. */
static const char *file_of(const Dl_info *found, char *path, size_t bytes)
{
    const char *name = found->dli_fname;
    const ssize_t length = strncmp(name, "/proc/", 6) ? -1 : readlink(name, path, bytes - 1);
    if (length > 0) {
        path[length] = '\0';
        name = path;
    }
    const char *const slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

static void add_frame(char *detail, void *address)
{
    Dl_info found = { 0 };
    const size_t used = strlen(detail);
    char *const at = detail + used;
    const size_t room = CRASH_DETAIL_BYTES - used;
    const char *const between = used ? " < " : "";
    if (!dladdr(address, &found) || !found.dli_fname) {
        snprintf(at, room, "%s%p", between, address);
        return;
    }
    char path[300];
    const char *const file = file_of(&found, path, sizeof path);
    const size_t offset = (size_t)((char *)address - (char *)found.dli_fbase);
    if (found.dli_sname)
        snprintf(at, room, "%s%s in %s+0x%zx", between, found.dli_sname, file, offset);
    else
        snprintf(at, room, "%s%s+0x%zx", between, file, offset);
}

/* A frame of its own in every build, for its callers count them. */
__attribute__((noinline)) static void write_frames(struct crash_mark *mark, int skipped)
{
    void *frames[FRAMES_MOST];
    const int n = backtrace(frames, FRAMES_MOST);
    for (int i = skipped; i < n; i++) add_frame(mark->detail, frames[i]);
}

static void take_the_word(void)
{
    static atomic_flag is_taken = ATOMIC_FLAG_INIT;
    if (!atomic_flag_test_and_set(&is_taken)) return;
    for (;;) pause();
}

/* From here on it ends the process. */
static void make_fatal(int number)
{
    sigset_t own;
    signal(number, SIG_DFL);
    sigemptyset(&own);
    sigaddset(&own, number);
    pthread_sigmask(SIG_UNBLOCK, &own, NULL);
}

static void end_even_if_this_hangs(void)
{
    make_fatal(SIGALRM);
    alarm(HANGING_S);
}

static _Noreturn void die_of(int number)
{
    make_fatal(number);
    raise(number);
    _exit(EXIT_INTERNAL);
}

/* A signal is foreign where another process has sent it. */
static void on_fault(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (getpid() != host) die_of(number);
    take_the_word();
    struct crash_mark *mark = &record_of_this_host->mark;
    mark->detail[0] = '\0';
    mark->signal = number;
    mark->note = crash_record_number(record_of_this_host, crash_thread_note);
    mark->is_foreign = info->si_code <= 0 && info->si_pid != host;
    atomic_store(&mark->kind, CRASH_MARK_SIGNAL);
    end_even_if_this_hangs();
    write_frames(mark, FRAMES_OF_FAULT);
    die_of(number);
}

/* main ends by _exit. */
static void on_exit_of_somebody(void)
{
    if (getpid() != host) return;
    take_the_word();
    struct crash_mark *mark = &record_of_this_host->mark;
    mark->note = crash_record_number(record_of_this_host, crash_thread_note);
    atomic_store(&mark->kind, CRASH_MARK_EXIT);
    end_even_if_this_hangs();
    snprintf(mark->detail, sizeof mark->detail, "exit() was called");
    write_frames(mark, FRAMES_OF_EXIT);
    _exit(EXIT_INTERNAL);
}

void crash_signals_install(struct crash_record *record)
{
    void *frame;
    record_of_this_host = record;
    host = getpid();
    (void)backtrace(&frame, 1); /* the first call loads a library: not when the heap is broken */
    struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_ONSTACK };
    sigfillset(&action.sa_mask);
    for (size_t i = 0; i < FAULT_SIGNALS; i++) sigdelset(&action.sa_mask, fault_signals[i]);
    for (size_t i = 0; i < FAULT_SIGNALS; i++) sigaction(fault_signals[i], &action, NULL);
    atexit(on_exit_of_somebody);
}
