/* SPDX-License-Identifier: Apache-2.0
 *
 * See connection.h. Ways down all go through lose(), and never while an answer is being told: a drop
 * from there is noted and done when the answer's owner has returned. */
#include "cache/connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/list.h"
#include "base/random.h"
#include "cache/server_clock.h"
#include "net/backoff.h"
#include "net/wire.h"

#define CONNECTION_MAGIC 0x72646373u
#define BACKOFF_FIRST_MS 100
#define BACKOFF_MOST_MS 5000
#define OUT_HIGH_BYTES (4u * 1024 * 1024)
#define REPLY_MOST_BYTES (256u * 1024 * 1024)
#define OUT_MOST 64      /* commands out at once */
#define BEAT_MS 5000     /* an idle server is asked whether it is still there, and for its time */
#define OVERSLEPT_MS 250 /* a timer so late was held up with all of us: the answer may be here */

enum phase { RESTING, CONNECTING, GREETING, READY };

struct pending {
    struct list link;
    uint64_t sent_us, due_ms;
    cache_on_reply *on_reply;
    void *owner;
};

struct cache_connection {
    uint32_t magic;
    enum phase phase;
    struct loop *loop;
    struct cache_connection_settings settings;
    struct cache_connection_events events;
    void *owner;
    struct timer next_try, deadline, beat;
    struct backoff backoff;
    struct wire *wire; /* NULL: none */
    struct resp_reader *reader;
    struct greeting greeting;
    struct greeting_terms terms; /* texts are the owner's; of this try */
    struct server_clock clock;
    struct list pending;
    unsigned n_pending;
    unsigned loads; /* script loads that are out */
    uint64_t try_since_ms, greeted_us;
    bool has_overslept;
    bool is_telling; /* an answer */
    bool is_dropped, is_dropped_by_refusal;
    char drop_why[500];
    uint64_t times_ready;
    char shown[300], server[360];
};

/* ---- down ------------------------------------------------------------------------------------ */

static void hang_up(struct cache_connection *connection)
{
    wire_free(connection->wire);
    connection->wire = NULL;
    resp_reader_free(connection->reader);
    connection->reader = NULL;
    connection->is_dropped = connection->has_overslept = false;
    connection->loads = 0;
    connection->terms = (struct greeting_terms){ 0 };
    timer_disarm(&connection->deadline);
    timer_disarm(&connection->beat);
}

/* `words` name the server, and are not the wire's or the reader's, which are gone after this. */
static void lose_named(struct cache_connection *connection, const char *words, bool is_refusal)
{
    struct list gone;
    hang_up(connection);
    connection->phase = RESTING;
    timer_arm_ms(&connection->next_try, backoff_next_ms(&connection->backoff, random_u64()));
    list_init(&gone);
    for (struct list *link; (link = list_take_first(&connection->pending));)
        list_append(&gone, link);
    connection->n_pending = 0;
    for (struct list *link; (link = list_take_first(&gone));) {
        struct pending *pending = LIST_ENTRY(link, struct pending, link);
        if (pending->on_reply) pending->on_reply(pending->owner, NULL, words);
        free(pending);
    }
    connection->events.on_lost(connection->owner, words, is_refusal);
}

static void lose(struct cache_connection *connection, const char *why, bool is_refusal)
{
    char words[1600];
    snprintf(words, sizeof words, "%s: %s", connection->shown, why);
    lose_named(connection, words, is_refusal);
}

void cache_connection_drop(struct cache_connection *connection, const char *why, bool is_refusal)
{
    if (connection->phase == RESTING || connection->is_dropped) return;
    if (!connection->is_telling) {
        lose(connection, why, is_refusal);
        return;
    }
    connection->is_dropped = true;
    connection->is_dropped_by_refusal = is_refusal;
    snprintf(connection->drop_why, sizeof connection->drop_why, "%s", why);
}

static void on_wire_close(void *own, const char *why)
{
    struct cache_connection *connection = own;
    char words[500];
    CHECK_MAGIC(connection, CONNECTION_MAGIC);
    snprintf(words, sizeof words, "%s", why);
    lose_named(connection, words, false);
}

/* ---- deadlines ------------------------------------------------------------------------------- */

static void set_deadline(struct cache_connection *connection)
{
    if (list_is_empty(&connection->pending)) {
        timer_disarm(&connection->deadline);
        return;
    }
    const struct pending *first = LIST_ENTRY(connection->pending.next, struct pending, link);
    const uint64_t now_ms = loop_now_ms(connection->loop);
    timer_arm_ms(&connection->deadline, first->due_ms > now_ms ? first->due_ms - now_ms : 0);
}

static void on_deadline(void *own)
{
    struct cache_connection *connection = own;
    char words[120];
    CHECK_MAGIC(connection, CONNECTION_MAGIC);
    if (connection->phase == READY) {
        const struct pending *first = LIST_ENTRY(connection->pending.next, struct pending, link);
        const uint64_t late_ms = loop_now_ms(connection->loop) - first->due_ms;
        if (late_ms > OVERSLEPT_MS && !connection->has_overslept) {
            connection->has_overslept = true;
            timer_arm_ms(&connection->deadline, OVERSLEPT_MS);
            return;
        }
    }
    snprintf(words, sizeof words, "no answer within %u ms%s",
             connection->phase == READY ? connection->settings.timeout_ms
                                        : connection->settings.connect_ms,
             connection->phase == READY ? "" : " of connecting");
    lose(connection, words, false);
}

static void send_internal(struct cache_connection *connection, const struct resp_command *command,
                          cache_on_reply *on_reply);

static void on_time_told(void *own, const struct resp_value *reply, const char *why)
{
    (void)own, (void)reply, (void)why; /* its time was noted with every answer */
}

static void on_beat(void *own)
{
    struct cache_connection *connection = own;
    CHECK_MAGIC(connection, CONNECTION_MAGIC);
    timer_arm_ms(&connection->beat, BEAT_MS);
    if (connection->n_pending) return;
    struct resp_command command = { 0 };
    resp_begin(&command, 1);
    resp_add(&command, text_of("TIME"));
    send_internal(connection, &command, on_time_told);
    resp_fini(&command);
}

/* ---- answers --------------------------------------------------------------------------------- */

static void become_ready(struct cache_connection *connection)
{
    connection->phase = READY;
    connection->times_ready++;
    connection->terms = (struct greeting_terms){ 0 };
    connection->clock = (struct server_clock){ 0 };
    server_clock_note(&connection->clock, connection->greeting.server_us, connection->greeted_us,
                      clock_now_ns() / 1000);
    const char *version = connection->greeting.version;
    snprintf(connection->server, sizeof connection->server, "%s%s%s", connection->shown,
             *version ? ", Redis " : "", version);
    backoff_reset(&connection->backoff);
    timer_disarm(&connection->deadline);
    timer_arm_ms(&connection->beat, BEAT_MS);
    connection->events.on_ready(connection->owner);
}

/* False: the connection is gone. */
static bool take_greeting(struct cache_connection *connection, const struct resp_value *reply)
{
    struct status status = { 0 };
    switch (greeting_take(&connection->greeting, reply, &status)) {
    case GREETING_GOES_ON: return true;
    case GREETING_DONE: become_ready(connection); return connection->phase == READY;
    case GREETING_FAILED: break;
    }
    lose(connection, status.text, connection->greeting.is_refusal);
    return false;
}

static void note_time(struct cache_connection *connection, const struct pending *pending,
                      const struct resp_value *reply)
{
    int64_t server_us;
    if (reply->kind == RESP_LIST && greeting_read_time(reply->items, reply->n, &server_us))
        server_clock_note(&connection->clock, server_us, pending->sent_us, clock_now_ns() / 1000);
}

static bool take_answer(struct cache_connection *connection, const struct resp_value *reply)
{
    if (list_is_empty(&connection->pending)) {
        lose(connection, "it answered what was not asked", false);
        return false;
    }
    struct pending *pending =
        LIST_ENTRY(list_take_first(&connection->pending), struct pending, link);
    connection->n_pending--;
    connection->has_overslept = false;
    note_time(connection, pending, reply);
    connection->is_telling = true;
    if (pending->on_reply) pending->on_reply(pending->owner, reply, "");
    connection->is_telling = false;
    free(pending);
    if (!connection->is_dropped) return true;
    char why[sizeof connection->drop_why];
    memcpy(why, connection->drop_why, sizeof why);
    lose(connection, why, connection->is_dropped_by_refusal);
    return false;
}

static void on_data(void *own, struct evbuffer *in)
{
    struct cache_connection *connection = own;
    CHECK_MAGIC(connection, CONNECTION_MAGIC);
    for (;;) {
        const struct resp_value *reply = NULL;
        const enum resp_result result = resp_next(connection->reader, in, &reply);
        if (result == RESP_BROKEN) {
            char why[200];
            snprintf(why, sizeof why, "%s", resp_reader_fault(connection->reader));
            lose(connection, why, false);
            return;
        }
        if (result == RESP_NEEDS_MORE) break;
        if (!(connection->phase == READY ? take_answer : take_greeting)(connection, reply)) return;
    }
    if (connection->phase != READY) return;
    set_deadline(connection);
    if (cache_connection_has_room(connection)) connection->events.on_room(connection->owner);
}

/* ---- up -------------------------------------------------------------------------------------- */

static void on_wired(void *own)
{
    struct cache_connection *connection = own;
    CHECK_MAGIC(connection, CONNECTION_MAGIC);
    connection->phase = GREETING;
    connection->reader = resp_reader_new(REPLY_MOST_BYTES);
    connection->greeted_us = clock_now_ns() / 1000;
    greeting_begin(&connection->greeting, &connection->terms, wire_out(connection->wire));
    wire_flush(connection->wire);
    const uint64_t spent_ms = loop_now_ms(connection->loop) - connection->try_since_ms;
    const uint64_t most_ms = connection->settings.connect_ms;
    timer_arm_ms(&connection->deadline, spent_ms < most_ms ? most_ms - spent_ms : 1);
}

static void on_relief(void *own)
{
    struct cache_connection *connection = own;
    if (cache_connection_has_room(connection)) connection->events.on_room(connection->owner);
}

static void begin_try(void *own)
{
    static const struct wire_events events = {
        .on_open = on_wired, .on_data = on_data, .on_relief = on_relief, .on_close = on_wire_close
    };
    struct cache_connection *connection = own;
    struct cache_server server = { .shown = "" };
    struct status status = { 0 };
    CHECK_MAGIC(connection, CONNECTION_MAGIC);
    connection->try_since_ms = loop_now_ms(connection->loop);
    if (!connection->events.on_server(connection->owner, &server, &status)) {
        timer_arm_ms(&connection->next_try, backoff_next_ms(&connection->backoff, random_u64()));
        connection->events.on_lost(connection->owner, status.text, false);
        return;
    }
    snprintf(connection->shown, sizeof connection->shown, "%s", server.shown);
    snprintf(connection->server, sizeof connection->server, "%s", server.shown);
    connection->terms = (struct greeting_terms){ .user = server.user,
                                                 .password = server.password,
                                                 .database = server.database,
                                                 .name = connection->settings.name };
    const struct wire_settings settings = {
        .host = server.host,
        .port = server.port,
        .use_tls = server.use_tls,
        .tls = server.tls,
        .connect_ms = connection->settings.connect_ms,
        .out_high_bytes = OUT_HIGH_BYTES,
    };
    connection->phase = CONNECTING;
    connection->wire = wire_new(connection->loop, &settings, &events, connection);
}

/* ---- for owners ------------------------------------------------------------------------------ */

struct cache_connection *cache_connection_new(struct loop *loop,
                                              const struct cache_connection_settings *settings,
                                              const struct cache_connection_events *events,
                                              void *owner)
{
    struct cache_connection *connection = NEW(struct cache_connection);
    connection->magic = CONNECTION_MAGIC;
    connection->loop = loop;
    connection->settings = *settings;
    connection->events = *events;
    connection->owner = owner;
    connection->backoff = BACKOFF_INIT(BACKOFF_FIRST_MS, BACKOFF_MOST_MS);
    list_init(&connection->pending);
    timer_init(&connection->next_try, loop, begin_try, connection);
    timer_init(&connection->deadline, loop, on_deadline, connection);
    timer_init(&connection->beat, loop, on_beat, connection);
    timer_arm_ms(&connection->next_try, 0);
    return connection;
}

void cache_connection_free(struct cache_connection *connection)
{
    if (!connection) return;
    CHECK_MAGIC(connection, CONNECTION_MAGIC);
    hang_up(connection);
    for (struct list *link; (link = list_take_first(&connection->pending));)
        free(LIST_ENTRY(link, struct pending, link));
    timer_fini(&connection->next_try);
    timer_fini(&connection->deadline);
    timer_fini(&connection->beat);
    connection->magic = 0;
    free(connection);
}

bool cache_connection_is_ready(const struct cache_connection *connection)
{
    return connection->phase == READY && !connection->is_dropped;
}

bool cache_connection_has_room(const struct cache_connection *connection)
{
    return cache_connection_is_ready(connection) && connection->n_pending < OUT_MOST &&
           !wire_is_choked(connection->wire);
}

const char *cache_connection_server(const struct cache_connection *connection)
{
    return connection->server;
}

uint64_t cache_connection_reconnects(const struct cache_connection *connection)
{
    return connection->times_ready > 1 ? connection->times_ready - 1 : 0;
}

struct wr_text cache_connection_script(const struct cache_connection *connection,
                                       enum cache_script script)
{
    return text_of(connection->greeting.scripts[script]);
}

int64_t cache_connection_time_ms(const struct cache_connection *connection, uint64_t own_us)
{
    return server_clock_ms(&connection->clock, own_us);
}

void cache_connection_send(struct cache_connection *connection, const struct resp_command *command,
                           cache_on_reply *on_reply, void *owner)
{
    CHECK(cache_connection_is_ready(connection));
    struct pending *pending = NEW(struct pending);
    pending->sent_us = clock_now_ns() / 1000;
    pending->due_ms = loop_now_ms(connection->loop) + connection->settings.timeout_ms;
    pending->on_reply = on_reply;
    pending->owner = owner;
    list_append(&connection->pending, &pending->link);
    connection->n_pending++;
    resp_send(command, wire_out(connection->wire));
    wire_touch(connection->wire);
    if (connection->n_pending == 1) set_deadline(connection);
}

static void send_internal(struct cache_connection *connection, const struct resp_command *command,
                          cache_on_reply *on_reply)
{
    cache_connection_send(connection, command, on_reply, connection);
}

/* ---- scripts --------------------------------------------------------------------------------- */

static void on_loaded(void *own, const struct resp_value *reply, const char *why)
{
    struct cache_connection *connection = own;
    (void)why;
    if (!reply) return;
    connection->loads--;
    if (reply->kind == RESP_ERROR) cache_connection_drop(connection, "SCRIPT LOAD fails", false);
}

void cache_connection_load_scripts(struct cache_connection *connection)
{
    if (connection->loads || !cache_connection_is_ready(connection)) return;
    struct resp_command command = { 0 };
    for (unsigned script = 0; script < CACHE_SCRIPTS; script++) {
        greeting_load_script((enum cache_script)script, &command);
        connection->loads++;
        send_internal(connection, &command, on_loaded);
    }
    resp_fini(&command);
}
