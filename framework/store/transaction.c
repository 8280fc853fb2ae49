/* SPDX-License-Identifier: Apache-2.0
 *
 * See transaction.h. An error that the server has told decides, whatever happens to the connection
 * afterwards: the implicit transaction is aborted. A commit is one only when the Sync was answered. */
#include "store/transaction.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"
#include "store/answer.h"
#include "store/guard.h"
#include "store/recall.h"

#define OID_TEXT 25u
#define LATE_MS 1000 /* how much the server's clock may have been misread */

struct transaction {
    struct store_connection *connection;
    struct parcel_step *steps; /* the preamble, then the parcel's */
    size_t n;
    uint32_t timeout_ms;
    uint64_t began_ns;
    struct fence fence;
    const char *values[2]; /* of the preamble */
    int lengths[2];
    bool has_error, is_decided;
    size_t error_step;
    struct store_answer answer;
    struct arena arena; /* of what is recalled */
    struct recalled *recalled;
    size_t n_recalled, recalled_room;
    void (*on_end)(void *owner, const struct store_answer *answer, const struct fence *fence);
    void *owner;
};

/* ---- the preamble ---------------------------------------------------------------------------- */

static const char direct_sql[] = "select set_config('lock_timeout', '5s', true)";

/* The mark is set before the clock is read: who looks for it after the time sees it, or nothing can
 * begin any more. */
static const char pooled_sql[] =
    "select set_config('lock_timeout', '5s', true), set_config('application_name', $1, true),"
    " 1 / (case when extract(epoch from clock_timestamp()) * 1000000 <= $2::numeric"
    " then 1 else 0 end)";
#define TOO_LATE_SQLSTATE "22012"

static const uint32_t preamble_types[] = { OID_TEXT, OID_TEXT };

static void raise_fence(struct transaction *transaction)
{
    struct fence *fence = &transaction->fence;
    fence->session = *store_connection_session(transaction->connection);
    if (!fence->session.is_pooled) return;
    const int64_t now_us = (int64_t)(clock_now_ns() / 1000u) + fence->session.clock_ahead_us;
    const int64_t begin_by_us = now_us + ((int64_t)transaction->timeout_ms + LATE_MS) * 1000;
    snprintf(fence->mark, sizeof fence->mark, "warrener %016llx", (unsigned long long)random_u64());
    snprintf(fence->begin_by_us, sizeof fence->begin_by_us, "%lld", (long long)begin_by_us);
}

static struct parcel_step preamble(struct transaction *transaction)
{
    const struct fence *fence = &transaction->fence;
    if (!fence->session.is_pooled)
        return (struct parcel_step){ .name = "warrener_direct", .sql = direct_sql };
    transaction->values[0] = fence->mark;
    transaction->values[1] = fence->begin_by_us;
    transaction->lengths[0] = (int)strlen(fence->mark);
    transaction->lengths[1] = (int)strlen(fence->begin_by_us);
    return (struct parcel_step){ .name = "warrener_pooled",
                                 .sql = pooled_sql,
                                 .n_values = 2,
                                 .types = preamble_types,
                                 .values = transaction->values,
                                 .lengths = transaction->lengths };
}

/* ---- results --------------------------------------------------------------------------------- */

static void count(struct transaction *transaction, const struct parcel_step *step,
                  const PGresult *result)
{
    const unsigned affected = (unsigned)strtoul(PQcmdTuples((PGresult *)result), NULL, 10);
    const unsigned sent = step->is_inbox ? step->n_ids : step->rows;
    if (!step->is_inbox) transaction->answer.rows += step->rows;
    if (!step->is_inbox && !step->is_keep) return;
    transaction->answer.duplicates += step->repeats;
    if (affected < sent) transaction->answer.duplicates += sent - affected;
}

static void recall(struct transaction *transaction, const struct sink *sink, const PGresult *result)
{
    const int n = PQntuples(result);
    if (transaction->n_recalled + (size_t)n > transaction->recalled_room) {
        transaction->recalled_room += transaction->n_recalled + (size_t)n;
        transaction->recalled = memory_grow(transaction->recalled, transaction->recalled_room,
                                            sizeof *transaction->recalled);
    }
    for (int i = 0; i < n; i++)
        transaction->n_recalled += recall_take(result, i, sink, &transaction->arena,
                                               &transaction->recalled[transaction->n_recalled]);
}

/* What a check fails with, unless its SQL has a fault of its own. */
static void take_check(struct transaction *transaction)
{
    uint32_t message;
    struct store_answer *answer = &transaction->answer;
    if (strcmp(answer->sqlstate, "22P02") == 0 && guard_read_moved(answer->text, &message, 1))
        answer->fault = FAULT_MOVED;
}

static void take_error(struct transaction *transaction, size_t step, const PGresult *error)
{
    if (transaction->has_error) return; /* the first says what it was */
    transaction->has_error = true;
    transaction->is_decided = answer_is_decisive(error);
    transaction->error_step = step;
    answer_read_error(&transaction->answer, error);
    if (step > 0 && step < transaction->n && transaction->steps[step].is_check)
        take_check(transaction);
    if (step > 0) return;
    /* The preamble is ours, not the data's. */
    if (transaction->answer.fault == FAULT_DATA) transaction->answer.fault = FAULT_TRANSIENT;
    if (strcmp(transaction->answer.sqlstate, TOO_LATE_SQLSTATE) == 0)
        snprintf(transaction->answer.text, sizeof transaction->answer.text,
                 "the pooler passed it on too late for it to begin");
}

static void on_result(void *own, size_t step, const PGresult *result)
{
    struct transaction *transaction = own;
    switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
        if (step == 0 || step >= transaction->n) return;
        count(transaction, &transaction->steps[step], result);
        if (transaction->steps[step].recalls)
            recall(transaction, transaction->steps[step].recalls, result);
        return;
    case PGRES_PIPELINE_ABORTED: return; /* what comes after an error */
    default: take_error(transaction, step, result);
    }
}

/* ---- the end --------------------------------------------------------------------------------- */

void transaction_forget(struct transaction *transaction)
{
    arena_reset(&transaction->arena);
    free(transaction->recalled);
    free(transaction->steps);
    free(transaction);
}

/* Another backend than the one that prepared: a pooler that does not know prepared statements. Nothing
 * has been done, so it is done again without them. */
static bool wants_no_names(const struct transaction *transaction)
{
    static const char *const telltales[] = { "26000", "42P05" };
    if (!transaction->is_decided || !store_connection_uses_names(transaction->connection))
        return false;
    for (size_t i = 0; i < sizeof telltales / sizeof *telltales; i++)
        if (strcmp(transaction->answer.sqlstate, telltales[i]) == 0) return true;
    return false;
}

static void on_work_end(void *own, bool is_answered, const char *why);

static void run(struct transaction *transaction)
{
    const struct store_work work = { .steps = transaction->steps,
                                     .n = transaction->n,
                                     .timeout_ms = transaction->timeout_ms,
                                     .on_result = on_result,
                                     .on_end = on_work_end,
                                     .owner = transaction };
    transaction->has_error = transaction->is_decided = false;
    transaction->n_recalled = 0;
    arena_reset(&transaction->arena);
    transaction->answer = (struct store_answer){ .result = STORE_COMMITTED };
    raise_fence(transaction);
    transaction->steps[0] = preamble(transaction);
    store_connection_run(transaction->connection, &work);
}

static void settle(struct transaction *transaction, bool is_answered, const char *why)
{
    struct store_answer *answer = &transaction->answer;
    answer->took_ns = clock_now_ns() - transaction->began_ns;
    if (transaction->has_error) answer->rows = answer->duplicates = 0;
    if (transaction->is_decided) return;
    if (is_answered && !transaction->has_error) {
        answer->recalled = transaction->recalled;
        answer->n_recalled = transaction->n_recalled;
        return;
    }
    answer->result = STORE_UNKNOWN;
    answer->fault = FAULT_TRANSIENT;
    if (!transaction->has_error) snprintf(answer->text, sizeof answer->text, "%s", why);
}

static void on_work_end(void *own, bool is_answered, const char *why)
{
    struct transaction *transaction = own;
    if (is_answered && wants_no_names(transaction)) {
        store_connection_forget_names(transaction->connection);
        run(transaction);
        return;
    }
    settle(transaction, is_answered, why);
    transaction->on_end(transaction->owner, &transaction->answer, &transaction->fence);
    transaction_forget(transaction);
}

struct transaction *
transaction_start(struct store_connection *connection, const struct parcel_step *steps, size_t n,
                  uint32_t timeout_ms,
                  void (*on_end)(void *, const struct store_answer *, const struct fence *),
                  void *owner)
{
    struct transaction *transaction = NEW(struct transaction);
    transaction->connection = connection;
    arena_init(&transaction->arena, NULL, 0);
    transaction->steps = memory_new(n + 1, sizeof *steps);
    for (size_t i = 0; i < n; i++) transaction->steps[i + 1] = steps[i];
    transaction->n = n + 1;
    transaction->timeout_ms = timeout_ms;
    transaction->began_ns = clock_now_ns();
    transaction->on_end = on_end;
    transaction->owner = owner;
    run(transaction);
    return transaction;
}
