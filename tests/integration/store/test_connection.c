/* SPDX-License-Identifier: Apache-2.0
 *
 * Getting to a server: by name and address, socket and TLS, past hosts that are dead or silent, and the
 * words where it is refused. */
#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "integration/store/stage.h"

static void open_at(struct line *line, struct stage *stage, const char *format, ...)
    PRINTF_LIKE(3, 4);
static void open_at(struct line *line, struct stage *stage, const char *format, ...)
{
    char conninfo[600];
    va_list args;
    va_start(args, format);
    vsnprintf(conninfo, sizeof conninfo, format, args);
    va_end(args);
    line_open(line, stage, conninfo);
}

static void expect_server(struct line *line)
{
    cr_expect_not_null(strstr(store_connection_server(line->connection), "PostgreSQL 1"));
    cr_expect_null(strstr(store_connection_server(line->connection), ":warrener@"));
    line_close(line);
}

static void expect_reached(struct line *line)
{
    WAIT_ON(line->stage, line->readies || line->losses);
    cr_expect(line->readies == 1 && line->losses == 0, "%s", line->why);
    expect_server(line);
}

static void expect_refused(struct line *line, const char *words, bool is_deployment)
{
    WAIT_ON(line->stage, line->losses);
    cr_expect_not_null(strstr(line->why, words), "%s", line->why);
    cr_expect_eq(line->is_deployment, is_deployment, "%s", line->why);
    cr_expect_eq(line->readies, 0);
    line_close(line);
}

/* A socket that takes connections and says nothing. */
static int open_silent(int *port)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t bytes = sizeof address;
    const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    cr_assert(bind(fd, (struct sockaddr *)&address, bytes) == 0 && listen(fd, 8) == 0);
    cr_assert(getsockname(fd, (struct sockaddr *)&address, &bytes) == 0);
    *port = ntohs(address.sin_port);
    return fd;
}

Test(connection, reaches_a_server_every_way)
{
    struct stage stage;
    struct line line;
    stage_open_cluster(&stage);
    const int port = stage.port;
    open_at(&line, &stage, "postgresql://warrener:warrener@127.0.0.1:%d/warrener", port);
    expect_reached(&line);
    open_at(&line, &stage, "postgresql://warrener:warrener@localhost:%d/warrener", port);
    expect_reached(&line);
    open_at(&line, &stage, "host=%s/server port=%d user=warrener password=warrener dbname=warrener",
            stage.cluster, port);
    expect_reached(&line);
    open_at(&line, &stage,
            "postgresql://warrener:warrener@localhost:%d/warrener?sslmode=verify-full"
            "&sslrootcert=%s/tls/ca.pem",
            port, stage.cluster);
    expect_reached(&line);
    open_at(&line, &stage,
            "postgresql://warrener:warrener@nowhere.invalid:1,127.0.0.1:1,localhost:%d/warrener",
            port);
    expect_reached(&line);
    stage_close(&stage);
}

Test(connection, refuses_another_hosts_certificate)
{
    struct stage stage;
    struct line line;
    stage_open_cluster(&stage);
    open_at(&line, &stage,
            "postgresql://warrener:warrener@localhost:%d/warrener?sslmode=verify-full"
            "&sslrootcert=%s/tls/stranger-ca.pem",
            stage.port, stage.cluster);
    expect_refused(&line, "certificate verify failed", false);
    stage_close(&stage);
}

Test(connection, a_silent_host_does_not_hide_the_next)
{
    struct stage stage;
    struct line line;
    int silent_port;
    if (!stage_open(&stage)) return;
    const int fd = open_silent(&silent_port);
    stage.connect_ms = 3000;
    const char *rest = strchr(stage.url, '@') + 1;
    open_at(&line, &stage, "%.*s127.0.0.1:%d,%s", (int)(rest - stage.url), stage.url, silent_port,
            rest);
    WAIT_ON(&stage, line.readies); /* where all the time is the first one's, it never is */
    expect_server(&line);
    open_at(&line, &stage, "postgresql://warrener:hunter2@127.0.0.1:%d/x", silent_port);
    expect_refused(&line, "no answer from 127.0.0.1", false);
    close(fd);
    stage_close(&stage);
}

Test(connection, says_why_it_is_refused)
{
    struct stage stage;
    struct line line;
    if (!stage_open(&stage)) return;
    const char *host = strchr(stage.url, '@') + 1;
    const int len = (int)strcspn(host, "/");
    open_at(&line, &stage, "postgresql://warrener:hunter2@%.*s/warrener", len, host);
    WAIT_ON(&stage, line.losses);
    cr_expect_null(strstr(line.why, "hunter2"), "%s", line.why);
    cr_expect_null(strstr(line.why, "LOCATION"), "%s", line.why);
    cr_expect_null(strstr(line.why, "28P01"), "%s", line.why);
    expect_refused(&line, "password authentication failed for user \"warrener\"", true);
    open_at(&line, &stage, "postgresql://warrener@%.*s/warrener", len, host);
    expect_refused(&line, "no password supplied", true);
    open_at(&line, &stage, "postgresql://warrener:warrener@%.*s/absent", len, host);
    expect_refused(&line, "database \"absent\" does not exist", true);
    open_at(&line, &stage, "postgresql://warrener:warrener@127.0.0.1:1/warrener");
    expect_refused(&line, "refused", false);
    open_at(&line, &stage, "postgresql://warrener:hunter%%zz@127.0.0.1/warrener");
    WAIT_ON(&stage, line.losses);
    cr_expect_null(strstr(line.why, "hunter"), "%s", line.why);
    expect_refused(&line, "invalid percent-encoded token", true);
    open_at(&line, &stage, "host=127.0.0.1 password=hunter2 sslmode=hunter2");
    WAIT_ON(&stage, line.losses);
    cr_expect_null(strstr(line.why, "hunter2"), "%s", line.why);
    expect_refused(&line, "refuses to try: invalid sslmode value", false);
    stage_close(&stage);
}

static void expect_setting_refused(struct stage *stage, const char *setting, const char *words,
                                   bool is_deployment)
{
    struct line line;
    stage_do(stage, "alter role warrener set %s", setting);
    line_open(&line, stage, stage->url);
    expect_refused(&line, words, is_deployment);
    stage_do(stage, "alter role warrener reset all");
}

Test(connection, refuses_servers_that_would_not_keep_promises)
{
    struct stage stage;
    stage_open_cluster(&stage);
    expect_setting_refused(&stage, "default_transaction_isolation = 'serializable'",
                           "\"serializable\"", true);
    expect_setting_refused(&stage, "synchronous_commit = off", "synchronous_commit is off", true);
    expect_setting_refused(&stage, "default_transaction_read_only = on", "read-only", false);
    stage_close(&stage);
}

Test(connection, comes_back_by_itself)
{
    struct stage stage;
    struct line line;
    if (!stage_open(&stage)) return;
    line_open(&line, &stage, stage.url);
    WAIT_ON(&stage, line.readies == 1);
    const int pid = store_connection_session(line.connection)->pid;
    cr_expect(!store_connection_session(line.connection)->is_pooled);
    cr_expect_str_eq(
        stage_ask(&stage, "select application_name from pg_stat_activity where pid = %d", pid),
        "warrener-test");
    stage_do(&stage, "select pg_terminate_backend(%d)", pid);
    WAIT_ON(&stage, line.readies == 2);
    cr_expect_eq(line.losses, 1);
    cr_expect_not_null(strstr(line.why, "administrator command"), "%s", line.why);
    cr_expect_neq(store_connection_session(line.connection)->pid, pid);
    line_close(&line);
    stage_close(&stage);
}
