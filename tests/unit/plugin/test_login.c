/* SPDX-License-Identifier: Apache-2.0
 *
 * The login log's workers: which rows each message becomes, and which messages become none. */
#include <stdio.h>
#include <string.h>

#include <criterion/criterion.h>

#include "unit/plugin/desk.h"
#include "unit/plugin/hired.h"

TestSuite(login, .fini = hired_dismiss);

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

static void expect_row(const char *body, const char *row)
{
    cr_expect_eq(desk_run_body(NULL, body), WR_DONE, "%s: %.*s", body,
                 TEXT_ARGS(desk.outcome.reason));
    cr_expect_str_eq(hired_rows(), row);
}

/* Rejected, for a reason that begins so. */
static void expect_reason(const char *body, const char *reason)
{
    cr_expect_eq(desk_run_body(NULL, body), WR_REJECT, "%s", body);
    cr_expect(text_starts(desk.outcome.reason, reason), "\"%.*s\" does not begin: %s",
              TEXT_ARGS(desk.outcome.reason), reason);
}

static void expect_sample(unsigned line)
{
    static const char *const rows[] = {
        "01976f00-0000-7000-8000-000000000001 42 login_ok 2026-01-02 03:04:05.678+00 10.1.2.3 NULL "
        "Mozilla/5.0 NULL",
        "01976f00-0000-7000-8000-000000000002 42 login_failed 2026-01-02 03:05:00+00 2001:db8::1 "
        "NULL "
        "NULL {\"why\":\"password\"}",
        "01976f00-0000-7000-8000-000000000003 42 logout 2026-01-02 04:00:00+00 NULL 3354322 NULL "
        "NULL",
    };
    cr_assert_lt(line, 3);
    cr_expect_eq(desk.outcome.verdict, WR_DONE);
    cr_expect_str_eq(hired_rows(), rows[line]);
}

Test(login, collect_writes_its_samples)
{
    hire(TEST_WORKERS, "login_collect", NULL, 0);
    hired_run_samples("login_collect", expect_sample);
}

Test(login, collect_takes_what_may_be_absent)
{
    hire(TEST_WORKERS, "login_collect", NULL, 0);
    expect_row(event(ID, "-9223372036854775808", "\"logout\"",
                     "\"1969-12-31T23:59:59.999999+05:00\"",
                     ",\"ip\":null,\"session_ms\":null,\"ua\":null,\"details\":null"),
               "01976f00-0000-7000-8000-000000000001 -9223372036854775808 logout 1969-12-31 "
               "18:59:59.999999+00 NULL NULL NULL NULL");
    expect_row(
        event(ID, "1", "\"login_ok\"", AT, ",\"details\":[1, {\"a\":12.10}],\"unknown\":{}"),
        "01976f00-0000-7000-8000-000000000001 1 login_ok 2026-01-02 03:04:05+00 NULL NULL NULL "
        "[1, {\"a\":12.10}]");
}

Test(login, collect_rejects_with_a_reason)
{
    hire(TEST_WORKERS, "login_collect", NULL, 0);
    expect_reason("not JSON", "the body is not JSON: at byte 0: a value was expected");
    expect_reason("{}", "field \"event_id\" is missing");
    expect_reason(event("\"42\"", "1", "\"logout\"", AT, ""),
                  "wr_put_uuid: the value for \"event_id\"");
    expect_reason(event(ID, "\"42\"", "\"logout\"", AT, ""),
                  "field \"user_id\" is text, an integer was expected");
    expect_reason(event(ID, "9223372036854775808", "\"logout\"", AT, ""),
                  "field \"user_id\" is too large for 64 bits");
    expect_reason(event(ID, "1", "null", AT, ""), "field \"kind\" is null, text was expected");
    expect_reason(event(ID, "1", "\"logout\"", "\"yesterday\"", ""),
                  "field \"at\" is no RFC 3339 time");
    expect_reason(event(ID, "1", "\"logout\"", AT, ",\"ip\":\"10.1.2.300\""),
                  "wr_put_text: the value for \"ip\"");
    expect_reason(event(ID, "1", "\"logout\"", AT, ",\"session_ms\":2147483648"),
                  "wr_put_int: the value for \"session_ms\"");
    expect_reason(event(ID, "1", "\"logout\"", AT, ",\"ua\":\"a\\u0000b\""),
                  "wr_put_text: the value for \"ua\"");
    expect_reason(event(ID, "1", "\"logout\"", AT, ",\"ua\":\"\xE9\""), "the body is not JSON");
}

static void expect_count(unsigned line)
{
    static const char *const rows[] = {
        "42 2026-01-02 1 0 0 0 2026-01-02 03:04:05.678+00",
        "42 2026-01-02 0 1 0 0 2026-01-02 03:05:00+00",
        "42 2026-01-02 0 0 1 3354322 2026-01-02 04:00:00+00",
    };
    cr_assert_lt(line, 3);
    cr_expect_eq(desk.outcome.verdict, WR_DONE);
    cr_expect_str_eq(hired_rows(), rows[line]);
}

Test(login, stats_counts_its_samples)
{
    hire(TEST_WORKERS, "login_stats", NULL, 0);
    desk.message.message.id = text_of("m-1");
    hired_run_samples("login_stats", expect_count);
}

Test(login, stats_has_days_of_utc)
{
    hire(TEST_WORKERS, "login_stats", NULL, 0);
    desk.message.message.id = text_of("m-1");
    expect_row(event(ID, "1", "\"login_ok\"", "\"2026-01-01T23:59:59.999999-00:01\"", ""),
               "1 2026-01-02 1 0 0 0 2026-01-02 00:00:59.999999+00");
    expect_row(event(ID, "1", "\"login_ok\"", "\"1970-01-01T00:00:00Z\"", ""),
               "1 1970-01-01 1 0 0 0 1970-01-01 00:00:00+00");
    expect_row(event(ID, "1", "\"login_ok\"", "\"1969-12-31T23:59:59.999999Z\"", ""),
               "1 1969-12-31 1 0 0 0 1969-12-31 23:59:59.999999+00");
    expect_row(event(ID, "1", "\"login_ok\"", "\"1969-12-31T00:00:00Z\"", ""),
               "1 1969-12-31 1 0 0 0 1969-12-31 00:00:00+00");
}

Test(login, stats_takes_time_from_logouts_alone)
{
    hire(TEST_WORKERS, "login_stats", NULL, 0);
    desk.message.message.id = text_of("m-1");
    expect_row(event(ID, "1", "\"login_ok\"", AT, ",\"session_ms\":5"),
               "1 2026-01-02 1 0 0 0 2026-01-02 03:04:05+00");
    expect_row(event(ID, "1", "\"logout\"", AT, ""), "1 2026-01-02 0 0 1 0 2026-01-02 03:04:05+00");
}

Test(login, stats_rejects_with_a_reason)
{
    hire(TEST_WORKERS, "login_stats", NULL, 0);
    expect_reason(event(ID, "1", "\"logout\"", AT, ""), "wr_row: the sink for ");
    desk.message.message.id = text_of("m-1");
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
