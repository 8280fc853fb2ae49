/* SPDX-License-Identifier: Apache-2.0
 *
 * See cache.h and call.h. A call that is out is known to the connection by its ticket, which outlives
 * the call where that is cancelled. */
#include "cache/cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"
#include "cache/call.h"
#include "cache/fault.h"

#define CACHE_MAGIC 0x63616368u
#define TRIES_MOST 3

struct ticket {
    struct list link;
    struct cache *cache;
    struct call *call; /* NULL: cancelled */
};

struct cache {
    uint32_t magic;
    struct loop *loop;
    struct cache_settings settings;
    struct cache_events events;
    void *owner;
    struct cache_connection *connection;
    struct breaker breaker;
    struct list waiting; /* calls, in order, for the connection that stands */
    struct list vain;    /* those for none, or for one that went: never sent on the next */
    struct list tickets;
    struct timer soon; /* who waits in vain is told */
    struct resp_command command;
    char token[20]; /* of our fills */
    uint64_t since_ns;
    bool is_refused;
    char fault[500];
};

/* ---- the breaker ----------------------------------------------------------------------------- */

static void note_fault(struct cache *cache, const char *why)
{
    snprintf(cache->fault, sizeof cache->fault, "%s", why);
}

static void note_end(struct cache *cache, bool is_well)
{
    if (is_well) cache->fault[0] = '\0';
    if (!breaker_note(&cache->breaker, is_well, loop_now_ms(cache->loop))) return;
    if (cache->events.on_breaker)
        cache->events.on_breaker(cache->owner, cache->breaker.state, cache->fault);
}

/* ---- calls ----------------------------------------------------------------------------------- */

static void tell(struct call *call, const struct resp_value *answer, const char *why)
{
    struct cache *cache = call->cache;
    call->state = CALL_IDLE;
    call->ticket = NULL;
    const bool is_well = call->kind->on_answer(call, answer, why);
    note_end(cache, is_well);
}

bool call_blame(struct cache *cache, struct wr_text error)
{
    const struct cache_fault_about *about = cache_fault_of(error);
    char words[400];
    cache_fault_show(error, words, sizeof words);
    if (about->fault == CACHE_FAULT_ENTRY) return true;
    note_fault(cache, words);
    if (about->ends_connection)
        cache_connection_drop(cache->connection, words, about->fault == CACHE_FAULT_DEPLOYMENT);
    return false;
}

bool call_is_late(const struct resp_value *answer)
{
    return answer->kind == RESP_LIST && answer->n > 2 && text_is(answer->items[2].text, "late");
}

/* True: it goes again. */
static bool is_for_again(struct cache *cache, const struct resp_value *reply)
{
    if (reply->kind != RESP_ERROR) return call_is_late(reply);
    if (cache_fault_of(reply->text)->fault != CACHE_FAULT_SCRIPT) return false;
    cache_connection_load_scripts(cache->connection);
    return true;
}

static void send(struct cache *cache, struct call *call);

static void on_reply(void *own, const struct resp_value *reply, const char *why)
{
    struct ticket *ticket = own;
    struct cache *cache = ticket->cache;
    struct call *call = ticket->call;
    list_remove(&ticket->link);
    free(ticket);
    if (!reply) note_fault(cache, why);
    if (!call) {
        note_end(cache, reply && reply->kind != RESP_ERROR);
        return;
    }
    if (reply && call->tries < TRIES_MOST && is_for_again(cache, reply) &&
        cache_connection_is_ready(cache->connection)) {
        send(cache, call);
        return;
    }
    if (!reply) {
        tell(call, NULL, why);
    } else if (reply->kind == RESP_ERROR) {
        char words[400];
        call_blame(cache, reply->text);
        tell(call, NULL, cache_fault_show(reply->text, words, sizeof words));
    } else if (call_is_late(reply)) {
        tell(call, NULL, "its clock and ours do not keep pace");
    } else {
        tell(call, reply, "");
    }
}

static void send(struct cache *cache, struct call *call)
{
    struct resp_command *command = &cache->command;
    const enum cache_script script = call->kind->script;
    const uint64_t due_us = clock_now_ns() / 1000 + cache->settings.timeout_ms * UINT64_C(1000);
    resp_begin(command, 2 + call->kind->count_words(call));
    resp_add(command, text_of("EVALSHA"));
    resp_add(command, cache_connection_script(cache->connection, script));
    call->kind->add_words(call, command, cache_connection_time_ms(cache->connection, due_us));
    struct ticket *ticket = NEW(struct ticket);
    ticket->cache = cache;
    ticket->call = call;
    list_append(&cache->tickets, &ticket->link);
    call->ticket = ticket;
    call->state = CALL_OUT;
    call->tries++;
    cache_connection_send(cache->connection, command, on_reply, ticket);
}

/* Sends what may go. What neither goes nor can hope to is told so, in a turn of its own. */
static void pump(struct cache *cache)
{
    while (!list_is_empty(&cache->waiting) && cache_connection_has_room(cache->connection) &&
           breaker_lets(&cache->breaker, loop_now_ms(cache->loop)))
        send(cache, LIST_ENTRY(list_take_first(&cache->waiting), struct call, link));
    const bool is_hopeless =
        !cache_connection_is_ready(cache->connection) || cache->breaker.state != BREAKER_CLOSED;
    if (is_hopeless && !list_is_empty(&cache->waiting)) timer_arm_ms(&cache->soon, 0);
}

/* Those sent meanwhile by who is told wait for the next turn. */
static void on_soon(void *own)
{
    struct cache *cache = own;
    struct list told;
    CHECK_MAGIC(cache, CACHE_MAGIC);
    list_init(&told);
    list_move_all(&told, &cache->vain);
    if (cache_is_ready(cache))
        pump(cache);
    else
        list_move_all(&told, &cache->waiting);
    for (struct list *link; (link = list_take_first(&told));) {
        struct call *call = LIST_ENTRY(link, struct call, link);
        const char *fault = cache_fault(cache);
        call->state = CALL_IDLE;
        (void)call->kind->on_answer(call, NULL, *fault ? fault : "the connection was lost");
    }
}

void call_init(struct call *call, const struct call_kind *kind)
{
    *call = (struct call){ .kind = kind };
    list_init(&call->link);
}

void call_send(struct cache *cache, struct call *call)
{
    CHECK_MAGIC(cache, CACHE_MAGIC);
    CHECK(call->state == CALL_IDLE);
    call->cache = cache;
    call->state = CALL_WAITING;
    call->tries = 0;
    if (cache_connection_is_ready(cache->connection)) {
        list_append(&cache->waiting, &call->link);
        pump(cache);
    } else {
        list_append(&cache->vain, &call->link);
        timer_arm_ms(&cache->soon, 0);
    }
}

void call_cancel(struct call *call)
{
    if (call->state == CALL_WAITING) list_remove(&call->link);
    if (call->state == CALL_OUT) call->ticket->call = NULL;
    call->state = CALL_IDLE;
}

/* ---- the connection -------------------------------------------------------------------------- */

static bool on_server(void *own, struct cache_server *out, struct status *status)
{
    struct cache *cache = own;
    return cache->events.on_server(cache->owner, out, status);
}

static void on_ready(void *own)
{
    struct cache *cache = own;
    cache->is_refused = false;
    cache->since_ns = clock_now_ns();
    breaker_renew(&cache->breaker, loop_now_ms(cache->loop));
    if (cache->breaker.state == BREAKER_CLOSED) cache->fault[0] = '\0';
    cache->events.on_ready(cache->owner);
    pump(cache);
}

static void on_lost(void *own, const char *why, bool is_refusal)
{
    struct cache *cache = own;
    cache->is_refused = is_refusal;
    note_fault(cache, why);
    list_move_all(&cache->vain, &cache->waiting);
    if (!list_is_empty(&cache->vain)) timer_arm_ms(&cache->soon, 0);
    cache->events.on_lost(cache->owner, why, is_refusal);
}

static void on_room(void *own)
{
    pump(own);
}

/* ---- the front door -------------------------------------------------------------------------- */

struct cache *cache_new(struct loop *loop, const struct cache_settings *settings,
                        const struct cache_events *events, void *owner)
{
    static const struct cache_connection_events ears = { on_server, on_ready, on_lost, on_room };
    struct cache *cache = NEW(struct cache);
    cache->magic = CACHE_MAGIC;
    cache->loop = loop;
    cache->settings = *settings;
    cache->events = *events;
    cache->owner = owner;
    note_fault(cache, "not connected yet");
    snprintf(cache->token, sizeof cache->token, "%016llx", (unsigned long long)random_u64());
    list_init(&cache->waiting);
    list_init(&cache->vain);
    list_init(&cache->tickets);
    timer_init(&cache->soon, loop, on_soon, cache);
    const struct cache_connection_settings how = { .name = settings->name,
                                                   .connect_ms = settings->connect_ms,
                                                   .timeout_ms = settings->timeout_ms };
    cache->connection = cache_connection_new(loop, &how, &ears, cache);
    return cache;
}

void cache_free(struct cache *cache)
{
    if (!cache) return;
    CHECK_MAGIC(cache, CACHE_MAGIC);
    cache_connection_free(cache->connection);
    for (struct list *link; (link = list_take_first(&cache->tickets));) {
        struct ticket *ticket = LIST_ENTRY(link, struct ticket, link);
        if (ticket->call) ticket->call->state = CALL_IDLE;
        free(ticket);
    }
    list_move_all(&cache->vain, &cache->waiting);
    for (struct list *link; (link = list_take_first(&cache->vain));)
        LIST_ENTRY(link, struct call, link)->state = CALL_IDLE;
    timer_fini(&cache->soon);
    resp_fini(&cache->command);
    cache->magic = 0;
    free(cache);
}

struct wr_text cache_token(const struct cache *cache)
{
    return text_of(cache->token);
}

struct loop *cache_loop(struct cache *cache)
{
    return cache->loop;
}

bool cache_is_connected(const struct cache *cache)
{
    return cache_connection_is_ready(cache->connection);
}

uint64_t cache_since_ns(const struct cache *cache)
{
    return cache->since_ns;
}

bool cache_is_ready(const struct cache *cache)
{
    return cache_is_connected(cache) && cache->breaker.state == BREAKER_CLOSED;
}

bool cache_is_refused(const struct cache *cache)
{
    return !cache_is_connected(cache) && cache->is_refused;
}

enum breaker_state cache_breaker(const struct cache *cache)
{
    return cache->breaker.state;
}

const char *cache_fault(const struct cache *cache)
{
    return cache_is_ready(cache) ? "" : cache->fault;
}

const char *cache_server(const struct cache *cache)
{
    return cache_connection_server(cache->connection);
}

uint64_t cache_reconnects(const struct cache *cache)
{
    return cache_connection_reconnects(cache->connection);
}
