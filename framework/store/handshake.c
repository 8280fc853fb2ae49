/* SPDX-License-Identifier: Apache-2.0
 *
 * See handshake.h. libpq may close its socket and open another within a poll, under the same number:
 * the watch is made anew each time. */
#include "store/handshake.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "store/sqlstate.h"

#define SQLSTATE_CHARS 5

struct handshake {
    struct loop *loop;
    const struct conninfo *info;
    PGconn *conn;
    struct socket_watch watch;
    struct timer timer;
    uint32_t patience_ms;
    bool is_stillborn; /* failed before anything was sent */
    void (*on_answer)(void *owner, PGconn *conn, const struct handshake_fault *fault);
    void *owner;
};

/* ---- words ----------------------------------------------------------------------------------- */

/* "FATAL:  28P01: password …": two blanks, five characters, a colon. */
static const char *find_sqlstate(const char *words)
{
    for (const char *at = strstr(words, ":  "); at; at = strstr(at + 1, ":  ")) {
        size_t n = 0;
        while (isupper((unsigned char)at[3 + n]) || isdigit((unsigned char)at[3 + n])) n++;
        if (n == SQLSTATE_CHARS && at[3 + n] == ':' && at[4 + n] == ' ') return at + 3;
    }
    return NULL;
}

/* Copies the words less codes and lines that say where in the server's source it was. */
static void tidy(const char *words, char *out, size_t out_bytes)
{
    size_t n = 0;
    bool drops = false, is_line_start = true;
    const char *code = find_sqlstate(words);
    for (const char *at = words; *at && n + 1 < out_bytes; at++) {
        if (at == code) {
            at += SQLSTATE_CHARS + 1;
            code = find_sqlstate(at);
            continue;
        }
        if (is_line_start) drops = strncmp(at, "LOCATION:", 9) == 0;
        is_line_start = *at == '\n';
        if (!drops && (*at != ' ' || n == 0 || out[n - 1] != ' ')) out[n++] = *at;
    }
    out[n] = '\0';
}

void handshake_read_fault(const struct conninfo *info, const char *words,
                          struct handshake_fault *out)
{
    char tidied[2000];
    const char *code = find_sqlstate(words);
    snprintf(out->sqlstate, sizeof out->sqlstate, "%.*s", SQLSTATE_CHARS, code ? code : "");
    tidy(words, tidied, sizeof tidied);
    conninfo_redact(info, tidied, out->text, sizeof out->text);
    const char *const way_out = sqlstate_way_out(out->sqlstate);
    const size_t used = strlen(out->text);
    if (*way_out) snprintf(out->text + used, sizeof out->text - used, "; %s", way_out);
}

/* ---- the try --------------------------------------------------------------------------------- */

static void end(struct handshake *handshake)
{
    socket_watch_fini(&handshake->watch);
    timer_fini(&handshake->timer);
    PQfinish(handshake->conn);
    free(handshake);
}

void handshake_cancel(struct handshake *handshake)
{
    end(handshake);
}

static void answer(struct handshake *handshake, const struct handshake_fault *fault)
{
    void (*on_answer)(void *, PGconn *, const struct handshake_fault *) = handshake->on_answer;
    void *owner = handshake->owner;
    PGconn *conn = NULL;
    if (!fault) {
        conn = handshake->conn;
        handshake->conn = NULL;
    }
    end(handshake);
    on_answer(owner, conn, fault);
}

static void fail(struct handshake *handshake)
{
    struct handshake_fault fault;
    handshake_read_fault(handshake->info, PQerrorMessage(handshake->conn), &fault);
    if (!*fault.sqlstate && PQconnectionNeedsPassword(handshake->conn))
        snprintf(fault.sqlstate, sizeof fault.sqlstate, "28P01");
    answer(handshake, &fault);
}

/* The address failed at once, or libpq refused an option: then its words may quote what was meant as a
 * password. */
static void fail_stillborn(struct handshake *handshake)
{
    const char *words = PQerrorMessage(handshake->conn);
    if (strncmp(words, "connection to", 13) == 0) {
        fail(handshake);
        return;
    }
    struct handshake_fault fault = { .sqlstate = "" };
    snprintf(fault.text, sizeof fault.text, "PostgreSQL's library refuses to try: %.*s",
             (int)strcspn(words, "\"\n"), words);
    answer(handshake, &fault);
}

static void on_time(void *own)
{
    struct handshake *handshake = own;
    if (handshake->is_stillborn) {
        fail_stillborn(handshake);
        return;
    }
    struct handshake_fault fault = { .sqlstate = "" };
    snprintf(fault.text, sizeof fault.text, "no answer from %s, port %s, within %u ms",
             PQhost(handshake->conn), PQport(handshake->conn), handshake->patience_ms);
    answer(handshake, &fault);
}

static void on_socket(void *own, bool can_read UNUSED, bool can_write UNUSED)
{
    struct handshake *handshake = own;
    socket_watch_fini(&handshake->watch); /* the poll may close it */
    switch (PQconnectPoll(handshake->conn)) {
    case PGRES_POLLING_OK: answer(handshake, NULL); return;
    case PGRES_POLLING_READING:
        socket_watch_set(&handshake->watch, handshake->loop, PQsocket(handshake->conn), true,
                         false);
        return;
    case PGRES_POLLING_WRITING:
        socket_watch_set(&handshake->watch, handshake->loop, PQsocket(handshake->conn), false,
                         true);
        return;
    case PGRES_POLLING_FAILED:
    case PGRES_POLLING_ACTIVE:
    default: fail(handshake); return;
    }
}

struct handshake *
handshake_start(struct loop *loop, const struct conninfo *info,
                const struct conninfo_params *params, uint32_t patience_ms,
                void (*on_answer)(void *, PGconn *, const struct handshake_fault *), void *owner)
{
    struct handshake *handshake = NEW(struct handshake);
    handshake->loop = loop;
    handshake->info = info;
    handshake->patience_ms = patience_ms;
    handshake->on_answer = on_answer;
    handshake->owner = owner;
    handshake->watch.on_ready = on_socket;
    handshake->watch.owner = handshake;
    timer_init(&handshake->timer, loop, on_time, handshake);
    handshake->conn = PQconnectStartParams(params->keywords, params->values, 0);
    CHECK(handshake->conn);                                 /* NULL: no memory */
    PQsetErrorVerbosity(handshake->conn, PQERRORS_VERBOSE); /* the only way to a SQLSTATE here */
    handshake->is_stillborn = PQstatus(handshake->conn) == CONNECTION_BAD;
    if (!handshake->is_stillborn)
        socket_watch_set(&handshake->watch, loop, PQsocket(handshake->conn), false, true);
    timer_arm_ms(&handshake->timer, handshake->is_stillborn ? 0 : patience_ms);
    return handshake;
}
