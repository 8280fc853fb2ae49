/* SPDX-License-Identifier: Apache-2.0
 *
 * From a name to a connected TCP socket, within one deadline. Addresses are tried in the resolver's
 * order; the next one starts when one fails, or when it has been silent for its share of the time,
 * and the silent one stays in the race: the first to answer wins. */
#ifndef NET_DIAL_H
#define NET_DIAL_H

#include <stdint.h>

#include "net/address.h"
#include "net/loop.h"

struct dial;

/* One answer, on the loop, never from inside dial_start, after which the dial has gone: a connected,
 * non-blocking socket (now the owner's) and who it is, or fd -1 and why not, in words. */
typedef void dial_answer(void *owner, int fd, const struct address *peer, const char *why_not);

/* patience_ms 0: waits for ever. */
struct dial *dial_start(struct loop *loop, const char *host, uint16_t port, uint32_t patience_ms,
                        dial_answer *on_answer, void *owner);
void dial_cancel(struct dial *dial); /* before the answer */

/* How long an address may be silent before the next one starts; left_ms 0: for ever. Pure. */
uint64_t dial_share_ms(uint64_t left_ms, unsigned addresses_after_it);

/* "5 s", "250 ms" */
const char *dial_show_ms(uint64_t ms, char *out, size_t out_bytes);

#endif
