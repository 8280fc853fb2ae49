/* SPDX-License-Identifier: Apache-2.0
 *
 * What of a login event is counted, on which day, and which events are not. */
#include "support/trial.h"

TestSuite(login_stats, .init = trial_open, .fini = trial_close);

static void expect_row(const char *body, const char *expected)
{
    static const char *const columns[] = { "user_id", "day",        "logins",   "failures",
                                           "logouts", "session_ms", "last_seen" };
    trial_expect_row(body, columns, sizeof columns / sizeof *columns, expected);
}

Test(login_stats, counts_each_kind)
{
    expect_row(trial_login(LOGIN_ID, "42", "\"login_ok\"", LOGIN_AT, ""),
               "42 2026-01-02 1 0 0 0 2026-01-02 03:04:05+00");
    expect_row(trial_login(LOGIN_ID, "42", "\"login_failed\"", LOGIN_AT, ""),
               "42 2026-01-02 0 1 0 0 2026-01-02 03:04:05+00");
    expect_row(trial_login(LOGIN_ID, "42", "\"logout\"", LOGIN_AT, ",\"session_ms\":3354322"),
               "42 2026-01-02 0 0 1 3354322 2026-01-02 03:04:05+00");
}

Test(login_stats, has_days_of_utc)
{
    expect_row(
        trial_login(LOGIN_ID, "1", "\"login_ok\"", "\"2026-01-01T23:59:59.999999-00:01\"", ""),
        "1 2026-01-02 1 0 0 0 2026-01-02 00:00:59.999999+00");
    expect_row(trial_login(LOGIN_ID, "1", "\"login_ok\"", "\"1970-01-01T00:00:00Z\"", ""),
               "1 1970-01-01 1 0 0 0 1970-01-01 00:00:00+00");
    expect_row(trial_login(LOGIN_ID, "1", "\"login_ok\"", "\"1969-12-31T23:59:59.999999Z\"", ""),
               "1 1969-12-31 1 0 0 0 1969-12-31 23:59:59.999999+00");
    expect_row(trial_login(LOGIN_ID, "1", "\"login_ok\"", "\"1969-12-31T00:00:00Z\"", ""),
               "1 1969-12-31 1 0 0 0 1969-12-31 00:00:00+00");
}

Test(login_stats, takes_time_from_logouts_alone)
{
    expect_row(trial_login(LOGIN_ID, "1", "\"login_ok\"", LOGIN_AT, ",\"session_ms\":5"),
               "1 2026-01-02 1 0 0 0 2026-01-02 03:04:05+00");
    expect_row(trial_login(LOGIN_ID, "1", "\"logout\"", LOGIN_AT, ""),
               "1 2026-01-02 0 0 1 0 2026-01-02 03:04:05+00");
}

Test(login_stats, rejects_with_a_reason)
{
    trial_expect_reason("[]", "field \"kind\" is missing");
    trial_expect_reason(trial_login(LOGIN_ID, "1", "\"refresh\"", LOGIN_AT, ""),
                        "kind \"refresh\" is none of login_ok, login_failed, logout");
    trial_expect_reason(trial_login(LOGIN_ID, "1.5", "\"logout\"", LOGIN_AT, ""),
                        "field \"user_id\" is a fractional number, an integer was expected");
    trial_expect_reason(trial_login(LOGIN_ID, "1", "\"logout\"", "1767323045", ""),
                        "field \"at\" is an integer, text was expected");
    trial_expect_reason(trial_login(LOGIN_ID, "1", "\"logout\"", LOGIN_AT, ",\"session_ms\":-1"),
                        "field \"session_ms\" is -1, below 0");
    trial_expect_reason(trial_login(LOGIN_ID, "1", "\"logout\"", LOGIN_AT, ",\"session_ms\":\"1\""),
                        "field \"session_ms\" is text, an integer was expected");
}

Test(login_stats, needs_a_message_id)
{
    const char *const body = trial_login(LOGIN_ID, "1", "\"logout\"", LOGIN_AT, "");
    const struct wr_message message = { .body = { body, strlen(body) } };
    cr_expect_eq(wr_trial_handle(trial, message), WR_REJECT);
    cr_expect_str_eq(
        wr_trial_reason(trial).at,
        "wr_row: the sink for \"login_daily\" is `once`, which needs a message id, and the "
        "message has none");
}
