/* SPDX-License-Identifier: Apache-2.0
 *
 * The life of a connection: rest, connect, shake hands, be ready, be lost, rest again. What the
 * broker says meanwhile is understood in connection_frames.c and handshake.c. Anything may be freed
 * from inside a callback: see inside.h for how that is made safe. */
#include <stdio.h>
#include <stdlib.h>

#include "amqp/channel.h"
#include "amqp/connection_parts.h"
#include "base/check.h"
#include "base/random.h"

#define GOODBYE_MS 2000
#define STALL_MS 60000 /* only where no heartbeat watches */
#define OUT_HIGH_BYTES (1024 * 1024)
#define REPLY_SUCCESS 200

/* ---- what inside.h promises ------------------------------------------------------------------ */

static void drop_wire(struct amqp_connection *connection)
{
    if (!connection->wire) return;
    wire_free(connection->wire);
    connection->wire = NULL;
    connection->is_wired = false;
    codec_fini(&connection->codec);
    handshake_fini(&connection->handshake);
    timer_disarm(&connection->deadline);
    timer_disarm(&connection->beat);
    connection->blame.text[0] = '\0';
    roster_forget_numbers(&connection->roster);
}

static void destroy(struct amqp_connection *connection)
{
    timer_fini(&connection->next_try);
    drop_wire(connection);
    timer_fini(&connection->deadline);
    timer_fini(&connection->beat);
    roster_fini(&connection->roster);
    free(connection->graves);
    free(connection->shown);
    free(connection->user);
    free((char *)(uintptr_t)connection->settings.name);
    connection->magic = 0;
    free(connection);
}

void connection_enter(struct amqp_connection *connection)
{
    CHECK_MAGIC(connection, CONNECTION_MAGIC);
    connection->frames++;
}

void connection_leave(struct amqp_connection *connection)
{
    if (--connection->frames > 0) return;
    while (connection->n_graves > 0) free(connection->graves[--connection->n_graves]);
    if (connection->is_freed) destroy(connection);
}

void connection_bury(struct amqp_connection *connection, void *memory)
{
    if (connection->frames == 0) {
        free(memory);
        return;
    }
    connection->graves =
        memory_grow(connection->graves, connection->n_graves + 1, sizeof *connection->graves);
    connection->graves[connection->n_graves++] = memory;
}

struct loop *connection_loop(struct amqp_connection *connection)
{
    return connection->loop;
}

const char *connection_vhost(const struct amqp_connection *connection)
{
    return connection->handshake.vhost ? connection->handshake.vhost : "/";
}

uint32_t connection_frame_max(const struct amqp_connection *connection)
{
    return connection->codec.frame_max;
}

struct evbuffer *connection_out(struct amqp_connection *connection)
{
    return wire_out(connection->wire);
}

void connection_touch(struct amqp_connection *connection)
{
    wire_touch(connection->wire);
}

bool connection_is_choked(const struct amqp_connection *connection)
{
    return wire_is_choked(connection->wire);
}

void connection_blame(struct amqp_connection *connection, const char *format, ...)
{
    if (connection->blame.text[0]) return;
    va_list args;
    va_start(args, format);
    (void)status_vfail(&connection->blame, EXIT_UNREACHABLE, format, args);
    va_end(args);
}

static void tell_plenty(const struct amqp_connection *connection)
{
    const int n = connection->n_consumers;
    if (connection->wire) wire_set_plenty(connection->wire, n && connection->n_plenty == n);
}

void connection_count_consumers(struct amqp_connection *connection, int more, int more_plenty)
{
    connection->n_consumers += more;
    connection->n_plenty += more_plenty;
    tell_plenty(connection);
}

struct roster *connection_roster(struct amqp_connection *connection)
{
    return &connection->roster;
}

uint16_t connection_channel_max(const struct amqp_connection *connection)
{
    return connection->handshake.channel_max;
}

void connection_say(struct amqp_connection *connection, amqp_method_number_t id, void *method)
{
    bool encoded = codec_put_method(wire_out(connection->wire), 0, id, method);
    CHECK(encoded);
    wire_touch(connection->wire);
}

/* ---- losing ---------------------------------------------------------------------------------- */

static void tell_channels_lost(struct amqp_connection *connection, const char *why)
{
    const uint64_t round = roster_begin(&connection->roster);
    for (struct channel *channel; (channel = roster_next(&connection->roster, round));)
        channel_disconnected(channel, why);
}

void connection_tell_room(struct amqp_connection *connection)
{
    const uint64_t round = roster_begin(&connection->roster);
    for (struct channel *channel; (channel = roster_next(&connection->roster, round));)
        channel_relieve(channel);
}

void connection_tell_blocked(struct amqp_connection *connection, bool blocked, const char *reason)
{
    if (connection->is_blocked == blocked) return;
    connection->is_blocked = blocked;
    if (connection->events.on_blocked)
        connection->events.on_blocked(connection->owner, blocked, reason);
}

static void rest(struct amqp_connection *connection)
{
    connection->state = STATE_RESTING;
    timer_arm_ms(&connection->next_try, backoff_next_ms(&connection->backoff, random_u64()));
}

/* `why` names the server. It does not lie in the wire or the codec, which are gone after this. */
void connection_lose(struct amqp_connection *connection, const char *why, bool is_refusal)
{
    bool was_ready = connection->state == STATE_READY;
    drop_wire(connection);
    if (connection->state == STATE_CLOSING) {
        timer_arm_ms(&connection->deadline, 0);
        return;
    }
    rest(connection);
    if (was_ready) tell_channels_lost(connection, why);
    if (!connection->is_freed) connection_tell_blocked(connection, false, "");
    if (!connection->is_freed) connection->events.on_lost(connection->owner, why, is_refusal);
}

void connection_lose_in_words(struct amqp_connection *connection, const char *why, bool is_refusal)
{
    char text[1200];
    (void)snprintf(text, sizeof text, "%s: %s", connection->shown, why);
    connection_lose(connection, text, is_refusal);
}

/* ---- ready ----------------------------------------------------------------------------------- */

void connection_become_ready(struct amqp_connection *connection)
{
    uint64_t now_ms = loop_now_ms(connection->loop);
    connection->state = STATE_READY;
    connection->codec.frame_max = connection->handshake.frame_max;
    connection->times_ready++;
    memcpy(connection->broker, connection->handshake.broker, sizeof connection->broker);
    backoff_reset(&connection->backoff);
    timer_disarm(&connection->deadline);
    heartbeat_start(&connection->heartbeat, connection->handshake.heartbeat_s * 1000, now_ms);
    if (connection->heartbeat.interval_ms > 0)
        timer_arm_ms(&connection->beat, heartbeat_tick_ms(&connection->heartbeat));

    connection->events.on_ready(connection->owner);
    const uint64_t round = roster_begin(&connection->roster);
    while (connection->state == STATE_READY) {
        struct channel *channel = roster_next(&connection->roster, round);
        if (!channel) break;
        channel_connected(channel);
    }
}

static void on_beat(void *owner)
{
    struct amqp_connection *connection = owner;
    connection_enter(connection);
    uint64_t heard_ms = wire_last_read_ms(connection->wire);
    switch (heartbeat_check(&connection->heartbeat, loop_now_ms(connection->loop), heard_ms,
                            wire_last_write_ms(connection->wire))) {
    case HEARTBEAT_LOST: {
        char why[128];
        (void)snprintf(why, sizeof why, "the broker was silent for %u s, two heartbeats",
                       2 * connection->heartbeat.interval_ms / 1000);
        connection_lose_in_words(connection, why, false);
        break;
    }
    case HEARTBEAT_SEND:
        if (wire_unsent_bytes(connection->wire) == 0) {
            codec_put_heartbeat(wire_out(connection->wire));
            wire_touch(connection->wire);
        }
        /* fall through */
    case HEARTBEAT_FINE: timer_arm_ms(&connection->beat, heartbeat_tick_ms(&connection->heartbeat));
    }
    connection_leave(connection);
}

/* ---- the wire -------------------------------------------------------------------------------- */

static void on_wired(void *owner)
{
    struct amqp_connection *connection = owner;
    if (connection->state != STATE_CONNECTING) return; /* it is to end, and will at once */
    connection->is_wired = true;
    codec_put_greeting(wire_out(connection->wire));
    wire_flush(connection->wire);
    uint64_t spent_ms = loop_now_ms(connection->loop) - connection->try_since_ms;
    uint64_t most_ms = connection->settings.connect_ms;
    timer_arm_ms(&connection->deadline, spent_ms < most_ms ? most_ms - spent_ms : 1);
}

static void on_relief(void *owner)
{
    struct amqp_connection *connection = owner;
    connection_enter(connection);
    connection_tell_room(connection);
    connection_leave(connection);
}

static void on_wire_close(void *owner, const char *why)
{
    struct amqp_connection *connection = owner;
    struct status status = { 0 };
    connection_enter(connection);
    if (connection->state == STATE_CONNECTING && connection->is_wired) {
        handshake_explain(&connection->handshake, why, &status);
    } else {
        status_fail(&status, EXIT_UNREACHABLE, "%s", why);
    }
    connection_lose(connection, status.text, false);
    connection_leave(connection);
}

static void begin_try(void *owner)
{
    static const struct wire_events events = { .on_open = on_wired,
                                               .on_data = connection_take_data,
                                               .on_relief = on_relief,
                                               .on_close = on_wire_close };
    struct amqp_connection *connection = owner;
    struct amqp_server server = { .shown = "" };
    struct status status = { 0 };
    connection_enter(connection);
    bool is_known = connection->events.on_server(connection->owner, &server, &status);
    if (connection->is_freed || connection->state != STATE_RESTING) {
        connection_leave(connection);
        return;
    }
    if (!is_known) {
        rest(connection);
        connection->events.on_lost(connection->owner, status.text, false);
        connection_leave(connection);
        return;
    }
    free(connection->shown);
    connection->shown = memory_copy_text(server.shown);
    free(connection->user);
    connection->user = memory_copy_text(!server.external && server.user ? server.user : "");
    connection->try_since_ms = loop_now_ms(connection->loop);
    connection->state = STATE_CONNECTING;
    codec_init(&connection->codec);
    handshake_init(&connection->handshake, &server, connection->settings.name,
                   connection->settings.heartbeat_s);
    struct wire_settings settings = {
        .host = server.host,
        .port = server.port,
        .use_tls = server.use_tls,
        .tls = server.tls,
        .connect_ms = connection->settings.connect_ms,
        .write_stall_ms = connection->settings.heartbeat_s > 0 ? 0 : STALL_MS,
        .out_high_bytes = OUT_HIGH_BYTES,
        .rest_us = connection->settings.rest_us,
    };
    connection->wire = wire_new(connection->loop, &settings, &events, connection);
    tell_plenty(connection);
    connection_leave(connection);
}

static void on_deadline(void *owner)
{
    struct amqp_connection *connection = owner;
    connection_enter(connection);
    if (connection->state == STATE_CLOSING) {
        drop_wire(connection);
        connection->state = STATE_CLOSED;
        if (connection->events.on_closed) connection->events.on_closed(connection->owner);
    } else {
        char late[64];
        struct status status = { 0 };
        (void)snprintf(late, sizeof late, "no answer within %u ms",
                       connection->settings.connect_ms);
        handshake_explain(&connection->handshake, late, &status);
        connection_lose_in_words(connection, status.text, false);
    }
    connection_leave(connection);
}

/* ---- for owners ------------------------------------------------------------------------------ */

struct amqp_connection *amqp_connection_new(struct loop *loop,
                                            const struct amqp_connection_settings *settings,
                                            const struct amqp_connection_events *events,
                                            void *owner)
{
    struct amqp_connection *connection = NEW(struct amqp_connection);
    connection->magic = CONNECTION_MAGIC;
    connection->loop = loop;
    connection->settings = *settings;
    connection->settings.name = memory_copy_text(settings->name);
    connection->events = *events;
    connection->owner = owner;
    connection->shown = memory_copy_text("");
    connection->user = memory_copy_text("");
    connection->backoff = BACKOFF_INIT(settings->backoff_first_ms, settings->backoff_most_ms);
    roster_init(&connection->roster);
    timer_init(&connection->next_try, loop, begin_try, connection);
    timer_init(&connection->deadline, loop, on_deadline, connection);
    timer_init(&connection->beat, loop, on_beat, connection);
    timer_arm_ms(&connection->next_try, 0);
    return connection;
}

void amqp_connection_end(struct amqp_connection *connection)
{
    if (connection->state == STATE_CLOSING || connection->state == STATE_CLOSED) return;
    bool was_ready = connection->state == STATE_READY;
    timer_disarm(&connection->next_try);
    timer_disarm(&connection->beat);
    connection_enter(connection);
    connection->state = STATE_CLOSING;
    if (was_ready) {
        amqp_connection_close_t close = { .reply_code = REPLY_SUCCESS,
                                          .reply_text = codec_cstr("Goodbye") };
        connection_say(connection, AMQP_CONNECTION_CLOSE_METHOD, &close);
        tell_channels_lost(connection, "the connection was closed by its owner");
        roster_forget_numbers(&connection->roster);
    }
    if (!connection->is_freed) timer_arm_ms(&connection->deadline, was_ready ? GOODBYE_MS : 0);
    connection_leave(connection);
}

void amqp_connection_free(struct amqp_connection *connection)
{
    if (!connection) return;
    connection_enter(connection);
    connection->is_freed = true;
    connection->state = STATE_CLOSED;
    connection_leave(connection);
}

bool amqp_connection_is_ready(const struct amqp_connection *connection)
{
    return connection->state == STATE_READY;
}

bool amqp_connection_is_blocked(const struct amqp_connection *connection)
{
    return connection->is_blocked;
}

const char *amqp_connection_user(const struct amqp_connection *connection)
{
    return connection->user;
}

bool connection_is_user(const struct amqp_connection *connection, struct wr_text user_id)
{
    return user_id.len > 0 && text_is(user_id, connection->user);
}

const char *amqp_connection_server(const struct amqp_connection *connection)
{
    return connection->shown;
}

const char *amqp_connection_broker(const struct amqp_connection *connection)
{
    return connection->broker;
}

uint64_t amqp_connection_reconnects(const struct amqp_connection *connection)
{
    return connection->times_ready > 0 ? connection->times_ready - 1 : 0;
}
