/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a wire: dialing, shaking hands, open, dead; see wire.h. Every way in from the loop is
 * framed by enter() and leave(): a callback may free the wire, which then gives back its memory only
 * when the outermost frame is left. So after each callback the state is looked at again. on_close
 * and on_relief come from such frames alone, never from inside a function the owner called. */
#include "net/wire.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "net/dial.h"
#include "net/pace.h"
#include "net/stream.h"
#include "net/wire_settings.h"

#define WIRE_MAGIC 0x77697265u

/* Bounds for one turn of the loop, so that timers and other sockets get theirs. */
#define READ_MOST_BYTES (1024u * 1024u)
#define WRITE_MOST_BYTES (1024u * 1024u)

enum wire_state { WIRE_DIALING, WIRE_SHAKING, WIRE_OPEN, WIRE_DEAD };

struct wire {
    uint32_t magic;
    enum wire_state state;
    struct loop *loop;
    struct wire_settings settings; /* its texts are ours */
    struct wire_events events;
    void *owner;

    struct dial *dial; /* while dialing */
    struct stream stream;
    struct event *readable, *writable; /* NULL until there is a socket */
    struct event *turn;    /* made active by wire_touch: what is due when the loop comes round */
    struct timer rest;     /* armed instead of `readable` */
    struct timer deadline; /* of the handshake; later of output that does not move */
    struct pace pace;
    struct evbuffer *in, *out;

    uint64_t born_ms, last_read_ms, last_write_ms;
    unsigned frames; /* of enter() */
    bool is_freed, is_held, is_choked;
    bool rests_long;                         /* `rest` is armed for longer than usual */
    bool offers;                             /* `in` is to be offered again after a hold */
    bool read_wants_write, write_wants_read; /* TLS only */
    bool is_broken;                          /* a write failed as `why` says; on_close is due */
    struct status why;
    char peer[160];
};

/* Everything the loop could call us for. */
static void release_socket(struct wire *wire)
{
    if (wire->dial) dial_cancel(wire->dial);
    wire->dial = NULL;
    struct event **const events[] = { &wire->readable, &wire->writable, &wire->turn };
    for (unsigned i = 0; i < sizeof events / sizeof *events; i++) {
        if (*events[i]) event_free(*events[i]);
        *events[i] = NULL;
    }
    timer_fini(&wire->rest);
    timer_fini(&wire->deadline);
    stream_close(&wire->stream);
}

static void destroy(struct wire *wire)
{
    evbuffer_free(wire->in);
    evbuffer_free(wire->out);
    wire_settings_free(&wire->settings);
    wire->magic = 0;
    free(wire);
}

static struct wire *enter(void *arg)
{
    struct wire *wire = arg;
    CHECK_MAGIC(wire, WIRE_MAGIC);
    wire->frames++;
    return wire;
}

static void leave(struct wire *wire)
{
    if (--wire->frames == 0 && wire->is_freed) destroy(wire);
}

static void end(struct wire *wire, const char *why)
{
    char text[1200];
    const char *host = wire->settings.host;
    snprintf(text, sizeof text, strchr(host, ':') ? "[%s]:%u: %s" : "%s:%u: %s", host,
             wire->settings.port, why);
    wire->state = WIRE_DEAD;
    release_socket(wire);
    wire->events.on_close(wire->owner, text);
}

/* -- reading -- */

static void listen_again(struct wire *wire)
{
    timer_disarm(&wire->rest);
    event_add(wire->readable, NULL);
}

static void listen_later(struct wire *wire, uint32_t rest_us)
{
    event_del(wire->readable);
    wire->rests_long = rest_us > wire->settings.rest_us;
    timer_arm_us(&wire->rest, rest_us);
}

static void want_write(struct wire *wire, bool want)
{
    if (want == (bool)event_pending(wire->writable, EV_WRITE, NULL)) return;
    if (want)
        event_add(wire->writable, NULL);
    else
        event_del(wire->writable);
}

static void offer(struct wire *wire)
{
    wire->events.on_data(wire->owner, wire->in);
}

/* Reads one piece and offers it; false where no more can be read now. The wire may have died. */
static bool read_piece(struct wire *wire, uint64_t now_ns, size_t *total)
{
    struct status status = { 0 };
    size_t got = 0;
    const enum tls_result result = stream_read(&wire->stream, wire->in, &got, &status);
    if (got > 0) {
        wire->last_read_ms = now_ns / 1000000u;
        *total += got;
        offer(wire);
        if (wire->state != WIRE_OPEN) return false;
    }
    if (result == TLS_CLOSED || result == TLS_FAILED) {
        end(wire, result == TLS_CLOSED ? "closed by the server" : status.text);
        return false;
    }
    wire->read_wants_write = result == TLS_WANTS_WRITE;
    if (wire->read_wants_write) want_write(wire, true);
    return result == TLS_OK;
}

static void read_turn(struct wire *wire)
{
    if (wire->is_held) return;
    const uint64_t now_ns = clock_now_ns();
    size_t total = 0;
    bool has_more;
    do has_more = read_piece(wire, now_ns, &total);
    while (has_more && total < READ_MOST_BYTES && !wire->is_held);
    if (wire->state != WIRE_OPEN || wire->is_held) return;

    if (has_more && wire->stream.tls && tls_has_pending(wire->stream.tls)) {
        listen_later(wire, 0);
        return;
    }
    const uint32_t rest_us = has_more ? 0 : pace_rest_us(&wire->pace, now_ns / 1000u, total);
    if (rest_us)
        listen_later(wire, rest_us);
    else
        listen_again(wire);
}

/* -- writing -- */

static void note_choke(struct wire *wire)
{
    const size_t high = wire->settings.out_high_bytes;
    if (high && wire_unsent_bytes(wire) > high) wire->is_choked = true;
}

static bool has_relief(const struct wire *wire)
{
    return wire->is_choked && wire_unsent_bytes(wire) <= wire->settings.out_high_bytes / 2;
}

static void tell_relief(struct wire *wire)
{
    if (wire->state != WIRE_OPEN || !has_relief(wire)) return;
    wire->is_choked = false;
    if (wire->events.on_relief) wire->events.on_relief(wire->owner);
}

static void watch_stall(struct wire *wire, bool has_moved, bool is_left)
{
    if (!wire->settings.write_stall_ms) return;
    if (!is_left)
        timer_disarm(&wire->deadline);
    else if (has_moved || !timer_is_armed(&wire->deadline))
        timer_arm_ms(&wire->deadline, wire->settings.write_stall_ms);
}

static void write_out(struct wire *wire)
{
    if (wire->state != WIRE_OPEN || wire->is_broken) return;
    note_choke(wire);
    size_t put = 0;
    const enum tls_result result =
        stream_write(&wire->stream, wire->out, WRITE_MOST_BYTES, &put, &wire->why);
    if (put > 0) wire->last_write_ms = clock_now_ms();
    if (result == TLS_CLOSED || result == TLS_FAILED) {
        if (result == TLS_CLOSED) status_fail(&wire->why, EXIT_UNREACHABLE, "closed by the server");
        wire->is_broken = true;
        event_active(wire->turn, EV_WRITE, 0);
    }
    const bool is_left = wire_unsent_bytes(wire) > 0 && !wire->is_broken;
    wire->write_wants_read = result == TLS_WANTS_READ;
    want_write(wire, (is_left && !wire->write_wants_read) || wire->read_wants_write);
    watch_stall(wire, put > 0, is_left);
}

/* A peer that hangs up on us may have said why: that is read first. */
static void end_broken(struct wire *wire)
{
    read_turn(wire);
    if (wire->state == WIRE_OPEN) end(wire, wire->why.text);
}

/* -- from the loop -- */

static void on_turn(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct wire *wire = enter(arg);
    if (wire->offers && !wire->is_held) {
        wire->offers = false;
        offer(wire);
    }
    write_out(wire);
    tell_relief(wire);
    if (wire->state == WIRE_OPEN && wire->is_broken) end_broken(wire);
    leave(wire);
}

static void become_open(struct wire *wire)
{
    wire->state = WIRE_OPEN;
    timer_disarm(&wire->deadline);
    want_write(wire, false);
    if (!wire->is_held) {
        listen_again(wire);
        if (wire->stream.tls && tls_has_pending(wire->stream.tls)) listen_later(wire, 0);
    }
    wire->events.on_open(wire->owner);
    if (wire->state == WIRE_OPEN && wire_unsent_bytes(wire) > 0) wire_touch(wire);
}

static void shake(struct wire *wire)
{
    struct status status = { 0 };
    switch (tls_shake(wire->stream.tls, &status)) {
    case TLS_OK: become_open(wire); break;
    case TLS_WANTS_READ:
        event_add(wire->readable, NULL);
        want_write(wire, false);
        break;
    case TLS_WANTS_WRITE:
        event_del(wire->readable);
        want_write(wire, true);
        break;
    case TLS_CLOSED:
    case TLS_FAILED: end(wire, status.text); break;
    }
}

static void on_readable(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct wire *wire = enter(arg);
    if (wire->state == WIRE_SHAKING) {
        shake(wire);
    } else {
        if (wire->write_wants_read) wire_flush(wire);
        read_turn(wire);
    }
    leave(wire);
}

static void on_writable(evutil_socket_t fd UNUSED, short what UNUSED, void *arg)
{
    struct wire *wire = enter(arg);
    if (wire->state == WIRE_SHAKING) {
        shake(wire);
    } else {
        if (wire->read_wants_write) read_turn(wire);
        write_out(wire);
        tell_relief(wire);
    }
    leave(wire);
}

static void on_rested(void *owner)
{
    struct wire *wire = enter(owner);
    read_turn(wire);
    leave(wire);
}

static void on_deadline(void *owner)
{
    struct wire *wire = enter(owner);
    const bool is_stall = wire->state == WIRE_OPEN;
    char why[96], time[24];
    dial_show_ms(is_stall ? wire->settings.write_stall_ms : wire->settings.connect_ms, time,
                 sizeof time);
    snprintf(why, sizeof why,
             is_stall ? "the server took nothing we sent for %s"
                      : "TLS: no answer to the handshake within %s",
             time);
    end(wire, why);
    leave(wire);
}

/* -- coming up -- */

static void show_peer(struct wire *wire, const struct address *peer)
{
    char address[80];
    address_show(peer, address, sizeof address);
    const char *host = wire->settings.host;
    const char *ip = address[0] == '[' ? address + 1 : address;
    const size_t host_bytes = strlen(host);
    if (strncmp(ip, host, host_bytes) == 0 && strchr(":]", ip[host_bytes]))
        snprintf(wire->peer, sizeof wire->peer, "%s", address);
    else
        snprintf(wire->peer, sizeof wire->peer, "%.70s (%s)", host, address);
}

static void watch_socket(struct wire *wire)
{
    struct event_base *base = loop_base(wire->loop);
    const int fd = wire->stream.fd;
    wire->readable = event_new(base, fd, EV_READ | EV_PERSIST, on_readable, wire);
    wire->writable = event_new(base, fd, EV_WRITE | EV_PERSIST, on_writable, wire);
    CHECK(wire->readable && wire->writable);
}

static void start_shaking(struct wire *wire)
{
    struct status status = { 0 };
    const struct wire_settings *settings = &wire->settings;
    wire->stream.tls = tls_open(&settings->tls, wire->stream.fd, settings->host, &status);
    if (!wire->stream.tls) {
        end(wire, status.text);
        return;
    }
    wire->state = WIRE_SHAKING;
    if (settings->connect_ms) {
        const uint64_t spent_ms = loop_now_ms(wire->loop) - wire->born_ms;
        timer_arm_ms(&wire->deadline,
                     spent_ms < settings->connect_ms ? settings->connect_ms - spent_ms : 1);
    }
    shake(wire);
}

static void on_dialed(void *owner, int fd, const struct address *peer, const char *why_not)
{
    struct wire *wire = enter(owner);
    wire->dial = NULL;
    if (fd < 0) {
        end(wire, why_not);
    } else {
        wire->stream.fd = fd;
        show_peer(wire, peer);
        watch_socket(wire);
        if (wire->settings.use_tls)
            start_shaking(wire);
        else
            become_open(wire);
    }
    leave(wire);
}

struct wire *wire_new(struct loop *loop, const struct wire_settings *settings,
                      const struct wire_events *events, void *owner)
{
    struct wire *wire = NEW(struct wire);
    wire->magic = WIRE_MAGIC;
    wire->loop = loop;
    wire->settings = wire_settings_copy(settings);
    wire->pace.rest_us = settings->rest_us;
    wire->events = *events;
    wire->owner = owner;
    wire->stream.fd = -1;
    wire->born_ms = wire->last_read_ms = wire->last_write_ms = loop_now_ms(loop);
    snprintf(wire->peer, sizeof wire->peer, "%.140s:%u", settings->host, settings->port);
    wire->in = evbuffer_new();
    wire->out = evbuffer_new();
    wire->turn = event_new(loop_base(loop), -1, 0, on_turn, wire);
    CHECK(wire->in && wire->out && wire->turn);
    timer_init(&wire->rest, loop, on_rested, wire);
    timer_init(&wire->deadline, loop, on_deadline, wire);
    wire->dial = dial_start(loop, wire->settings.host, settings->port, settings->connect_ms,
                            on_dialed, wire);
    return wire;
}

void wire_free(struct wire *wire)
{
    if (!wire) return;
    CHECK_MAGIC(wire, WIRE_MAGIC);
    CHECK(!wire->is_freed);
    wire->state = WIRE_DEAD;
    wire->is_freed = true;
    release_socket(wire);
    if (wire->frames == 0) destroy(wire);
}

/* -- for the owner -- */

struct evbuffer *wire_out(struct wire *wire)
{
    return wire->out;
}

void wire_touch(struct wire *wire)
{
    if (wire->state != WIRE_OPEN) return; /* becoming open looks at `out` by itself */
    note_choke(wire);
    if (!event_pending(wire->writable, EV_WRITE, NULL)) event_active(wire->turn, EV_WRITE, 0);
}

void wire_flush(struct wire *wire)
{
    write_out(wire);
    if (wire->state == WIRE_OPEN && has_relief(wire)) event_active(wire->turn, EV_WRITE, 0);
}

size_t wire_unsent_bytes(const struct wire *wire)
{
    return evbuffer_get_length(wire->out);
}

bool wire_is_choked(const struct wire *wire)
{
    const size_t high = wire->settings.out_high_bytes;
    return wire->is_choked || (high && wire_unsent_bytes(wire) > high);
}

void wire_hold(struct wire *wire, bool hold)
{
    if (hold == wire->is_held) return;
    wire->is_held = hold;
    if (wire->state != WIRE_OPEN) return;
    if (hold) {
        event_del(wire->readable);
        timer_disarm(&wire->rest);
        return;
    }
    listen_later(wire, 0); /* not only the socket: TLS may have bytes in hand */
    wire->offers = evbuffer_get_length(wire->in) > 0;
    if (wire->offers) event_active(wire->turn, EV_READ, 0);
}

void wire_set_plenty(struct wire *wire, bool has_plenty)
{
    wire->pace.has_plenty = has_plenty;
    if (!has_plenty && wire->rests_long && timer_is_armed(&wire->rest)) {
        wire->rests_long = false;
        timer_arm_us(&wire->rest, pace_left_us(&wire->pace, clock_now_ns() / 1000u));
    }
}

uint64_t wire_last_read_ms(const struct wire *wire)
{
    return wire->last_read_ms;
}

uint64_t wire_last_write_ms(const struct wire *wire)
{
    return wire->last_write_ms;
}

const char *wire_peer(const struct wire *wire)
{
    return wire->peer;
}
