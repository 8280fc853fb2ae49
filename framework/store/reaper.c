/* SPDX-License-Identifier: Apache-2.0
 *
 * See reaper.h. When a backend began is hidden from other roles, and secrets rotate: one whose
 * beginning is hidden counts as alive, but only one that is surely ours is told to end. */
#include "store/reaper.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "store/answer.h"

#define OID_TEXT 25u
#define VALUES_MOST 3

/* pid, its beginning, the server's beginning. `offset 0`: pg_terminate_backend must see no other row. */
static const char direct_watch_sql[] =
    "select case when (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint::text <> "
    "$3"
    " then 0 else (select count(*) from pg_stat_activity where pid::text = $1 and (backend_start is"
    " null or (extract(epoch from backend_start) * 1000000)::bigint::text = $2)) end";
static const char direct_end_sql[] =
    "select count(pg_terminate_backend(pid)) from (select pid from pg_stat_activity where "
    "pid::text = $1"
    " and (extract(epoch from backend_start) * 1000000)::bigint::text = $2 offset 0) x";

/* The mark, the time. The statement's beginning is before the look at who is there. */
static const char pooled_watch_sql[] =
    "select (select count(*) from pg_stat_activity where application_name = $1)"
    " + case when extract(epoch from statement_timestamp()) * 1000000 > $2::numeric then 0 else 1 "
    "end";
static const char pooled_end_sql[] =
    "select count(pg_terminate_backend(pid)) from (select pid from pg_stat_activity where"
    " application_name = $1 and $2 <> '' offset 0) x";

static const uint32_t value_types[VALUES_MOST] = { OID_TEXT, OID_TEXT, OID_TEXT };

struct reaping {
    struct fence fence;
    struct parcel_step steps[2]; /* look, then end: a refusal leaves no look behind */
    size_t n;
    char pid[16];
    const char *values[VALUES_MOST];
    int lengths[VALUES_MOST];
    bool has_count, is_gone;
    bool is_refused;   /* for want of the right: any other error may pass */
    char failure[200]; /* "": none */
    void (*on_end)(void *owner, enum reaped reaped, const char *why);
    void *owner;
};

static void on_result(void *own, size_t step, const PGresult *result)
{
    struct reaping *reaping = own;
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        if (step > 0) return;
        reaping->has_count = true;
        reaping->is_gone = strcmp(PQgetvalue(result, 0, 0), "0") == 0;
    } else if (PQresultStatus(result) != PGRES_PIPELINE_ABORTED && !*reaping->failure) {
        const char *const sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        reaping->is_refused = sqlstate && strcmp(sqlstate, "42501") == 0;
        answer_read_words(result, reaping->failure, sizeof reaping->failure);
    }
}

void reaping_forget(struct reaping *reaping)
{
    free(reaping);
}

static void on_work_end(void *own, bool is_answered, const char *why)
{
    struct reaping *reaping = own;
    enum reaped reaped = REAPED_ALIVE;
    if (reaping->has_count && reaping->is_gone)
        reaped = REAPED_GONE;
    else if (!is_answered)
        reaped = REAPED_LOST;
    else if (reaping->is_refused)
        reaped = REAPED_REFUSED;
    reaping->on_end(reaping->owner, reaped, is_answered ? reaping->failure : why);
    reaping_forget(reaping);
}

static void set_values(struct reaping *reaping)
{
    const struct fence *fence = &reaping->fence;
    snprintf(reaping->pid, sizeof reaping->pid, "%d", fence->session.pid);
    const bool is_pooled = fence->session.is_pooled;
    reaping->values[0] = is_pooled ? fence->mark : reaping->pid;
    reaping->values[1] = is_pooled ? fence->begin_by_us : fence->session.began;
    reaping->values[2] = fence->session.server_began;
    for (size_t i = 0; i < VALUES_MOST; i++) reaping->lengths[i] = (int)strlen(reaping->values[i]);
}

struct reaping *reaping_start(struct store_connection *connection, const struct fence *fence,
                              bool only_watches, uint32_t timeout_ms,
                              void (*on_end)(void *, enum reaped, const char *), void *owner)
{
    struct reaping *reaping = NEW(struct reaping);
    const bool is_pooled = fence->session.is_pooled;
    reaping->fence = *fence;
    reaping->on_end = on_end;
    reaping->owner = owner;
    reaping->n = only_watches ? 1 : 2;
    set_values(reaping);
    const struct parcel_step step = { .types = value_types,
                                      .values = reaping->values,
                                      .lengths = reaping->lengths };
    reaping->steps[0] = reaping->steps[1] = step;
    reaping->steps[0].sql = is_pooled ? pooled_watch_sql : direct_watch_sql;
    reaping->steps[0].n_values = is_pooled ? 2 : 3;
    reaping->steps[1].sql = is_pooled ? pooled_end_sql : direct_end_sql;
    reaping->steps[1].n_values = 2;
    const struct store_work work = { .steps = reaping->steps,
                                     .n = reaping->n,
                                     .timeout_ms = timeout_ms,
                                     .on_result = on_result,
                                     .on_end = on_work_end,
                                     .owner = reaping };
    store_connection_run(connection, &work);
    return reaping;
}
