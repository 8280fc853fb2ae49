/* SPDX-License-Identifier: Apache-2.0
 *
 * Where to connect, taken apart: hosts and ports of every form, what is asked for ourselves, and no secret
 * in any words. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store/conninfo.h"
#include "store/handshake.h"

static void forget_environment(void)
{
    static const char *const names[] = { "PGHOST", "PGHOSTADDR", "PGPORT", "PGSERVICE", NULL };
    for (size_t i = 0; names[i]; i++) unsetenv(names[i]);
}

static struct conninfo *parse(const char *text)
{
    struct conninfo *info = NULL;
    struct status status = { 0 };
    cr_assert(conninfo_parse(text, &info, &status), "%s: %s", text, status.text);
    return info;
}

/* "name|address|port name|address|port" */
static void expect_hosts(const char *text, const char *expected)
{
    char told[500] = "";
    struct conninfo *info = parse(text);
    const struct conninfo_host *hosts;
    const size_t n = conninfo_hosts(info, &hosts);
    for (size_t i = 0; i < n; i++) {
        const size_t used = strlen(told);
        snprintf(told + used, sizeof told - used, "%s%s|%s|%s", i ? " " : "", hosts[i].name,
                 hosts[i].address, hosts[i].port);
    }
    cr_expect_str_eq(told, expected, "%s: %s", text, told);
    conninfo_free(info);
}

Test(conninfo, hosts, .init = forget_environment)
{
    expect_hosts("postgresql://h/d", "h||");
    expect_hosts("postgresql://u:p@a,b:2,[::1]:3/d", "a|| b||2 ::1||3");
    expect_hosts("host=a,b port=1,2", "a||1 b||2");
    expect_hosts("host=a,b port=7", "a||7 b||7");
    expect_hosts("hostaddr=10.0.0.1,10.0.0.2", "|10.0.0.1| |10.0.0.2|");
    expect_hosts("host=a,b hostaddr=10.0.0.1,", "a|10.0.0.1| b||");
    expect_hosts("host=/run/postgresql,b", "/run/postgresql|| b||");
    expect_hosts("dbname=d", "||");
    setenv("PGHOST", "from,env", 1);
    setenv("PGPORT", "5", 1);
    expect_hosts("dbname=d", "from||5 env||5");
    expect_hosts("host=h port=6", "h||6");
}

Test(conninfo, local_ones_need_no_resolver, .init = forget_environment)
{
    const struct conninfo_host hosts[] = { { "/run/x", "", "" }, { "@x", "", "" }, { "", "", "" } };
    for (size_t i = 0; i < 3; i++) cr_expect(conninfo_is_local(&hosts[i]));
    const struct conninfo_host name = { "x", "", "" }, address = { "", "10.0.0.1", "" };
    cr_expect(!conninfo_is_local(&name) && !conninfo_is_local(&address));
}

static void expect_unread(const char *text, const char *part)
{
    struct conninfo *info = NULL;
    struct status status = { 0 };
    cr_expect_not(conninfo_parse(text, &info, &status), "%s", text);
    cr_expect_null(info);
    cr_expect_eq(status.exit, EXIT_CONFIG);
    cr_expect_not_null(strstr(status.text, part), "%s: %s", text, status.text);
    cr_expect_null(strstr(status.text, "hunter2"), "%s", status.text);
}

Test(conninfo, what_cannot_be_read_is_not_quoted, .init = forget_environment)
{
    expect_unread("postgresql://u:hunter2%zz@h/d", "invalid percent-encoded token");
    expect_unread("postgresql://u:x@h/d?hunter2", "cannot read where to connect");
    expect_unread("hunter2", "cannot read where to connect");
    expect_unread("host='hunter2", "unterminated quoted string");
    expect_unread("postgresql://u:hun/hunter2@h/d", "port is not 1 to 65535");
    expect_unread("host=a,b port=1,2,3", "2 hosts and 3 ports");
    expect_unread("host=a,b hostaddr=10.0.0.1", "2 hosts and 1 in hostaddr");
    expect_unread("host=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", "more than 16 hosts");
    expect_unread("service=x", "name host and port beside the service");
}

Test(conninfo, shown_without_secrets, .init = forget_environment)
{
    char out[200];
    struct conninfo *info = parse("postgresql://ann:hunter2@a:1,[::1]:2/d?sslpassword=hunter2");
    const struct conninfo_host *hosts;
    conninfo_hosts(info, &hosts);
    cr_expect_str_eq(conninfo_show(info, NULL, out, sizeof out), "postgresql://ann@a:1,[::1]:2/d");
    cr_expect_str_eq(conninfo_show(info, &hosts[1], out, sizeof out), "postgresql://ann@[::1]:2/d");
    cr_expect_str_eq(conninfo_show(info, NULL, out, 14), "postgresql://");
    conninfo_free(info);
}

static void expect_redacted(const char *conninfo, const char *words, const char *expected)
{
    char out[60];
    struct conninfo *info = parse(conninfo);
    cr_expect_str_eq(conninfo_redact(info, words, out, sizeof out), expected);
    conninfo_free(info);
}

Test(conninfo, secrets_are_hidden_in_words, .init = forget_environment)
{
    expect_redacted("password=hunter2", "it was hunter2, \nhunter2", "it was ***,  ***");
    expect_redacted("password=pw sslpassword=cert", "pw cert", "*** ***");
    expect_redacted("user=ann password=ann", "no user ann\n", "no user ann");
    expect_redacted("password=x", "0123456789012345678901234567890123456789012345678901234567890",
                    "01234567890123456789012345678901234567890123456789012345");
}

static const char *param(const struct conninfo_params *params, const char *keyword)
{
    const char *value = NULL;
    for (size_t i = 0; i < params->n; i++)
        if (strcmp(params->keywords[i], keyword) == 0) {
            cr_expect_null(value, "%s is there twice", keyword);
            value = params->values[i];
        }
    return value ? value : "-";
}

Test(conninfo, what_is_asked_for, .init = forget_environment)
{
    struct conninfo_params params;
    struct conninfo *info = parse("postgresql://u:p@a,b/d?sslmode=verify-full&gssencmode=prefer"
                                  "&target_session_attrs=any&keepalives_idle=77&connect_timeout=3");
    const struct conninfo_host host = { "b", "10.0.0.2", "5433" };
    conninfo_params(info, &host, "warrener", 30000, &params);
    static const char *const expected[][2] = {
        { "host", "b" },
        { "hostaddr", "10.0.0.2" },
        { "port", "5433" },
        { "user", "u" },
        { "password", "p" },
        { "dbname", "d" },
        { "sslmode", "verify-full" },
        { "gssencmode", "disable" },
        { "target_session_attrs", "read-write" },
        { "client_encoding", "UTF8" },
        { "application_name", "warrener" },
        { "keepalives_idle", "77" },
        { "keepalives_count", "3" },
        { "tcp_user_timeout", "30000" },
        { "connect_timeout", "-" },
    };
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        cr_expect_str_eq(param(&params, expected[i][0]), expected[i][1], "%s", expected[i][0]);
    cr_expect_null(params.keywords[params.n]);
    conninfo_free(info);
}

static void expect_fault(const char *words, const char *sqlstate, const char *text)
{
    struct handshake_fault fault;
    struct conninfo *info = parse("user=ann password=hunter2");
    handshake_read_fault(info, words, &fault);
    cr_expect_str_eq(fault.sqlstate, sqlstate, "%s", words);
    cr_expect_str_eq(fault.text, text, "%s", fault.text);
    conninfo_free(info);
}

Test(handshake, words_of_a_failed_try, .init = forget_environment)
{
    expect_fault(
        "connection to server at \"h\", port 1 failed: FATAL:  28P01: password authentication"
        " failed for user \"ann\"\nLOCATION:  auth_failed, auth.c:331\n",
        "28P01",
        "connection to server at \"h\", port 1 failed: FATAL: password authentication"
        " failed for user \"ann\"; check user and password in the URL");
    expect_fault(
        "a failed: FATAL:  28000: no entry\nLOCATION:  x, y.c:1\n"
        "b failed: FATAL:  28000: none hunter2\nLOCATION:  x, y.c:1\n",
        "28000",
        "a failed: FATAL: no entry b failed: FATAL: none ***; the server's pg_hba.conf does "
        "not let this user in from here");
    expect_fault("h failed: FATAL:  53300: sorry, too many clients already\n", "53300",
                 "h failed: FATAL: sorry, too many clients already; the server has no connection "
                 "left: raise its max_connections, lower postgres.connections or the number of "
                 "hosts, or put a pooler between");
    expect_fault("h failed: Connection refused\n\tIs the server running?\n", "",
                 "h failed: Connection refused  Is the server running?");
    expect_fault("", "", "");
}
