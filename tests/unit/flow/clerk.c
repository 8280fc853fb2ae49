/* SPDX-License-Identifier: Apache-2.0
 *
 * See clerk.h. */
#include "unit/flow/clerk.h"

#include <criterion/criterion.h>
#include <event2/event.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "store/pool.h"

#define PATIENCE_MS 10000

struct clerk clerk;

static bool on_server(void *owner, const char **conninfo, struct status *status)
{
    (void)owner, (void)conninfo;
    return status_fail(status, EXIT_CONFIG, "there is none");
}

static void on_lost(void *owner, const char *why, bool is_deployment)
{
    (void)owner, (void)why, (void)is_deployment;
}

static void ignore(void *owner)
{
    (void)owner;
}

void clerk_open(void)
{
    static const struct store_settings settings = { .connections = 1, .name = "test" };
    static const struct store_events events = { on_server, ignore, on_lost, ignore };
    clerk.loop = loop_new();
    clerk.store = store_new(clerk.loop, &settings, &events, NULL);
}

void clerk_close_store(void)
{
    store_free(clerk.store);
}

void clerk_close_loop(void)
{
    loop_free(clerk.loop);
}

void clerk_turn(void)
{
    event_base_loop(loop_base(clerk.loop), EVLOOP_ONCE);
}

bool clerk_is_asked(void)
{
    event_base_loop(loop_base(clerk.loop), EVLOOP_NONBLOCK);
    return !list_is_empty(&clerk.store->queries);
}

struct query *clerk_take(void)
{
    const uint64_t deadline_ms = clock_now_ms() + PATIENCE_MS;
    while (!clerk_is_asked() && clock_now_ms() < deadline_ms) clerk_turn();
    struct list *const first = list_take_first(&clerk.store->queries);
    cr_assert(first, "nobody asks");
    struct query *const query = LIST_ENTRY(first, struct query, link);
    query->state = QUERY_IDLE;
    return query;
}

static void put(PGresult *result, int row, int column, const char *text)
{
    char *const copy = text ? strdup(text) : NULL;
    cr_assert(PQsetvalue(result, row, column, copy, copy ? (int)strlen(copy) : -1));
    free(copy);
}

void clerk_answer_columns(struct query *query, int n_columns, const struct clerk_row *rows,
                          size_t n)
{
    static char name[] = "c";
    PGresAttDesc columns[CLERK_COLUMNS] = { { .name = name }, { .name = name }, { .name = name } };
    PGresult *const result = PQmakeEmptyPGresult(NULL, PGRES_TUPLES_OK);
    char words[sizeof query->why];
    cr_assert(PQsetResultAttrs(result, n_columns, columns));
    for (int i = 0; i < (int)n; i++)
        for (int k = 0; k < n_columns; k++) put(result, i, k, rows[i].values[k]);
    if (query->on_rows)
        query->on_rows(query->owner, (const struct query_rows *)(const void *)result);
    PQclear(result);
    snprintf(words, sizeof words, "%s", query->why);
    query->on_end(query->owner, !*words, words);
}

void clerk_answer(struct query *query, const struct clerk_row *rows, size_t n)
{
    clerk_answer_columns(query, CLERK_COLUMNS, rows, n);
}

void clerk_fail(struct query *query, const char *sqlstate)
{
    snprintf(query->sqlstate, sizeof query->sqlstate, "%s", sqlstate);
    query->on_end(query->owner, false, "it failed");
}
