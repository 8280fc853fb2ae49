/* SPDX-License-Identifier: Apache-2.0
 *
 * The stage; see stage.h. */
#include "integration/migrate/stage.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORDS_MOST 10

struct stage stage;
char stage_said[STAGE_SAID_BYTES];

/* ---- SQL ------------------------------------------------------------------------------------- */

static PGconn *connect_to(const char *url)
{
    PGconn *conn = PQconnectdb(url);
    cr_assert_eq(PQstatus(conn), CONNECTION_OK, "%s", PQerrorMessage(conn));
    PQsetNoticeProcessor(conn, NULL, NULL);
    return conn;
}

PGconn *stage_connect(void)
{
    return connect_to(stage.url);
}

void stage_do(PGconn *conn, const char *sql)
{
    PGresult *result = PQexec(conn, sql);
    const ExecStatusType kind = PQresultStatus(result);
    cr_assert(kind == PGRES_COMMAND_OK || kind == PGRES_TUPLES_OK, "%s: %s", sql,
              PQerrorMessage(conn));
    PQclear(result);
}

const char *stage_ask(PGconn *conn, const char *sql)
{
    static char answer[4096];
    PGresult *result = PQexec(conn, sql);
    cr_assert_eq(PQresultStatus(result), PGRES_TUPLES_OK, "%s: %s", sql, PQerrorMessage(conn));
    size_t n = 0;
    answer[0] = '\0';
    for (int row = 0; row < PQntuples(result) && n < sizeof answer; row++)
        n += (size_t)snprintf(answer + n, sizeof answer - n, "%s%s", row ? " " : "",
                              PQgetvalue(result, row, 0));
    PQclear(result);
    return answer;
}

void stage_send_waiting(PGconn *conn, const char *sql)
{
    cr_assert(PQsendQuery(conn, sql), "%s", PQerrorMessage(conn));
    char question[100];
    snprintf(question, sizeof question,
             "select count(*) from pg_locks where pid = %d and not granted", PQbackendPID(conn));
    for (int i = 0; strcmp(stage_ask(stage.conn, question), "0") == 0; i++) {
        cr_assert(i < 4000 && PQconsumeInput(conn) && PQisBusy(conn), "it does not wait: %s", sql);
        usleep(5000);
    }
}

const char *stage_receive(PGconn *conn)
{
    static char answer[200];
    PGresult *result = PQgetResult(conn);
    cr_assert_eq(PQresultStatus(result), PGRES_TUPLES_OK, "%s", PQerrorMessage(conn));
    snprintf(answer, sizeof answer, "%s", PQgetvalue(result, 0, 0));
    PQclear(result);
    cr_assert_null(PQgetResult(conn));
    return answer;
}

void stage_refused(PGconn *conn, const char *sql, const char *words)
{
    PGresult *result = PQexec(conn, sql);
    cr_expect_eq(PQresultStatus(result), PGRES_FATAL_ERROR, "%s was not refused", sql);
    cr_expect(strstr(PQerrorMessage(conn), words), "%s: \"%s\" is not in: %s", sql, words,
              PQerrorMessage(conn));
    PQclear(result);
}

/* ---- open and close -------------------------------------------------------------------------- */

/* The server's URL with another database. */
static void set_url(const char *server)
{
    const char *host = strstr(server, "://");
    cr_assert(host, "DATABASE_URL is no URL");
    const char *path = strchr(host + 3, '/');
    const char *rest = strchr(server, '?');
    const size_t n = path ? (size_t)(path - server) : strlen(server);
    snprintf(stage.url, sizeof stage.url, "%.*s/%s%s", (int)n, server, stage.database,
             rest ? rest : "");
}

static void on_server(const char *format)
{
    char sql[200];
    PGconn *conn = connect_to(getenv("DATABASE_URL"));
    snprintf(sql, sizeof sql, format,
             stage.database); /* NOLINT(clang-diagnostic-format-nonliteral) */
    stage_do(conn, sql);
    PQfinish(conn);
}

bool stage_open(void)
{
    const char *server = getenv("DATABASE_URL");
    char text[700];
    if (!server) {
        fprintf(stderr, "passed over: DATABASE_URL is not set\n");
        return false;
    }
    snprintf(stage.database, sizeof stage.database, "warrener_migrate_%d", (int)getpid());
    set_url(server);
    on_server("create database %s");
    stage.conn = stage_connect();
    scratch_make(stage.dir, "migrate");
    cr_assert(mkdir(stage_path("app"), 0700) == 0);
    snprintf(text, sizeof text,
             "name: stage\npostgres: {url: \"%s\"}\nconsumers: [{queue: q, handler: none}]\n",
             stage.url);
    stage_write("w.yaml", text);
    return true;
}

void stage_close(void)
{
    if (!stage.conn) return;
    PQfinish(stage.conn);
    on_server("drop database %s with (force)");
    scratch_remove(stage.dir);
}

/* ---- files ----------------------------------------------------------------------------------- */

const char *stage_path(const char *file)
{
    static char paths[4][300];
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", stage.dir, file);
    return path;
}

void stage_write(const char *name, const char *text)
{
    FILE *file = fopen(stage_path(name), "we");
    cr_assert(file && fputs(text, file) >= 0 && fclose(file) == 0);
}

void stage_remove(const char *file)
{
    cr_assert(unlink(stage_path(file)) == 0);
}

/* ---- the command ----------------------------------------------------------------------------- */

pid_t stage_spawn(const char *const *words, const char *output)
{
    const char *bin = getenv("WARRENER_BIN");
    const char *argv[WORDS_MOST + 5] = { bin ? bin : TEST_WARRENER, "migrate", "-c",
                                         stage_path("w.yaml") };
    for (size_t n = 0; words[n]; n++) {
        cr_assert(n < WORDS_MOST);
        argv[n + 4] = words[n];
    }
    const pid_t pid = fork();
    cr_assert(pid >= 0);
    if (pid > 0) return pid;
    const int fd = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    dup2(fd, STDOUT_FILENO);
    dup2(fd, STDERR_FILENO);
    execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

int stage_reap(pid_t pid)
{
    int status;
    cr_assert_eq(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

int stage_run(const char *const *words)
{
    const char *output = stage_path("said");
    const int exit = stage_reap(stage_spawn(words, output));
    FILE *file = fopen(output, "re");
    const size_t n = file ? fread(stage_said, 1, sizeof stage_said - 1, file) : 0;
    stage_said[n] = '\0';
    if (file) fclose(file);
    return exit;
}
