/* SPDX-License-Identifier: Apache-2.0
 *
 * A wire: one client connection over TCP or TLS, with deadlines, watermarks and paced reading, on
 * the loop. Bytes come in and go out through evbuffers; what they mean is its owner's business.
 *
 * Paced reading: a wire that keeps pace with a busy peer reads small pieces, and system calls, not
 * parsing, are what a worker spends. So after a read that found the socket busy the wire rests for a
 * few milliseconds and then drains it in large pieces. A quiet wire never rests: a lone message is
 * read when it comes. While resting, the socket's buffer and the peer's window hold the rest. An owner
 * that has plenty in hand says so: its wire rests for longer, until it is hungry.
 *
 * Its one rule: a callback may call any function here, wire_free too. */
#ifndef NET_WIRE_H
#define NET_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/loop.h"
#include "net/tls.h"

struct evbuffer;
struct wire;

struct wire_settings {
    const char *host; /* copied; a name, an IPv4 or an IPv6 address without brackets */
    uint16_t port;
    bool use_tls;
    struct tls_settings tls; /* file names are copied */
    uint32_t connect_ms;     /* for resolving, connecting, TLS handshake together; 0: for ever */
    uint32_t write_stall_ms; /* output that does not move for so long ends the wire; 0: for ever */
    size_t out_high_bytes;   /* wire_is_choked above this, on_relief at half of it; 0: never */
    uint32_t rest_us;        /* paced reading's rest; 0: never rests */
};

struct wire_events {
    void (*on_open)(void *owner); /* connected, TLS done */
    /* Something arrived. The owner drains what it can use of `in`; the rest stays for next time.
     * A busy turn offers several pieces of up to 128 KiB one after another. */
    void (*on_data)(void *owner, struct evbuffer *in);
    void (*on_relief)(void *owner); /* was choked, is not any more; NULL: not wanted */
    /* The end, from anything but wire_free: said once, in words, with the server named. The wire
     * is dead: only wire_free is left to call. */
    void (*on_close)(void *owner, const char *why);
};

/* Starts connecting at once: every resolved address in turn. Never calls back from inside. */
struct wire *wire_new(struct loop *loop, const struct wire_settings *settings,
                      const struct wire_events *events, void *owner);
void wire_free(struct wire *wire); /* no farewell; NULL is fine */

/* What is put here is written when the loop comes round, many frames in one system call, or at
 * once with wire_flush. */
struct evbuffer *wire_out(struct wire *wire);
void wire_touch(struct wire *wire); /* after adding to wire_out: schedules the write */
void wire_flush(struct wire *wire);
size_t wire_unsent_bytes(const struct wire *wire);
bool wire_is_choked(const struct wire *wire);

/* Stops and resumes reading: for owners that cannot take more. Not for longer than 5 s with a
 * RabbitMQ at the other end, which drops readers that sleep. When it is let go, the owner is offered again what it left in `in`. */
void wire_hold(struct wire *wire, bool hold);
void wire_set_plenty(struct wire *wire, bool has_plenty); /* see paced reading */

/* Loop time of the last bytes, for heartbeats; before any, of wire_new. */
uint64_t wire_last_read_ms(const struct wire *wire);
uint64_t wire_last_write_ms(const struct wire *wire);
/* "host (10.0.0.7:5672)", for logs; "host:5672" until it is connected. */
const char *wire_peer(const struct wire *wire);

#endif
