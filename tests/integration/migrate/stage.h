/* SPDX-License-Identifier: Apache-2.0
 *
 * A database and a directory of migrations that are one test's own, and both gone with it. */
#ifndef INTEGRATION_MIGRATE_STAGE_H
#define INTEGRATION_MIGRATE_STAGE_H

#include <criterion/criterion.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <sys/types.h>

#include "support/scratch.h"

struct stage {
    char database[64], url[512];
    char dir[SCRATCH_BYTES]; /* of everything; migrations are in its "app" */
    PGconn *conn;
};

/* One a process, as tests have one. False: there is no server; said on stderr. */
extern struct stage stage;
bool stage_open(void);
void stage_close(void);
#define OPEN()                                                                                     \
    if (!stage_open()) return

void stage_write(const char *file, const char *text); /* below its directory: "app/0001_a.sql" */
void stage_remove(const char *file);
const char *stage_path(const char *file); /* until the next but three */

/* `warrener migrate -c … WORDS`; both streams in stage_said, the exit status returned. */
#define STAGE_SAID_BYTES 16384
extern char stage_said[STAGE_SAID_BYTES];
int stage_run(const char *const *words);
pid_t stage_spawn(const char *const *words, const char *output);
int stage_reap(pid_t pid);
#define MIGRATE(...) stage_run((const char *const[]){ __VA_ARGS__, NULL })
#define MIGRATE_APP() MIGRATE("--dir", stage_path("app"))

#define EXPECT_SAID(words)                                                                         \
    cr_expect(strstr(stage_said, words), "\"%s\" is not in:\n%s", words, stage_said)
#define EXPECT_EXIT(expected, got)                                                                 \
    do {                                                                                           \
        const int exit_got = (got);                                                                \
        cr_expect_eq(exit_got, expected, "exit %d:\n%s", exit_got, stage_said);                    \
    } while (0)

/* ---- SQL, on a connection of the test's own: what fails ends the test ---- */
PGconn *stage_connect(void);
void stage_do(PGconn *conn, const char *sql);
/* The first column of all rows, with spaces between; until the next. */
const char *stage_ask(PGconn *conn, const char *sql);
/* Sends it, and returns when it stands in line for a lock; then its answer's first column. */
void stage_send_waiting(PGconn *conn, const char *sql);
const char *stage_receive(PGconn *conn);
/* It must fail, with these words. */
void stage_refused(PGconn *conn, const char *sql, const char *words);
#define EXPECT_SQL(expected, sql)                                                                  \
    do {                                                                                           \
        const char *const answer = stage_ask(stage.conn, sql);                                     \
        cr_expect_str_eq(answer, expected, "%s\ngave: %s\nnot:  %s", sql, answer, expected);       \
    } while (0)

#endif
