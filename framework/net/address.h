/* SPDX-License-Identifier: Apache-2.0
 *
 * Names to addresses without blocking the loop: the system's own resolver (search domains, hosts
 * file, nsswitch and all) asked on a thread that lives for the question. */
#ifndef NET_ADDRESS_H
#define NET_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/status.h"
#include "net/loop.h"

#define ADDRESS_MOST 16

struct address {
    struct sockaddr_storage storage;
    socklen_t bytes;
};

struct address_list {
    struct address at[ADDRESS_MOST]; /* in the resolver's order */
    unsigned n;
};

/* Asks; exactly one answer comes, on the loop, unless resolve_cancel came before. A literal address
 * is answered too by way of the loop, never from inside resolve_start. */
struct resolve;
struct resolve *resolve_start(struct loop *loop, const char *host, uint16_t port,
                              void (*on_answer)(void *owner, const struct address_list *found,
                                                const struct status *why_not),
                              void *owner);
/* The question is dropped; its thread ends by itself. Call it only before the answer. */
void resolve_cancel(struct resolve *resolve);

const char *address_show(const struct address *address, char *out, size_t out_bytes);

#endif
