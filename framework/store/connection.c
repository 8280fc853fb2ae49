/* SPDX-License-Identifier: Apache-2.0
 *
 * See connection.h. Ways down all go through lose(); its callbacks come last, since they may start
 * new work. PQfinish does not wait: the socket is non-blocking once work can be under way. */
#include "store/connection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "net/backoff.h"
#include "store/endpoints.h"
#include "store/exchange.h"
#include "store/handshake.h"
#include "store/sqlstate.h"

#define CONNECTION_MAGIC 0x70676c6bu
#define BACKOFF_FIRST_MS 100
#define BACKOFF_MOST_MS 10000
#define SHARE_LEAST_MS 250
#define NOTICES_MOST 20 /* a connection's life; then silence */

enum phase { RESTING, LOOKING_UP, SHAKING_HANDS, ASKING, READY, WORKING };

struct store_connection {
    uint32_t magic;
    enum phase phase;
    struct loop *loop;
    struct store_connection_settings settings;
    struct store_connection_events events;
    struct timer timer; /* RESTING: the next try; LOOKING_UP, ASKING, WORKING: the deadline */
    struct backoff backoff;
    /* While connecting: */
    struct conninfo *info; /* holds secrets; NULL else */
    struct lookup *lookup;
    struct handshake *handshake;
    struct endpoints endpoints;
    unsigned next; /* endpoint */
    uint64_t try_until_ms;
    bool is_deployment; /* a fault so far was */
    char faults[900];   /* so far */
    /* While connected: */
    PGconn *conn;
    struct socket_watch watch;
    bool watches_writes;
    struct exchange exchange;
    struct session_question question;
    bool has_answer; /* to it */
    struct session session;
    struct store_work work;
    bool is_broken;       /* told at the next turn of the loop */
    char last_words[400]; /* the server's own, when it ends us */
    unsigned notices;
    bool forgets_names;
    char server[300];
};

static void lose(struct store_connection *connection, const char *why, bool is_deployment);
static void try_next(struct store_connection *connection);

/* ---- down ------------------------------------------------------------------------------------ */

static void hang_up(struct store_connection *connection)
{
    if (connection->lookup) lookup_cancel(connection->lookup);
    if (connection->handshake) handshake_cancel(connection->handshake);
    connection->lookup = NULL;
    connection->handshake = NULL;
    socket_watch_fini(&connection->watch);
    exchange_fini(&connection->exchange);
    PQfinish(connection->conn);
    connection->conn = NULL;
    connection->is_broken = connection->watches_writes = false;
    timer_disarm(&connection->timer);
}

static void forget_info(struct store_connection *connection)
{
    conninfo_free(connection->info);
    connection->info = NULL;
}

static void lose(struct store_connection *connection, const char *why, bool is_deployment)
{
    char words[1000];
    snprintf(words, sizeof words, "%s", why);
    const bool was_working = connection->phase == WORKING;
    const struct store_work work = connection->work;
    hang_up(connection);
    forget_info(connection);
    connection->phase = RESTING;
    timer_arm_ms(&connection->timer, backoff_next_ms(&connection->backoff, random_u64()));
    if (was_working) work.on_end(work.owner, false, words);
    connection->events.on_lost(connection->events.owner, words, is_deployment);
}

/* This address will not do; perhaps the next one. */
static void reject(struct store_connection *connection, const char *why, bool is_deployment)
{
    char server[300];
    const size_t used = strlen(connection->faults);
    const struct endpoint *endpoint = &connection->endpoints.at[connection->next - 1];
    conninfo_show(connection->info, &endpoint->host, server, sizeof server);
    snprintf(connection->faults + used, sizeof connection->faults - used, "%s%s: %s",
             used ? "; " : "", server, why);
    connection->is_deployment |= is_deployment;
    hang_up(connection);
    try_next(connection);
}

/* ---- the socket ------------------------------------------------------------------------------ */

static void watch(struct store_connection *connection, bool writes)
{
    if (connection->watch.event && connection->watches_writes == writes) return;
    connection->watches_writes = writes;
    socket_watch_set(&connection->watch, connection->loop, PQsocket(connection->conn), true,
                     writes);
}

static bool flush(struct store_connection *connection)
{
    const enum exchange_flush state = exchange_flush(&connection->exchange);
    if (state == EXCHANGE_BROKEN) return false;
    watch(connection, state == EXCHANGE_WAITS);
    return true;
}

static const char *words_of_end(struct store_connection *connection, char *out, size_t out_bytes)
{
    const char *words =
        *connection->last_words ? connection->last_words : PQerrorMessage(connection->conn);
    snprintf(out, out_bytes, "%s: ", connection->server);
    const size_t used = strlen(out);
    for (size_t n = used; n + 1 < out_bytes && *words; words++, n++) {
        out[n] = *words == '\n' ? ' ' : *words;
        out[n + 1] = '\0';
    }
    for (size_t n = strlen(out); n > used && out[n - 1] == ' '; n--) out[n - 1] = '\0';
    return out;
}

static void on_broken(struct store_connection *connection)
{
    char words[900];
    words_of_end(connection, words, sizeof words);
    if (connection->phase == ASKING)
        reject(connection, words, false);
    else
        lose(connection, words, false);
}

/* ---- work ------------------------------------------------------------------------------------ */

static void start(struct store_connection *connection, const struct parcel_step *steps, size_t n,
                  uint32_t timeout_ms)
{
    const bool is_sent =
        exchange_start(&connection->exchange, steps, n, store_connection_uses_names(connection)) &&
        flush(connection);
    connection->is_broken = !is_sent;
    timer_arm_ms(&connection->timer, is_sent ? timeout_ms : 0);
}

void store_connection_run(struct store_connection *connection, const struct store_work *work)
{
    CHECK(connection->phase == READY);
    connection->work = *work;
    connection->phase = WORKING;
    start(connection, work->steps, work->n, work->timeout_ms);
}

static void end_work(struct store_connection *connection)
{
    const struct store_work work = connection->work;
    timer_disarm(&connection->timer);
    connection->phase = READY;
    work.on_end(work.owner, true, "");
}

/* ---- asking who is there --------------------------------------------------------------------- */

static void judge(struct store_connection *connection, const PGresult *result)
{
    const char *columns[SESSION_COLUMNS];
    struct status why = { 0 };
    bool is_deployment = true;
    for (int i = 0; i < SESSION_COLUMNS; i++) columns[i] = PQgetvalue(result, 0, i);
    connection->has_answer =
        session_judge(columns, PQbackendPID(connection->conn), PQserverVersion(connection->conn),
                      connection->settings.allow_async_commit, clock_now_ns() / 1000u,
                      &connection->session, &is_deployment, &why);
    if (connection->has_answer) return;
    snprintf(connection->last_words, sizeof connection->last_words, "%.*s",
             (int)sizeof connection->last_words - 1, why.text);
    connection->is_deployment |= is_deployment;
}

static void on_answer(void *own, size_t step UNUSED, const PGresult *result)
{
    struct store_connection *connection = own;
    if (PQresultStatus(result) == PGRES_TUPLES_OK && PQntuples(result) == 1) {
        judge(connection, result);
        return;
    }
    const char *words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (words) snprintf(connection->last_words, sizeof connection->last_words, "%s", words);
}

static void become_ready(struct store_connection *connection)
{
    char shown[200];
    const struct endpoint *endpoint = &connection->endpoints.at[connection->next - 1];
    const char *version = PQparameterStatus(connection->conn, "server_version");
    snprintf(connection->server, sizeof connection->server, "%s, PostgreSQL %.40s%s",
             conninfo_show(connection->info, &endpoint->host, shown, sizeof shown),
             version ? version : "", connection->session.is_pooled ? " behind a pooler" : "");
    timer_disarm(&connection->timer);
    forget_info(connection);
    backoff_reset(&connection->backoff);
    connection->phase = READY;
    connection->events.on_ready(connection->events.owner);
}

static void end_asking(struct store_connection *connection)
{
    if (connection->has_answer) {
        become_ready(connection);
        return;
    }
    char words[400];
    snprintf(words, sizeof words, "%s", connection->last_words);
    reject(connection, words, false);
}

/* What the server says unasked; its last words when it ends us come this way too. */
static void on_notice(void *own, const PGresult *result)
{
    struct store_connection *connection = own;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    const char *words = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (!severity || !words) return;
    if (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0)
        snprintf(connection->last_words, sizeof connection->last_words, "%s", words);
    if (connection->notices++ >= NOTICES_MOST) return;
    if (strcmp(severity, "WARNING") == 0)
        log_warn("store", words, LOG_TEXT(SERVER, connection->server));
    else
        log_debug("store", words, LOG_TEXT(SERVER, connection->server));
}

static void ask(struct store_connection *connection)
{
    const uint64_t now_ms = clock_now_ms();
    const uint64_t left_ms =
        connection->try_until_ms > now_ms ? connection->try_until_ms - now_ms : 0;
    connection->phase = ASKING;
    connection->has_answer = false;
    connection->last_words[0] = '\0';
    connection->notices = 0;
    PQsetErrorVerbosity(connection->conn, PQERRORS_DEFAULT);
    PQsetNoticeReceiver(connection->conn, on_notice, connection);
    CHECK(PQsetnonblocking(connection->conn, 1) == 0 && PQenterPipelineMode(connection->conn) == 1);
    exchange_init(&connection->exchange, connection->conn);
    session_ask(&connection->question, PQbackendPID(connection->conn),
                connection->settings.timeout_ms);
    start(connection, &connection->question.step, 1,
          (uint32_t)(left_ms > SHARE_LEAST_MS ? left_ms : SHARE_LEAST_MS));
}

/* ---- connecting ------------------------------------------------------------------------------ */

static void on_hands_shaken(void *own, PGconn *conn, const struct handshake_fault *fault)
{
    struct store_connection *connection = own;
    connection->handshake = NULL;
    if (fault) {
        reject(connection, fault->text, sqlstate_class(fault->sqlstate) == FAULT_DEPLOYMENT);
        return;
    }
    connection->conn = conn;
    ask(connection);
}

/* Every address has its share of the time left, so that a silent one does not hide the next. */
static void try_next(struct store_connection *connection)
{
    const struct endpoints *endpoints = &connection->endpoints;
    const uint64_t now_ms = clock_now_ms();
    if (connection->next >= endpoints->n || now_ms >= connection->try_until_ms) {
        lose(connection, connection->faults, connection->is_deployment);
        return;
    }
    const uint64_t share_ms =
        (connection->try_until_ms - now_ms) / (endpoints->n - connection->next);
    const struct endpoint *endpoint = &endpoints->at[connection->next++];
    struct conninfo_params params;
    conninfo_params(connection->info, &endpoint->host, connection->settings.name,
                    connection->settings.timeout_ms, &params);
    connection->phase = SHAKING_HANDS;
    connection->handshake =
        handshake_start(connection->loop, connection->info, &params,
                        (uint32_t)(share_ms > SHARE_LEAST_MS ? share_ms : SHARE_LEAST_MS),
                        on_hands_shaken, connection);
}

static void on_endpoints(void *own, const struct endpoints *found)
{
    struct store_connection *connection = own;
    connection->lookup = NULL;
    connection->endpoints.n = found->n;
    for (unsigned i = 0; i < found->n; i++)
        endpoint_copy(&connection->endpoints.at[i], &found->at[i]);
    snprintf(connection->faults, sizeof connection->faults, "%.*s",
             (int)sizeof connection->faults - 1, found->fault.text);
    try_next(connection);
}

static void begin(struct store_connection *connection)
{
    const char *text = NULL;
    struct status why = { 0 };
    connection->next = 0;
    connection->is_deployment = false;
    if (!connection->events.on_server(connection->events.owner, &text, &why) ||
        !conninfo_parse(text, &connection->info, &why)) {
        lose(connection, why.text, true);
        return;
    }
    conninfo_show(connection->info, NULL, connection->server, sizeof connection->server);
    connection->try_until_ms = clock_now_ms() + connection->settings.connect_ms;
    connection->phase = LOOKING_UP;
    connection->lookup =
        lookup_start(connection->loop, connection->info, connection->settings.connect_ms / 2,
                     on_endpoints, connection);
}

/* ---- events ---------------------------------------------------------------------------------- */

static void on_time(void *own)
{
    struct store_connection *connection = own;
    CHECK_MAGIC(connection, CONNECTION_MAGIC);
    char words[400];
    if (connection->phase == RESTING) {
        begin(connection);
        return;
    }
    if (connection->is_broken) {
        on_broken(connection);
        return;
    }
    snprintf(words, sizeof words, "%s: no answer within %u ms", connection->server,
             connection->phase == WORKING ? connection->work.timeout_ms
                                          : connection->settings.connect_ms);
    if (connection->phase == ASKING)
        reject(connection, words, false);
    else
        lose(connection, words, false);
}

static void on_result(void *own, size_t step, const PGresult *result)
{
    struct store_connection *connection = own;
    connection->work.on_result(connection->work.owner, step, result);
}

/* What came before the end of the connection is taken first: an error is then known. */
static void on_socket(void *own, bool can_read, bool can_write)
{
    struct store_connection *connection = own;
    CHECK_MAGIC(connection, CONNECTION_MAGIC);
    bool is_well = !can_read || PQconsumeInput(connection->conn) == 1;
    if (is_well && (can_write || connection->watches_writes)) is_well = flush(connection);
    const bool is_asking = connection->phase == ASKING;
    if (connection->exchange.is_out &&
        exchange_read(&connection->exchange, is_asking ? on_answer : on_result, connection)) {
        (is_asking ? end_asking : end_work)(connection);
        if (connection->phase != READY) return; /* new work finds out by itself */
        is_well = true;
    } else if (!connection->exchange.is_out) {
        PQisBusy(connection->conn); /* for notices */
    }
    if (!is_well || PQstatus(connection->conn) == CONNECTION_BAD) on_broken(connection);
}

/* ---- life ------------------------------------------------------------------------------------ */

struct store_connection *store_connection_new(struct loop *loop,
                                              const struct store_connection_settings *settings,
                                              const struct store_connection_events *events)
{
    struct store_connection *connection = NEW(struct store_connection);
    connection->magic = CONNECTION_MAGIC;
    connection->loop = loop;
    connection->settings = *settings;
    connection->events = *events;
    connection->backoff = BACKOFF_INIT(BACKOFF_FIRST_MS, BACKOFF_MOST_MS);
    connection->watch.on_ready = on_socket;
    connection->watch.owner = connection;
    timer_init(&connection->timer, loop, on_time, connection);
    timer_arm_ms(&connection->timer, 0);
    return connection;
}

void store_connection_free(struct store_connection *connection)
{
    if (!connection) return;
    CHECK_MAGIC(connection, CONNECTION_MAGIC);
    hang_up(connection);
    forget_info(connection);
    timer_fini(&connection->timer);
    connection->magic = 0;
    free(connection);
}

bool store_connection_is_ready(const struct store_connection *connection)
{
    return connection->phase == READY;
}

bool store_connection_is_up(const struct store_connection *connection)
{
    return connection->phase == READY || connection->phase == WORKING;
}

const char *store_connection_server(const struct store_connection *connection)
{
    return connection->server;
}

const struct session *store_connection_session(const struct store_connection *connection)
{
    return &connection->session;
}

bool store_connection_uses_names(const struct store_connection *connection)
{
    return !connection->forgets_names;
}

void store_connection_forget_names(struct store_connection *connection)
{
    connection->forgets_names = true;
}

void store_connection_renew(struct store_connection *connection, const char *why)
{
    CHECK(connection->phase == READY);
    lose(connection, why, false);
    timer_arm_ms(&connection->timer, 0);
}
