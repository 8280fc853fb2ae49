/* SPDX-License-Identifier: Apache-2.0
 *
 * Analyses login events: for each user and day, how often they logged in, failed and logged out, how
 * long their sessions were, and when they were last seen. Sums cannot be written twice, so the sink is
 * `once`: a message counts once, however often and to whichever host it is delivered. */
#include <string.h>

#include <warrener/handler.h>

#define US_PER_DAY INT64_C(86400000000)

static const struct wr_option options[] = {
    { "table", "login_daily", "the table of users and days" },
    { 0 },
};

static const struct wr_column columns[] = {
    WR_COLUMN("user_id", WR_INT8),
    WR_COLUMN("day", WR_DATE),
    WR_COLUMN("logins", WR_INT8, .merge = WR_SUM),
    WR_COLUMN("failures", WR_INT8, .merge = WR_SUM),
    WR_COLUMN("logouts", WR_INT8, .merge = WR_SUM),
    WR_COLUMN("session_ms", WR_INT8, .merge = WR_SUM),
    WR_COLUMN("last_seen", WR_TIMESTAMPTZ, .merge = WR_MAX),
    { 0 },
};

enum { DAY };
static const struct wr_sink sinks[] = {
    [DAY] = { .table = "${table}",
              .columns = columns,
              .key = "user_id, day",
              .on_conflict = WR_MERGE,
              .once = true },
    { 0 },
};

/* Days begin at midnight UTC, also those before 1970. */
static int32_t day_of(int64_t at_us)
{
    return (int32_t)((at_us - (at_us < 0 ? US_PER_DAY - 1 : 0)) / US_PER_DAY);
}

static bool is(struct wr_text text, const char *name)
{
    return strlen(name) == text.len && memcmp(name, text.at, text.len) == 0;
}

/* What a logout says, where it says so. Less than nothing would take from other sessions. */
static int64_t session_ms(struct wr_job *job)
{
    if (!wr_json_has(job, "session_ms")) return 0;
    const int64_t ms = wr_json_int(job, "session_ms");
    if (ms < 0) wr_fail(job, "field \"session_ms\" is %lld, below 0", (long long)ms);
    return ms;
}

static enum wr_verdict analyse(void *self, struct wr_job *job, const struct wr_message *message)
{
    (void)self;
    (void)message;
    const struct wr_text kind = wr_json_text(job, "kind");
    const bool is_login = is(kind, "login_ok"), is_failure = is(kind, "login_failed"),
               is_logout = is(kind, "logout");
    if (!is_login && !is_failure && !is_logout) {
        wr_fail(job, "kind \"%.*s\" is none of login_ok, login_failed, logout", (int)kind.len,
                kind.at);
        return WR_REJECT;
    }
    const int64_t at_us = wr_json_time_us(job, "at");
    wr_row(job, DAY);
    wr_put_int(job, wr_json_int(job, "user_id"));
    wr_put_date(job, day_of(at_us));
    wr_put_int(job, is_login);
    wr_put_int(job, is_failure);
    wr_put_int(job, is_logout);
    wr_put_int(job, is_logout ? session_ms(job) : 0);
    wr_put_time_us(job, at_us);
    return WR_DONE;
}

WR_HANDLER(.name = "login_stats", .version = "1.0", .about = "counts logins by user and day",
           .sinks = sinks, .options = options, .handle = analyse);
