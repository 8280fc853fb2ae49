/* SPDX-License-Identifier: Apache-2.0
 *
 * See session.h. Behind a pooler nothing may be set for the session: it would stick to a backend
 * that others use next. */
#include "store/session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define OID_TEXT 25u

/* Keepalives are asked of the server too: it would hold a vanished host's locks for hours. */
static const char question_sql[] =
    "select pg_backend_pid(),"
    " (select (extract(epoch from backend_start) * 1000000)::bigint from pg_stat_activity"
    " where pid = pg_backend_pid()),"
    " (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint,"
    " (extract(epoch from clock_timestamp()) * 1000000)::bigint,"
    " current_setting('transaction_isolation'), current_setting('synchronous_commit'),"
    " case when pg_is_in_recovery() then 'on' else current_setting('transaction_read_only') end,"
    " case when pg_backend_pid()::text = $1 then"
    " set_config('tcp_keepalives_idle', '30', false) || set_config('tcp_keepalives_interval', '10',"
    " false) || set_config('tcp_keepalives_count', '3', false) || set_config('tcp_user_timeout', "
    "$2,"
    " false) end";

static const uint32_t question_types[] = { OID_TEXT, OID_TEXT };

void session_ask(struct session_question *question, int pid_told, uint32_t timeout_ms)
{
    snprintf(question->pid, sizeof question->pid, "%d", pid_told);
    snprintf(question->timeout_ms, sizeof question->timeout_ms, "%u", timeout_ms);
    question->values[0] = question->pid;
    question->values[1] = question->timeout_ms;
    question->lengths[0] = (int)strlen(question->pid);
    question->lengths[1] = (int)strlen(question->timeout_ms);
    question->step = (struct parcel_step){ .sql = question_sql,
                                           .n_values = 2,
                                           .types = question_types,
                                           .values = question->values,
                                           .lengths = question->lengths };
}

static bool check_settings(const char *const columns[SESSION_COLUMNS], bool allow_async_commit,
                           struct status *status)
{
    if (strcmp(columns[SESSION_ISOLATION], "read committed") != 0)
        return status_fail(status, EXIT_CONFIG,
                           "transactions are \"%s\" there, and \"read committed\" is needed: ALTER "
                           "ROLE ... SET default_transaction_isolation = 'read committed'",
                           columns[SESSION_ISOLATION]);
    if (strcmp(columns[SESSION_SYNCHRONOUS_COMMIT], "off") == 0 && !allow_async_commit)
        return status_fail(
            status, EXIT_CONFIG,
            "synchronous_commit is off there, so that a commit that was answered can "
            "be lost: ALTER ROLE ... SET synchronous_commit = on");
    return true;
}

bool session_judge(const char *const columns[SESSION_COLUMNS], int pid_told, int server_version,
                   bool allow_async_commit, uint64_t now_us, struct session *out,
                   bool *is_deployment, struct status *status)
{
    *is_deployment = true;
    if (server_version < SESSION_OLDEST)
        return status_fail(status, EXIT_CONFIG,
                           "it is PostgreSQL %d, and 13 is the oldest that will do",
                           server_version / 10000);
    if (!check_settings(columns, allow_async_commit, status)) return false;
    *is_deployment = false;
    if (strcmp(columns[SESSION_READ_ONLY], "on") == 0)
        return status_fail(status, EXIT_UNREACHABLE,
                           "it is read-only: a standby, or default_transaction_read_only is on");
    *out = (struct session){ .pid = (int)strtol(columns[SESSION_PID], NULL, 10) };
    out->is_pooled = out->pid != pid_told;
    snprintf(out->began, sizeof out->began, "%s", columns[SESSION_BEGAN]);
    snprintf(out->server_began, sizeof out->server_began, "%s", columns[SESSION_SERVER_BEGAN]);
    out->clock_ahead_us = strtoll(columns[SESSION_CLOCK_US], NULL, 10) - (int64_t)now_us;
    return true;
}
