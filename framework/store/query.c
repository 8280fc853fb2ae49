/* SPDX-License-Identifier: Apache-2.0
 *
 * See query.h. */
#include "store/query.h"

#include <stdio.h>

#include "base/check.h"
#include "store/answer.h"
#include "store/pool.h"

/* ---- rows ------------------------------------------------------------------------------------ */

static const PGresult *result_of(const struct query_rows *rows)
{
    return (const PGresult *)(const void *)rows;
}

size_t query_count(const struct query_rows *rows)
{
    return (size_t)PQntuples(result_of(rows));
}

int query_columns(const struct query_rows *rows)
{
    return PQnfields(result_of(rows));
}

struct wr_text query_text(const struct query_rows *rows, size_t row, int column)
{
    return text_from(PQgetvalue(result_of(rows), (int)row, column),
                     (size_t)PQgetlength(result_of(rows), (int)row, column));
}

bool query_is_null(const struct query_rows *rows, size_t row, int column)
{
    return PQgetisnull(result_of(rows), (int)row, column) != 0;
}

/* ---- a query on its way ---------------------------------------------------------------------- */

static void take_error(struct query *query, const PGresult *error)
{
    if (*query->why) return; /* the first says what it was */
    const char *sqlstate = PQresultErrorField(error, PG_DIAG_SQLSTATE);
    snprintf(query->sqlstate, sizeof query->sqlstate, "%s", sqlstate ? sqlstate : "");
    answer_read_words(error, query->why, sizeof query->why);
}

static void on_result(void *own, size_t step UNUSED, const PGresult *result)
{
    struct slot *slot = own;
    struct query *query = slot->query;
    if (!query) return; /* nobody wants it any more */
    switch (PQresultStatus(result)) {
    case PGRES_TUPLES_OK:
        if (query->on_rows)
            query->on_rows(query->owner, (const struct query_rows *)(const void *)result);
        return;
    case PGRES_COMMAND_OK: return;
    default: take_error(query, result);
    }
}

static void on_work_end(void *own, bool is_answered, const char *why)
{
    struct slot *slot = own;
    struct query *query = slot->query;
    slot->query = NULL;
    if (query) {
        char words[sizeof query->why];
        snprintf(words, sizeof words, "%.*s", (int)sizeof words - 1,
                 is_answered ? query->why : why);
        query->state = QUERY_IDLE;
        query->slot = NULL;
        query->on_end(query->owner, is_answered && !*words, words);
    }
    slot->on_query_end(slot);
}

void query_start(struct query *query, struct slot *slot, uint32_t timeout_ms,
                 void (*on_slot_free)(struct slot *slot))
{
    const struct store_work work = { .steps = &query->step,
                                     .n = 1,
                                     .timeout_ms = timeout_ms,
                                     .on_result = on_result,
                                     .on_end = on_work_end,
                                     .owner = slot };
    query->state = QUERY_OUT;
    query->slot = slot;
    query->why[0] = query->sqlstate[0] = '\0';
    slot->query = query;
    slot->on_query_end = on_slot_free;
    store_connection_run(slot->connection, &work);
}

/* ---- the front door -------------------------------------------------------------------------- */

void store_ask(struct store *store, struct query *query)
{
    CHECK(query->state == QUERY_IDLE);
    query->state = QUERY_WAITING;
    list_append(&store->queries, &query->link);
    pool_turn(store);
}

void store_unask(struct query *query)
{
    if (query->state == QUERY_WAITING) list_remove(&query->link);
    if (query->state == QUERY_OUT) query->slot->query = NULL;
    query->state = QUERY_IDLE;
}
