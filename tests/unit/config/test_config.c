/* SPDX-License-Identifier: Apache-2.0
 *
 * Good configurations: every key, none, and what follows from them: servers, prefetch, places. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <unistd.h>

#include "unit/config/config_test.h"

#define GOOD "consumers: [{queue: q, handler: h}]\n"

static struct config *full(char **directory)
{
    *directory = make_directory();
    write_file(*directory, "ca.pem", "");
    write_file(*directory, "cert.pem", "");
    write_file(*directory, "key.pem", "");
    char *yaml = read_sample("full.yaml");
    struct config *config = config_of(yaml, *directory);
    free(yaml);
    return config;
}

static bool ends_with(const char *text, const char *end)
{
    size_t len = strlen(text), end_len = strlen(end);
    return len >= end_len && strcmp(text + len - end_len, end) == 0;
}

Test(config, every_key_of_the_host)
{
    char *directory;
    struct config *config = full(&directory);
    cr_expect_str_eq(config->name, "login-workers");
    cr_expect(ends_with(config->state, "/state") && *config->state == '/');
    cr_expect_eq(config->drain_ms, 60000);
    cr_expect_eq(config->memory_bytes, 1024LL * 1024 * 1024);
    cr_expect_null(config->amqp.url);
    cr_expect_eq(config->amqp.urls.n, 2);
    cr_expect_eq(config->amqp.auth, CONFIG_AUTH_EXTERNAL);
    cr_expect_eq(config->amqp.heartbeat_ms, 10000);
    cr_expect(config->amqp.tls.is_given && !config->amqp.tls.verify);
    cr_expect(ends_with(config->amqp.tls.key, "/key.pem"));
    cr_expect(config->postgres.is_given && config->postgres.connections == 3);
    cr_expect_str_eq(config->postgres.migrate_url, "postgresql://root@db.example/shop");
    cr_expect_eq(config->postgres.timeout_ms, 10000);
    cr_expect(config->redis.is_given && config->redis.timeout_ms == 500);
    cr_expect_eq(config->redis.on_failure, CONFIG_HOLD);
    cr_expect(!config->redis.tls.verify && ends_with(config->redis.tls.ca, "/ca.pem"));
    cr_expect(strcmp(config->http.listen.host, "::") == 0 && config->http.listen.port == 9200);
    cr_expect(config->log.level == WR_DEBUG && config->log.format == LOG_FORMAT_JSON);
    cr_expect_eq(config->inbox.keep_ms, 30LL * 24 * 3600 * 1000);
    cr_expect_str_eq(config->plugins, "/usr/lib/warrener");
    cr_expect_eq(config->consumers.n, 2);
    config_free(config);
    remove_directory(directory);
}

Test(config, every_key_of_a_consumer)
{
    char *directory;
    struct config *config = full(&directory);
    const struct config_consumer *one = &config->consumers.at[0], *two = &config->consumers.at[1];
    cr_expect(strcmp(one->queue, "login.events") == 0 && strcmp(one->name, "logins") == 0);
    cr_expect(one->enabled && strcmp(one->handler, "login_collect") == 0);
    cr_expect_eq(one->declare, CONFIG_DECLARE_CLASSIC);
    cr_assert_eq(one->bind.n, 2);
    cr_expect_str_eq(one->bind.at[0].type, "topic");
    cr_expect_str_eq(one->bind.at[0].key, "user.login.*");
    cr_expect(one->bind.at[1].type == NULL && *one->bind.at[1].key == '\0');
    cr_expect(one->lanes == 4 && one->max_message_bytes == 65536 && one->prefetch == 2000);
    cr_expect(one->batch.rows == 250 && one->batch.wait_ms == 0);
    cr_expect_eq(one->order_by.kind, CONFIG_ORDER_HEADER);
    cr_expect_str_eq(one->order_by.field, "user");
    cr_expect_eq(one->timeout_ms, 5000);
    cr_assert_eq(one->retry.delays.n, 2);
    cr_expect(one->retry.delays.at_ms[1] == 20000 && one->retry.attempts == 3);
    cr_expect_eq(one->delivery_limit, 50);
    cr_expect(one->breaker.is_on && one->breaker.share_percent == 50 && one->breaker.of == 100);
    cr_expect_eq(one->breaker.rest_ms, 60000);
    cr_assert_eq(one->options.n, 2);
    cr_expect_str_eq(one->options.at[1].name, "name");
    cr_expect_str_eq(one->options.at[1].value, "a b");
    cr_expect(one->options.at[1].line == 44 && one->options.at[1].column == 32);
    cr_expect(one->options.at[1].name_column == 26);
    cr_expect(!two->enabled && !two->breaker.is_on && two->declare == CONFIG_DECLARE_NONE);
    cr_expect_eq(two->order_by.kind, CONFIG_ORDER_JSON);
    cr_expect_str_eq(two->order_by.field, "cart.id");
    config_free(config);
    remove_directory(directory);
}

Test(config, the_least_that_works_has_the_documented_defaults)
{
    unsetenv("AMQP_URL");
    struct config *config = config_of(GOOD, NULL);
    const struct config_consumer *consumer = &config->consumers.at[0];
    char host[256];
    gethostname(host, sizeof host);
    cr_expect_str_eq(config->name, host);
    cr_expect_null(config->state);
    cr_expect(config->drain_ms == 25000 && config->memory_bytes == 256 << 20);
    cr_expect_eq(config->amqp.heartbeat_ms, 20000);
    cr_expect(!config->postgres.is_given && !config->redis.is_given && !config->amqp.tls.is_given);
    cr_expect(config->postgres.connections == 1 && config->amqp.tls.verify);
    cr_expect(strcmp(config->http.listen.host, "127.0.0.1") == 0);
    cr_expect_eq(config->http.listen.port, 9187);
    cr_expect(config->log.level == WR_INFO && config->log.format == LOG_FORMAT_TEXT);
    cr_expect_eq(config->inbox.keep_ms, 7LL * 24 * 3600 * 1000);
    cr_expect_str_eq(config->plugins, "./build/workers");
    cr_expect_str_eq(consumer->name, "q");
    cr_expect(consumer->enabled && consumer->declare == CONFIG_DECLARE_QUORUM);
    cr_expect(consumer->lanes == 1 && consumer->max_message_bytes == 131072);
    cr_expect(consumer->prefetch == 0 && consumer->batch.rows == 500);
    cr_expect(consumer->batch.wait_ms == 20 && consumer->timeout_ms == 30000);
    cr_expect_eq(consumer->order_by.kind, CONFIG_ORDER_NONE);
    cr_assert_eq(consumer->retry.delays.n, 4);
    cr_expect(consumer->retry.delays.at_ms[0] == 1000 && consumer->retry.delays.at_ms[3] == 600000);
    cr_expect(consumer->retry.attempts == 5 && consumer->delivery_limit == 100);
    cr_expect(consumer->breaker.is_on && consumer->breaker.share_percent == 90);
    cr_expect(consumer->breaker.of == 200 && consumer->breaker.rest_ms == 30000);
    cr_expect(consumer->bind.n == 0 && consumer->options.n == 0);
    config_free(config);
}

/* ---- servers -------------------------------------------------------------------------------- */

static void expect_server(const struct config *config, size_t nth, const char *expected)
{
    struct config_server server;
    struct status status = { 0 };
    cr_assert(config_resolve_amqp(config, nth, &server, &status), "%s", status.text);
    char shown[1000];
    snprintf(shown, sizeof shown, "%s|%d|%s|%.50s|%.50s|%d", server.host, server.port, server.vhost,
             server.user, server.password, server.is_tls);
    cr_expect_str_eq(shown, expected, "%s", shown);
}

Test(config, servers_from_urls)
{
    char *directory;
    struct config *config = full(&directory);
    cr_assert_eq(config_amqp_servers(config), 2);
    expect_server(config, 0, "one.example|5673|shop/eu|ann|p@ss|1");
    expect_server(config, 1, "::1|5671|/|ann|x|1");
    config_free(config);
    remove_directory(directory);
}

Test(config, the_server_from_the_environment_and_by_default)
{
    unsetenv("AMQP_URL");
    struct config *config = config_of(GOOD, NULL);
    expect_server(config, 0, "127.0.0.1|5672|/|guest|guest|0");
    setenv("AMQP_URL", "amqps://a:b@h/v", 1);
    expect_server(config, 0, "h|5671|v|a|b|1");
    config_free(config);
}

Test(config, the_server_from_its_parts)
{
    struct config *config = config_of(GOOD "amqp: {host: h, user: u, password: p}\n", NULL);
    expect_server(config, 0, "h|5672|/|u|p|0");
    config_free(config);
    config = config_of(GOOD "amqp: {host: h, vhost: v, port: 7, tls: {}}\n", NULL);
    expect_server(config, 0, "h|7|v|guest|guest|1");
    config_free(config);
    config = config_of(GOOD "amqp:\n  host: h\n  tls:\n", NULL);
    expect_server(config, 0, "h|5671|/|guest|guest|1");
    config_free(config);
}

Test(config, a_mounted_secret_rotates)
{
    char *directory = make_directory();
    write_file(directory, "pw", "first\n");
    struct config *config =
        config_of(GOOD "amqp: {host: h, user: ann, password: '${file:pw}'}\n", directory);
    expect_server(config, 0, "h|5672|/|ann|first|0");
    write_file(directory, "pw", "second\n");
    expect_server(config, 0, "h|5672|/|ann|second|0");
    char *path = NULL, *expected = NULL;
    cr_assert(asprintf(&path, "%s/pw", directory) > 0);
    cr_assert(
        asprintf(&expected,
                 "%s/w.yaml:2:38: amqp.password: ${file:...}: cannot read %s: No such file or "
                 "directory",
                 directory, path) > 0);
    unlink(path);
    struct config_server server;
    struct status status = { 0 };
    cr_assert_not(config_resolve_amqp(config, 0, &server, &status));
    cr_expect_str_eq(status.text, expected);
    cr_expect_eq(status.exit, EXIT_CONFIG);
    free(expected);
    free(path);
    config_free(config);
    remove_directory(directory);
}

/* ---- prefetch ------------------------------------------------------------------------------- */

static uint32_t prefetch_of(const char *keys, bool has_sinks)
{
    char yaml[400];
    snprintf(yaml, sizeof yaml, "consumers:\n  - queue: q\n    handler: h\n%s", keys);
    struct config *config = config_of(yaml, NULL);
    uint32_t prefetch = config_prefetch(config, &config->consumers.at[0], has_sinks);
    config_free(config);
    return prefetch;
}

Test(config, prefetch)
{
    cr_expect_eq(prefetch_of("    prefetch: 7\n", true), 7);
    cr_expect_eq(prefetch_of("", false), 50);
    cr_expect_eq(prefetch_of("    lanes: 4\n", false), 200);
    cr_expect_eq(prefetch_of("    lanes: 256\n    max_message: 1KiB\n", false), 5000);
    cr_expect_eq(prefetch_of("", true), 2000);
    cr_expect_eq(prefetch_of("    batch: {rows: 10}\n", true), 1000);
    cr_expect_eq(prefetch_of("    max_message: 1KiB\npostgres: {connections: 8}\n", true), 5000);
    cr_expect_eq(prefetch_of("    max_message: 1MiB\n", true), 256);
    cr_expect_eq(prefetch_of("    max_message: 200MiB\n", true), 1);
}

Test(config, prefetch_of_several_stays_within_memory)
{
    cr_expect_eq(prefetch_of("  - {queue: r, handler: h}\n", true), 1024);
    cr_expect_eq(prefetch_of("  - {queue: r, handler: h, prefetch: 1000}\n", true), 1048);
    cr_expect_eq(prefetch_of("  - {queue: r, handler: h, enabled: false}\n", true), 2000);
}

/* ---- the rest ------------------------------------------------------------------------------- */

Test(config, a_fault_found_later_knows_its_place)
{
    struct config *config = config_of("consumers:\n  - queue: q\n    handler: h\n", NULL);
    struct config_faults faults = { 0 };
    config_faults_open(&faults, config->file);
    config_blame(config, &faults, &config->consumers.at[0].handler, "no %s.so", "h");
    config_blame(config, &faults, &config->consumers.at[0].lanes, "too few");
    cr_assert_eq(faults.n, 2);
    cr_expect_str_eq(faults.items[0].text, "consumers[0].handler: no h.so");
    cr_expect(faults.items[0].line == 3 && faults.items[0].column == 14);
    cr_expect(faults.items[1].line == 2 && faults.items[1].column == 5);
    config_faults_fini(&faults);
    config_free(config);
}

Test(config, the_file_to_read)
{
    unsetenv("WARRENER_CONFIG");
    cr_expect_str_eq(config_find(NULL), "warrener.yaml");
    setenv("WARRENER_CONFIG", "e.yaml", 1);
    cr_expect_str_eq(config_find(NULL), "e.yaml");
    cr_expect_str_eq(config_find("a.yaml"), "a.yaml");
}

Test(config, loading_from_a_file)
{
    char *directory = make_directory(), *path = NULL, *told = NULL;
    struct config *config = NULL;
    struct config_faults faults = { 0 };
    cr_assert(asprintf(&path, "%s/w.yaml", directory) > 0);
    cr_assert_not(config_load(path, &config, &faults));
    cr_assert(asprintf(&told,
                       "cannot read the configuration: No such file or directory; name one with -c "
                       "FILE or WARRENER_CONFIG") > 0);
    cr_expect(faults.n == 1 && strcmp(faults.items[0].text, told) == 0);
    write_file(directory, "w.yaml", GOOD "state: here\n");
    cr_assert(config_load(path, &config, &faults));
    cr_expect(ends_with(config->state, "/here"));
    config_free(config);
    config_faults_fini(&faults);
    free(told);
    free(path);
    remove_directory(directory);
}
