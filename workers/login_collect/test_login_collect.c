/* SPDX-License-Identifier: Apache-2.0
 *
 * Which row a login event becomes, and which events become none. */
#include "support/trial.h"

TestSuite(login_collect, .init = trial_open, .fini = trial_close);

static void expect_row(const char *body, const char *expected)
{
    static const char *const columns[] = { "event_id", "user_id",    "kind", "at",
                                           "ip",       "session_ms", "ua",   "details" };
    trial_expect_row(body, columns, sizeof columns / sizeof *columns, expected);
}

Test(login_collect, writes_a_row)
{
    expect_row(
        trial_login(LOGIN_ID, "42", "\"login_ok\"", "\"2026-01-02T03:04:05.678Z\"",
                    ",\"ip\":\"10.1.2.3\",\"ua\":\"Mozilla/5.0\""),
        "01976f00-0000-7000-8000-000000000001 42 login_ok 2026-01-02 03:04:05.678+00 10.1.2.3 "
        "NULL Mozilla/5.0 NULL");
}

Test(login_collect, takes_what_may_be_absent)
{
    expect_row(trial_login(LOGIN_ID, "-9223372036854775808", "\"logout\"",
                           "\"1969-12-31T23:59:59.999999+05:00\"",
                           ",\"ip\":null,\"session_ms\":null,\"ua\":null,\"details\":null"),
               "01976f00-0000-7000-8000-000000000001 -9223372036854775808 logout 1969-12-31 "
               "18:59:59.999999+00 NULL NULL NULL NULL");
    expect_row(
        trial_login(LOGIN_ID, "1", "\"login_ok\"", LOGIN_AT,
                    ",\"details\":[1, {\"a\":12.10}],\"unknown\":{}"),
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
    const char *body =
        trial_login(LOGIN_ID, "42", "\"login_ok\"", "\"2026-01-02T03:04:05.678Z\"", "");
    cr_expect_eq(trial_handle(body), WR_DONE);
    cr_expect_null(wr_trial_cached(trial, key));
    cr_expect_null(wr_trial_open(&warrener_handler, &wrong, 1));
    trial_open_with(&asked, 1);
    cr_expect_eq(trial_handle(body), WR_DONE);
    const struct wr_entry *entry = wr_trial_cached(trial, key);
    cr_assert(entry && !entry->is_drop);
    cr_expect_eq(entry->version, 1767323045678000);
    cr_expect_eq(entry->ttl_s, 60);
    cr_expect_str_eq(entry->value.at, "{\"kind\":\"login_ok\",\"at_us\":1767323045678000}");
}

Test(login_collect, rejects_with_a_reason)
{
    trial_expect_reason("not JSON", "the body is not JSON: at byte 0: a value was expected");
    trial_expect_reason("{}", "field \"event_id\" is missing");
    trial_expect_reason(trial_login("\"42\"", "1", "\"logout\"", LOGIN_AT, ""),
                        "wr_put_uuid: the value for \"event_id\"");
    trial_expect_reason(trial_login(LOGIN_ID, "\"42\"", "\"logout\"", LOGIN_AT, ""),
                        "field \"user_id\" is text, an integer was expected");
    trial_expect_reason(trial_login(LOGIN_ID, "9223372036854775808", "\"logout\"", LOGIN_AT, ""),
                        "field \"user_id\" is too large for 64 bits");
    trial_expect_reason(trial_login(LOGIN_ID, "1", "null", LOGIN_AT, ""),
                        "field \"kind\" is null, text was expected");
    trial_expect_reason(trial_login(LOGIN_ID, "1", "\"logout\"", "\"yesterday\"", ""),
                        "field \"at\" is no RFC 3339 time");
    trial_expect_reason(
        trial_login(LOGIN_ID, "1", "\"logout\"", LOGIN_AT, ",\"ip\":\"10.1.2.300\""),
        "wr_put_text: the value for \"ip\"");
    trial_expect_reason(
        trial_login(LOGIN_ID, "1", "\"logout\"", LOGIN_AT, ",\"session_ms\":2147483648"),
        "wr_put_int: the value for \"session_ms\"");
    trial_expect_reason(trial_login(LOGIN_ID, "1", "\"logout\"", LOGIN_AT, ",\"ua\":\"a\\u0000b\""),
                        "wr_put_text: the value for \"ua\"");
    trial_expect_reason(trial_login(LOGIN_ID, "1", "\"logout\"", LOGIN_AT, ",\"ua\":\"\xE9\""),
                        "the body is not JSON");
}
