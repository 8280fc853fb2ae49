/* SPDX-License-Identifier: Apache-2.0
 *
 * From templates to where PostgreSQL is: filled in anew each time, several hosts let through, and no
 * secret in what is said of a bad one. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "unit/config/config_test.h"

#define GOOD "consumers: [{queue: q, handler: h}]\n"

/* What a good configuration resolves to, or "! " and the words. */
static void expect_resolved(const struct config *config, bool migrate, const char *expected)
{
    char out[200] = "?";
    struct status status = { 0 };
    if (config_resolve_postgres(config, migrate, out, sizeof out, &status)) {
        cr_expect_str_eq(out, expected);
        return;
    }
    cr_expect_str_eq(status.text, expected);
    cr_expect_str_eq(out, "?", "a secret may be left behind");
    cr_expect_eq(status.exit, EXIT_CONFIG);
}

Test(servers, postgres_is_filled_in_at_each_connect)
{
    setenv("WARRENER_TEST", "one", 1);
    struct config *config =
        config_of(GOOD "postgres: {url: 'postgresql://me:${WARRENER_TEST}@h/d', migrate_url: "
                       "'postgres://m@h/d'}\n",
                  NULL);
    expect_resolved(config, false, "postgresql://me:one@h/d");
    expect_resolved(config, true, "postgres://m@h/d");
    setenv("WARRENER_TEST", "two", 1);
    expect_resolved(config, false, "postgresql://me:two@h/d");
    setenv("WARRENER_TEST", "se/cret", 1);
    expect_resolved(config, false,
                    "w.yaml:2:17: postgres.url: its port is not a number; in a user or password "
                    "write % as %25, / as %2F, : as %3A, @ as %40, ? as %3F, # as %23");
    unsetenv("WARRENER_TEST");
    expect_resolved(config, false,
                    "w.yaml:2:17: postgres.url: the variable WARRENER_TEST is not set; set it, or "
                    "give a default: ${WARRENER_TEST:-VALUE}");
    config_free(config);
}

Test(servers, without_a_migrate_url_it_is_the_url)
{
    struct config *config = config_of(GOOD "postgres: {url: 'postgresql://h/d'}\n", NULL);
    expect_resolved(config, true, "postgresql://h/d");
    config_free(config);
}

Test(servers, one_too_long_for_its_room)
{
    struct config *config = config_of(
        GOOD
        "postgres: {url: 'postgresql://${WARRENER_TEST:-h}/"
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
        "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567"
        "0123456789012345678901234567890123456789'}\n",
        NULL);
    expect_resolved(config, false,
                    "w.yaml:2:17: postgres.url: its text is too long: at most 199 bytes");
    config_free(config);
}

static void expect_told(const char *url, const char *expected)
{
    char *yaml = NULL;
    cr_assert(asprintf(&yaml, GOOD "postgres: {url: '%s'}\n", url) > 0);
    char *told = faults_of(yaml, NULL);
    cr_expect_str_eq(told, expected, "%s: %s", url, told);
    free(told);
    free(yaml);
}

Test(servers, postgres_may_have_several_hosts)
{
    expect_told("postgresql://u:p@a,b:5433,[::1]:5434/d?sslmode=verify-full", "");
    expect_told("postgresql:///d?host=/run/postgresql,b", "");
    expect_told("postgresql://u:hunter2@a:x/d",
                "w.yaml:2:17: postgres.url: its port is not a number; in a user or password write "
                "% as %25, / as %2F, : as %3A, @ as %40, ? as %3F, # as %23\n");
    expect_told("postgresql:///d", "w.yaml:2:17: postgres.url: it names no host\n");
    expect_told("mysql://a,b/d",
                "w.yaml:2:17: postgres.url: it does not begin with postgresql:// or "
                "postgres://\n");
}

/* "host port [user] [password] database tls", or the words. */
static void expect_redis(const char *url, const char *expected)
{
    char yaml[400], shown[1200];
    struct config_redis out;
    struct status status = { 0 };
    snprintf(yaml, sizeof yaml, GOOD "redis: {url: '%s'}\n", "${WARRENER_TEST}");
    setenv("WARRENER_TEST", "redis://h", 1); /* good while it is loaded */
    struct config *config = config_of(yaml, NULL);
    setenv("WARRENER_TEST", url, 1);
    if (config_resolve_redis(config, &out, &status))
        snprintf(shown, sizeof shown, "%.100s %u [%.100s] [%.100s] %u %s", out.host, out.port,
                 out.user, out.password, out.database, out.is_tls ? "tls" : "plain");
    else
        snprintf(shown, sizeof shown, "%.500s", status.text);
    cr_expect_str_eq(shown, expected);
    unsetenv("WARRENER_TEST");
    config_free(config);
}

Test(servers, redis_is_filled_in_at_each_connect)
{
    expect_redis("redis://h", "h 6379 [] [] 0 plain");
    expect_redis("redis://h:7000/", "h 7000 [] [] 0 plain");
    expect_redis("rediss://:p%40ss@cache.example:6380/2", "cache.example 6380 [] [p@ss] 2 tls");
    expect_redis("redis://me:word@[::1]/15", "::1 6379 [me] [word] 15 plain");
    expect_redis("redis://me@h",
                 "w.yaml:2:14: redis.url: it has a user and no password; a password "
                 "alone is written :PASSWORD@");
    expect_redis("redis://h/-1",
                 "w.yaml:2:14: redis.url: what follows the host is not a database's "
                 "number, as in /0");
    expect_redis("redis://:secret@h/x", "w.yaml:2:14: redis.url: what follows the host is not a "
                                        "database's number, as in /0");
    expect_redis("http://h",
                 "w.yaml:2:14: redis.url: it does not begin with redis:// or rediss://");
    expect_redis("redis:///0", "w.yaml:2:14: redis.url: it names no host");
}
