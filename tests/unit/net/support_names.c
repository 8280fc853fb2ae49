/* SPDX-License-Identifier: Apache-2.0
 *
 * Stands before the system's getaddrinfo for the whole test program: some names resolve as the tests
 * want, see support.h. Answers are chained out of real ones, so that freeaddrinfo fits. */
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#include "unit/net/support.h"

typedef int resolver(const char *, const char *, const struct addrinfo *, struct addrinfo **);

static const struct {
    const char *name, *first, *second;
    bool is_slow;
} names[] = {
    { "two.test", "127.0.0.2", "127.0.0.1", false },
    { "both.test", "::1", "127.0.0.1", false },
    { "one.test", "127.0.0.1", NULL, false },
    { "slow.test", "127.0.0.1", NULL, true },
};

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t may_go = PTHREAD_COND_INITIALIZER;
static bool is_let_go;
static atomic_bool saw_signals_blocked;
static atomic_uint answered;

void names_let_go(void)
{
    pthread_mutex_lock(&mutex);
    is_let_go = true;
    pthread_cond_broadcast(&may_go);
    pthread_mutex_unlock(&mutex);
}

bool names_saw_signals_blocked(void)
{
    return saw_signals_blocked;
}

unsigned names_answered(void)
{
    return answered;
}

static void wait_to_be_let_go(void)
{
    pthread_mutex_lock(&mutex);
    while (!is_let_go) pthread_cond_wait(&may_go, &mutex);
    pthread_mutex_unlock(&mutex);
}

static void look_at_signals(void)
{
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    saw_signals_blocked = sigismember(&blocked, SIGTERM) && sigismember(&blocked, SIGINT);
}

static int chain(resolver *real, const char *const hosts[2], const char *service,
                 const struct addrinfo *hints, struct addrinfo **found)
{
    const int error = real(hosts[0], service, hints, found);
    if (error || !hosts[1]) return error;
    struct addrinfo *last = *found;
    while (last->ai_next) last = last->ai_next;
    return real(hosts[1], service, hints, &last->ai_next);
}

/* The system's own header names these parameters with underscores.
 * NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name) */
int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    resolver *real;
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    memcpy(&real, &symbol, sizeof real);
    if (hints->ai_flags & AI_NUMERICHOST) return real(host, service, hints, found);
    look_at_signals();
    int error = -1;
    for (unsigned i = 0; i < sizeof names / sizeof *names && error == -1; i++) {
        if (strcmp(host, names[i].name) != 0) continue;
        if (names[i].is_slow) wait_to_be_let_go();
        error = chain(real, (const char *const[2]){ names[i].first, names[i].second }, service,
                      hints, found);
    }
    if (error == -1) error = real(host, service, hints, found);
    answered++;
    return error;
}
