/* SPDX-License-Identifier: Apache-2.0
 *
 * See exchange.h. The server works on what has come before the Sync and holds locks meanwhile, so
 * nothing happens between the first byte and the Sync but memory copies. */
#include "store/exchange.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/text.h"

#define PREPARES 0x80000000u /* in `commands` */

void exchange_init(struct exchange *exchange, PGconn *conn)
{
    *exchange = (struct exchange){ .conn = conn };
}

void exchange_fini(struct exchange *exchange)
{
    free(exchange->known);
    free(exchange->commands);
    *exchange = (struct exchange){ 0 };
}

/* ---- names ----------------------------------------------------------------------------------- */

static uint64_t hash_of(const struct parcel_step *step)
{
    return text_hash(text_of(step->name));
}

static bool is_known(const struct exchange *exchange, uint64_t hash)
{
    for (size_t i = 0; i < exchange->n_known; i++)
        if (exchange->known[i] == hash) return true;
    return false;
}

static void know(struct exchange *exchange, const struct parcel_step *step)
{
    const uint64_t hash = hash_of(step);
    if (is_known(exchange, hash)) return;
    if (exchange->n_known == exchange->known_room) {
        exchange->known_room = exchange->known_room ? 2 * exchange->known_room : 16;
        exchange->known = memory_grow(exchange->known, exchange->known_room, sizeof(uint64_t));
    }
    exchange->known[exchange->n_known++] = hash;
}

/* ---- sending --------------------------------------------------------------------------------- */

static void note(struct exchange *exchange, uint32_t command)
{
    if (exchange->n_commands == exchange->commands_room) {
        exchange->commands_room = exchange->commands_room ? 2 * exchange->commands_room : 16;
        exchange->commands =
            memory_grow(exchange->commands, exchange->commands_room, sizeof(uint32_t));
    }
    exchange->commands[exchange->n_commands++] = command;
}

static const int *all_binary(void)
{
    static int formats[EXCHANGE_VALUES_MOST];
    if (formats[0] == 0)
        for (size_t i = 0; i < EXCHANGE_VALUES_MOST; i++) formats[i] = 1;
    return formats;
}

static bool send_unnamed(struct exchange *exchange, const struct parcel_step *step, uint32_t nth)
{
    note(exchange, nth);
    return PQsendQueryParams(exchange->conn, step->sql, step->n_values, step->types, step->values,
                             step->lengths, all_binary(), 0) == 1;
}

/* A statement may come several times in one exchange; then the first of them prepares it. */
static bool comes_earlier(const struct exchange *exchange, uint32_t nth)
{
    const uint64_t hash = hash_of(&exchange->steps[nth]);
    for (uint32_t i = 0; i < nth; i++)
        if (exchange->steps[i].name && hash_of(&exchange->steps[i]) == hash) return true;
    return false;
}

static bool send_named(struct exchange *exchange, const struct parcel_step *step, uint32_t nth)
{
    if (!is_known(exchange, hash_of(step)) && !comes_earlier(exchange, nth)) {
        note(exchange, nth | PREPARES);
        if (!PQsendPrepare(exchange->conn, step->name, step->sql, step->n_values, step->types))
            return false;
    }
    note(exchange, nth);
    return PQsendQueryPrepared(exchange->conn, step->name, step->n_values, step->values,
                               step->lengths, all_binary(), 0) == 1;
}

bool exchange_start(struct exchange *exchange, const struct parcel_step *steps, size_t n,
                    bool uses_names)
{
    CHECK(!exchange->is_out && n < PREPARES);
    exchange->steps = steps;
    exchange->n_steps = n;
    exchange->n_commands = exchange->at = 0;
    exchange->is_out = true;
    for (uint32_t i = 0; i < n; i++) {
        CHECK(steps[i].n_values <= EXCHANGE_VALUES_MOST);
        const bool named = uses_names && steps[i].name;
        if (!(named ? send_named : send_unnamed)(exchange, &steps[i], i)) return false;
    }
    return PQpipelineSync(exchange->conn) == 1;
}

enum exchange_flush exchange_flush(struct exchange *exchange)
{
    switch (PQflush(exchange->conn)) {
    case 0: return EXCHANGE_FLUSHED;
    case 1: return EXCHANGE_WAITS;
    default: return EXCHANGE_BROKEN;
    }
}

/* ---- reading --------------------------------------------------------------------------------- */

typedef void result_taker(void *owner, size_t step, const PGresult *result);

static void take(struct exchange *exchange, const PGresult *result, result_taker *on_result,
                 void *owner)
{
    if (exchange->at == exchange->n_commands) {
        on_result(owner, exchange->n_steps, result);
        return;
    }
    const uint32_t command = exchange->commands[exchange->at], step = command & ~PREPARES;
    if ((command & PREPARES) && PQresultStatus(result) == PGRES_COMMAND_OK)
        know(exchange, &exchange->steps[step]);
    else
        on_result(owner, step, result);
}

/* A command's results end with a NULL, the Sync's with a PIPELINE_SYNC; after an error the commands up
 * to the Sync each give one PIPELINE_ABORTED. A NULL where no command is left means nothing. */
bool exchange_read(struct exchange *exchange, result_taker *on_result, void *owner)
{
    unsigned idle = 0;
    while (exchange->is_out && idle < 2 && !PQisBusy(exchange->conn)) {
        PGresult *result = PQgetResult(exchange->conn);
        if (!result) {
            if (exchange->at < exchange->n_commands)
                exchange->at++;
            else
                idle++;
            continue;
        }
        idle = 0;
        if (PQresultStatus(result) == PGRES_PIPELINE_SYNC)
            exchange->is_out = false;
        else
            take(exchange, result, on_result, owner);
        PQclear(result);
    }
    return !exchange->is_out;
}
