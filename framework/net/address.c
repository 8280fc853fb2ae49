/* SPDX-License-Identifier: Apache-2.0
 *
 * getaddrinfo on a detached thread; see address.h. The thread may hang for as long as the system's
 * resolver does, so it outlives its asker and even the loop: whoever comes last, the thread with its
 * answer or the asker who cancels, frees the question. One lock for all questions decides who. */
#include "net/address.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "net/mailbox.h"

struct resolve {
    struct loop_call call;
    struct mailbox *box;
    char *host;
    uint16_t port;
    struct address_list found; /* n 0: why_not says */
    struct status why_not;
    void (*on_answer)(void *, const struct address_list *, const struct status *);
    void *owner;
    bool is_posted, is_cancelled; /* under `who_is_last` */
};

static pthread_mutex_t who_is_last = PTHREAD_MUTEX_INITIALIZER;

static void drop(struct resolve *resolve)
{
    mailbox_release(resolve->box);
    free(resolve->host);
    free(resolve);
}

static void on_posted(struct loop_call *call)
{
    struct resolve *resolve = OWNER_OF(call, struct resolve, call);
    const bool is_found = resolve->found.n > 0;
    resolve->on_answer(resolve->owner, is_found ? &resolve->found : NULL,
                       is_found ? NULL : &resolve->why_not);
    drop(resolve);
}

/* Once posted, the question is the loop's and may be gone before mailbox_post returns. */
static void answer(struct resolve *resolve)
{
    pthread_mutex_lock(&who_is_last);
    bool is_ours = resolve->is_cancelled;
    if (!is_ours) {
        resolve->is_posted = true;
        is_ours = !mailbox_post(resolve->box, &resolve->call);
    }
    pthread_mutex_unlock(&who_is_last);
    if (is_ours) drop(resolve);
}

static void keep(struct resolve *resolve, const struct addrinfo *answers)
{
    struct address_list *found = &resolve->found;
    for (const struct addrinfo *at = answers; at && found->n < ADDRESS_MOST; at = at->ai_next) {
        struct address *address = &found->at[found->n++];
        memcpy(&address->storage, at->ai_addr, at->ai_addrlen);
        address->bytes = at->ai_addrlen;
    }
}

static int look_up(struct resolve *resolve, int flags)
{
    const struct addrinfo hints = { .ai_family = AF_UNSPEC,
                                    .ai_socktype = SOCK_STREAM,
                                    .ai_flags = flags | AI_NUMERICSERV };
    char port[8];
    snprintf(port, sizeof port, "%u", resolve->port);
    struct addrinfo *answers = NULL;
    const int error = getaddrinfo(resolve->host, port, &hints, &answers);
    if (error) return error;
    keep(resolve, answers);
    freeaddrinfo(answers);
    return 0;
}

static void fail(struct resolve *resolve, const char *words)
{
    status_fail(&resolve->why_not, EXIT_UNREACHABLE, "cannot resolve \"%s\": %s", resolve->host,
                words);
}

static void *ask(void *arg)
{
    struct resolve *resolve = arg;
    const int error = look_up(resolve, 0);
    if (error) fail(resolve, error == EAI_SYSTEM ? strerror(errno) : gai_strerror(error));
    answer(resolve);
    return NULL;
}

/* Signals belong to the loop's thread; this one takes none. */
static int start_thread(struct resolve *resolve)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pthread_t thread;
    const int error = pthread_create(&thread, NULL, ask, resolve);
    if (!error) pthread_detach(thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error;
}

struct resolve *resolve_start(struct loop *loop, const char *host, uint16_t port,
                              void (*on_answer)(void *, const struct address_list *,
                                                const struct status *),
                              void *owner)
{
    struct resolve *resolve = NEW(struct resolve);
    resolve->call.run = on_posted;
    resolve->box = mailbox_hold(loop_mailbox(loop));
    resolve->host = memory_copy_text(host);
    resolve->port = port;
    resolve->on_answer = on_answer;
    resolve->owner = owner;

    if (look_up(resolve, AI_NUMERICHOST) == 0) {
        answer(resolve);
        return resolve;
    }
    const int error = start_thread(resolve);
    if (error) {
        fail(resolve, strerror(error));
        answer(resolve);
    }
    return resolve;
}

void resolve_cancel(struct resolve *resolve)
{
    pthread_mutex_lock(&who_is_last);
    resolve->is_cancelled = true;
    const bool is_ours = resolve->is_posted;
    if (is_ours) mailbox_withdraw(resolve->box, &resolve->call);
    pthread_mutex_unlock(&who_is_last);
    if (is_ours) drop(resolve);
}

const char *address_show(const struct address *address, char *out, size_t out_bytes)
{
    char host[64], port[8];
    const int error = getnameinfo((const struct sockaddr *)&address->storage, address->bytes, host,
                                  sizeof host, port, sizeof port, NI_NUMERICHOST | NI_NUMERICSERV);
    if (error)
        snprintf(out, out_bytes, "an unknown address");
    else
        snprintf(out, out_bytes, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
    return out;
}
