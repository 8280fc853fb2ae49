/* SPDX-License-Identifier: Apache-2.0
 *
 * What of a login event is counted, on which day, and which events are not. */
#include <stdio.h>

#include <criterion/criterion.h>

#include <warrener/testing.h>

static struct wr_trial *trial;

static void open_trial(void)
{
    trial = wr_trial_open(&warrener_handler, NULL, 0);
    cr_assert(trial, "%s", wr_trial_fault());
}

static void close_trial(void)
{
    wr_trial_close(trial);
}

TestSuite(login_stats, .init = open_trial, .fini = close_trial);

/* An event with some fields of the test's. */
static const char *event(const char *id, const char *user, const char *kind, const char *at,
                         const char *more)
{
    static char body[1024];
    snprintf(body, sizeof body, "{\"event_id\":%s,\"user_id\":%s,\"kind\":%s,\"at\":%s%s}", id,
             user, kind, at, more);
    return body;
}
#define ID "\"01976F00-0000-7000-8000-000000000001\""
#define AT "\"2026-01-02T03:04:05Z\""

static enum wr_verdict handle(const char *body)
{
    return wr_trial_handle(
        trial, (struct wr_message){ .body = { body, strlen(body) }, .id = WR_TEXT_OF("m-1") });
}

/* The one row there is, columns with spaces between. */
static void expect_row(const char *body, const char *expected)
{
    static const char *const columns[] = { "user_id", "day",        "logins",   "failures",
                                           "logouts", "session_ms", "last_seen" };
    char row[512];
    size_t n = 0;
    cr_expect_eq(handle(body), WR_DONE, "%s: %s", body, wr_trial_reason(trial).at);
    cr_assert_eq(wr_trial_rows(trial, 0), 1);
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++)
        n += (size_t)snprintf(row + n, sizeof row - n, "%s%s", i ? " " : "",
                              wr_trial_value(trial, 0, 0, columns[i]).at);
    cr_expect_str_eq(row, expected);
}

/* Rejected, for a reason that begins so. */
static void expect_reason(const char *body, const char *reason)
{
    cr_expect_eq(handle(body), WR_REJECT, "%s", body);
    cr_expect_eq(strncmp(wr_trial_reason(trial).at, reason, strlen(reason)), 0,
                 "\"%s\" does not begin: %s", wr_trial_reason(trial).at, reason);
}

Test(login_stats, counts_each_kind)
{
    expect_row(event(ID, "42", "\"login_ok\"", AT, ""),
               "42 2026-01-02 1 0 0 0 2026-01-02 03:04:05+00");
    expect_row(event(ID, "42", "\"login_failed\"", AT, ""),
               "42 2026-01-02 0 1 0 0 2026-01-02 03:04:05+00");
    expect_row(event(ID, "42", "\"logout\"", AT, ",\"session_ms\":3354322"),
               "42 2026-01-02 0 0 1 3354322 2026-01-02 03:04:05+00");
}

Test(login_stats, has_days_of_utc)
{
    expect_row(event(ID, "1", "\"login_ok\"", "\"2026-01-01T23:59:59.999999-00:01\"", ""),
               "1 2026-01-02 1 0 0 0 2026-01-02 00:00:59.999999+00");
    expect_row(event(ID, "1", "\"login_ok\"", "\"1970-01-01T00:00:00Z\"", ""),
               "1 1970-01-01 1 0 0 0 1970-01-01 00:00:00+00");
    expect_row(event(ID, "1", "\"login_ok\"", "\"1969-12-31T23:59:59.999999Z\"", ""),
               "1 1969-12-31 1 0 0 0 1969-12-31 23:59:59.999999+00");
    expect_row(event(ID, "1", "\"login_ok\"", "\"1969-12-31T00:00:00Z\"", ""),
               "1 1969-12-31 1 0 0 0 1969-12-31 00:00:00+00");
}

Test(login_stats, takes_time_from_logouts_alone)
{
    expect_row(event(ID, "1", "\"login_ok\"", AT, ",\"session_ms\":5"),
               "1 2026-01-02 1 0 0 0 2026-01-02 03:04:05+00");
    expect_row(event(ID, "1", "\"logout\"", AT, ""), "1 2026-01-02 0 0 1 0 2026-01-02 03:04:05+00");
}

Test(login_stats, rejects_with_a_reason)
{
    expect_reason("[]", "field \"kind\" is missing");
    expect_reason(event(ID, "1", "\"refresh\"", AT, ""),
                  "kind \"refresh\" is none of login_ok, login_failed, logout");
    expect_reason(event(ID, "1.5", "\"logout\"", AT, ""),
                  "field \"user_id\" is a fractional number, an integer was expected");
    expect_reason(event(ID, "1", "\"logout\"", "1767323045", ""),
                  "field \"at\" is an integer, text was expected");
    expect_reason(event(ID, "1", "\"logout\"", AT, ",\"session_ms\":-1"),
                  "field \"session_ms\" is -1, below 0");
    expect_reason(event(ID, "1", "\"logout\"", AT, ",\"session_ms\":\"1\""),
                  "field \"session_ms\" is text, an integer was expected");
}

Test(login_stats, needs_a_message_id)
{
    const char *const body = event(ID, "1", "\"logout\"", AT, "");
    const struct wr_message message = { .body = { body, strlen(body) } };
    cr_expect_eq(wr_trial_handle(trial, message), WR_REJECT);
    cr_expect_str_eq(wr_trial_reason(trial).at,
                     "wr_row: the sink for ${table} is `once`, which needs a message id, and the "
                     "message has none");
}
