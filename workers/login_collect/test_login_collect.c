/* SPDX-License-Identifier: Apache-2.0
 *
 * Which row a login event becomes, and which events become none. */
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

TestSuite(login_collect, .init = open_trial, .fini = close_trial);

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
    return wr_trial_handle(trial, (struct wr_message){ .body = { body, strlen(body) } });
}

/* The one row there is, columns with spaces between. */
static void expect_row(const char *body, const char *expected)
{
    static const char *const columns[] = { "event_id", "user_id",    "kind", "at",
                                           "ip",       "session_ms", "ua",   "details" };
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

Test(login_collect, writes_a_row)
{
    expect_row(
        event(ID, "42", "\"login_ok\"", "\"2026-01-02T03:04:05.678Z\"",
              ",\"ip\":\"10.1.2.3\",\"ua\":\"Mozilla/5.0\""),
        "01976f00-0000-7000-8000-000000000001 42 login_ok 2026-01-02 03:04:05.678+00 10.1.2.3 "
        "NULL Mozilla/5.0 NULL");
}

Test(login_collect, takes_what_may_be_absent)
{
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

Test(login_collect, keeps_the_latest_event_where_it_is_asked_to)
{
    static const struct wr_pair asked = { .name = WR_TEXT_OF("last_ttl"),
                                          .text = WR_TEXT_OF("60") };
    static const struct wr_pair wrong = { .name = WR_TEXT_OF("last_ttl"),
                                          .text = WR_TEXT_OF("1h") };
    const struct wr_text key = WR_TEXT_OF("login:last:42");
    const char *body = event(ID, "42", "\"login_ok\"", "\"2026-01-02T03:04:05.678Z\"", "");
    cr_expect_eq(handle(body), WR_DONE);
    cr_expect_null(wr_trial_cached(trial, key));
    wr_trial_close(trial);
    cr_expect_null(wr_trial_open(&warrener_handler, &wrong, 1));
    trial = wr_trial_open(&warrener_handler, &asked, 1);
    cr_assert(trial, "%s", wr_trial_fault());
    cr_expect_eq(handle(body), WR_DONE);
    const struct wr_entry *entry = wr_trial_cached(trial, key);
    cr_assert(entry && !entry->is_drop);
    cr_expect_eq(entry->version, 1767323045678000);
    cr_expect_eq(entry->ttl_s, 60);
    cr_expect_str_eq(entry->value.at, "{\"kind\":\"login_ok\",\"at_us\":1767323045678000}");
}

Test(login_collect, rejects_with_a_reason)
{
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
