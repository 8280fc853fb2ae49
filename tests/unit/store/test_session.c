/* SPDX-License-Identifier: Apache-2.0
 *
 * Which servers will do. */
#include <criterion/criterion.h>
#include <string.h>

#include "store/session.h"

static const char *const good[SESSION_COLUMNS] = {
    [SESSION_PID] = "42",
    [SESSION_BEGAN] = "1700000000000001",
    [SESSION_SERVER_BEGAN] = "1600000000000001",
    [SESSION_CLOCK_US] = "1700000000500000",
    [SESSION_ISOLATION] = "read committed",
    [SESSION_SYNCHRONOUS_COMMIT] = "on",
    [SESSION_READ_ONLY] = "off",
};

static void expect(unsigned column, const char *value, int version, bool allow_async,
                   const char *words, bool is_deployment)
{
    const char *columns[SESSION_COLUMNS];
    struct session session;
    struct status status = { 0 };
    bool is_blamed = false;
    memcpy(columns, good, sizeof columns);
    if (value) columns[column] = value;
    const bool is_well =
        session_judge(columns, 42, version, allow_async, 5, &session, &is_blamed, &status);
    cr_expect_eq(is_well, *words == '\0', "%s", status.text);
    cr_expect_not_null(strstr(status.text, words), "%s", status.text);
    if (!is_well) cr_expect_eq(is_blamed, is_deployment, "%s", status.text);
}

Test(session, which_servers_will_do)
{
    expect(0, NULL, 130000, false, "", false);
    expect(0, NULL, 129999, false, "13 is the oldest", true);
    expect(SESSION_ISOLATION, "repeatable read", 150000, false, "\"repeatable read\"", true);
    expect(SESSION_SYNCHRONOUS_COMMIT, "off", 150000, false, "synchronous_commit is off", true);
    expect(SESSION_SYNCHRONOUS_COMMIT, "off", 150000, true, "", false);
    expect(SESSION_SYNCHRONOUS_COMMIT, "local", 150000, false, "", false);
    expect(SESSION_READ_ONLY, "on", 150000, false, "read-only", false);
}

Test(session, whom_it_is)
{
    struct session session;
    struct status status = { 0 };
    bool ignored;
    cr_assert(session_judge(good, 42, 150000, false, 400000, &session, &ignored, &status));
    cr_expect(session.pid == 42 && !session.is_pooled);
    cr_expect_str_eq(session.began, "1700000000000001");
    cr_expect_str_eq(session.server_began, "1600000000000001");
    cr_expect_eq(session.clock_ahead_us, 1700000000100000);
    cr_assert(session_judge(good, 43, 150000, false, 0, &session, &ignored, &status));
    cr_expect(session.is_pooled, "another pid than libpq was told");
}
