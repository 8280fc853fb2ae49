/* SPDX-License-Identifier: Apache-2.0
 *
 * See endpoints.h. Answers come in any order, and are laid out in that of the hosts at the end. */
#include "store/endpoints.h"

#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

struct question {
    struct lookup *lookup;
    struct resolve *resolve; /* NULL: not asked, or answered */
    struct address_list found;
};

struct lookup {
    const struct conninfo *info;
    struct timer timer; /* how long to wait; or at once, where nothing is to be asked */
    struct question questions[CONNINFO_HOSTS_MOST];
    unsigned n_open;
    struct endpoints endpoints;
    void (*on_answer)(void *owner, const struct endpoints *found);
    void *owner;
};

void endpoint_copy(struct endpoint *to, const struct endpoint *from)
{
    *to = *from;
    to->host.address = to->address;
}

static void add(struct endpoints *endpoints, const struct conninfo_host *host, const char *address)
{
    if (endpoints->n == ENDPOINTS_MOST) return;
    struct endpoint *endpoint = &endpoints->at[endpoints->n++];
    endpoint->host = *host;
    snprintf(endpoint->address, sizeof endpoint->address, "%s", address);
    endpoint->host.address = endpoint->address;
}

static void add_found(struct lookup *lookup, const struct conninfo_host *host,
                      const struct address_list *found)
{
    for (unsigned i = 0; i < found->n; i++) {
        const struct address *address = &found->at[i];
        char text[sizeof lookup->endpoints.at[0].address];
        if (getnameinfo((const struct sockaddr *)&address->storage, address->bytes, text,
                        sizeof text, NULL, 0, NI_NUMERICHOST) == 0)
            add(&lookup->endpoints, host, text);
    }
}

static void end(struct lookup *lookup)
{
    for (unsigned i = 0; i < CONNINFO_HOSTS_MOST; i++)
        if (lookup->questions[i].resolve) resolve_cancel(lookup->questions[i].resolve);
    timer_fini(&lookup->timer);
    free(lookup);
}

void lookup_cancel(struct lookup *lookup)
{
    end(lookup);
}

static void answer(struct lookup *lookup)
{
    const struct conninfo_host *hosts;
    const size_t n = conninfo_hosts(lookup->info, &hosts);
    for (size_t i = 0; i < n; i++) {
        if (*hosts[i].address || conninfo_is_local(&hosts[i]))
            add(&lookup->endpoints, &hosts[i], hosts[i].address);
        else if (lookup->questions[i].resolve)
            status_fail(&lookup->endpoints.fault, EXIT_UNREACHABLE,
                        "the name \"%s\" was not resolved in time", hosts[i].name);
        else
            add_found(lookup, &hosts[i], &lookup->questions[i].found);
    }
    struct endpoints found = lookup->endpoints;
    for (unsigned i = 0; i < found.n; i++) found.at[i].host.address = found.at[i].address;
    void (*on_answer)(void *, const struct endpoints *) = lookup->on_answer;
    void *owner = lookup->owner;
    end(lookup);
    on_answer(owner, &found);
}

static void on_time(void *own)
{
    answer(own);
}

static void on_resolved(void *own, const struct address_list *found, const struct status *why_not)
{
    struct question *question = own;
    struct lookup *lookup = question->lookup;
    question->resolve = NULL;
    if (found)
        question->found = *found;
    else
        lookup->endpoints.fault = *why_not;
    if (--lookup->n_open == 0) answer(lookup);
}

struct lookup *lookup_start(struct loop *loop, const struct conninfo *info, uint32_t patience_ms,
                            void (*on_answer)(void *, const struct endpoints *), void *owner)
{
    struct lookup *lookup = NEW(struct lookup);
    const struct conninfo_host *hosts;
    const size_t n = conninfo_hosts(info, &hosts);
    lookup->info = info;
    lookup->on_answer = on_answer;
    lookup->owner = owner;
    timer_init(&lookup->timer, loop, on_time, lookup);
    for (size_t i = 0; i < n; i++) {
        struct question *question = &lookup->questions[i];
        question->lookup = lookup;
        if (*hosts[i].address || conninfo_is_local(&hosts[i])) continue;
        question->resolve = resolve_start(loop, hosts[i].name, 0, on_resolved, question);
        lookup->n_open++;
    }
    timer_arm_ms(&lookup->timer, lookup->n_open ? patience_ms : 0);
    return lookup;
}
