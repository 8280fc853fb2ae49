/* SPDX-License-Identifier: Apache-2.0
 *
 * See desk.h. */
#include "integration/store_sql/desk.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"

struct desk desk;
static char database[64];

/* ---- the server -------------------------------------------------------------------------------- */

static PGconn *connect_to(const char *dbname)
{
    const char *const words[] = { "dbname", "dbname", NULL };
    const char *const values[] = { getenv("DATABASE_URL"), dbname, NULL };
    PGconn *const conn = PQconnectdbParams(words, values, 1);
    cr_assert_eq(PQstatus(conn), CONNECTION_OK, "%s", PQerrorMessage(conn));
    return conn;
}

static void tell_nothing(void *owner, const PGresult *result)
{
    (void)owner;
    (void)result;
}

static void in_the_first(const char *format)
{
    PGconn *const conn = connect_to("postgres");
    char sql[200];
    (void)snprintf(sql, sizeof sql, format, database);
    PGresult *const result = PQexec(conn, sql);
    cr_assert_eq(PQresultStatus(result), PGRES_COMMAND_OK, "%s", PQerrorMessage(conn));
    PQclear(result);
    PQfinish(conn);
}

static void do_file(const char *path)
{
    static char sql[100000];
    FILE *const file = fopen(path, "r");
    cr_assert(file, "%s", path);
    const size_t n = fread(sql, 1, sizeof sql - 1, file);
    sql[n] = '\0';
    (void)fclose(file);
    desk_do(sql);
}

void desk_open(void)
{
    stock_open(&desk.stock);
    if (!getenv("DATABASE_URL")) {
        (void)fprintf(stderr, "DATABASE_URL is not set: passed over\n");
        return;
    }
    (void)snprintf(database, sizeof database, "store_sql_%d", (int)getpid());
    in_the_first("CREATE DATABASE %s TEMPLATE template0");
    desk.conn = connect_to(database);
    PQsetNoticeReceiver(desk.conn, tell_nothing, NULL);
    desk_do("SET timezone = 'UTC'; CREATE SCHEMA warrener");
    do_file(SQL_DIR "/0001_inbox.sql");
}

void desk_close(void)
{
    stock_close(&desk.stock);
    if (!desk.conn) return;
    PQfinish(desk.conn);
    desk.conn = NULL;
    in_the_first("DROP DATABASE %s WITH (FORCE)");
}

bool desk_is_there(void)
{
    return desk.conn != NULL;
}

/* ---- asking ------------------------------------------------------------------------------------ */

void desk_do(const char *sql)
{
    PGresult *const result = PQexec(desk.conn, sql);
    const ExecStatusType status = PQresultStatus(result);
    cr_assert(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s\n%s", sql,
              PQerrorMessage(desk.conn));
    PQclear(result);
}

char *desk_ask(const char *sql)
{
    char *text = NULL;
    size_t bytes;
    FILE *const out = open_memstream(&text, &bytes);
    PGresult *const result = PQexec(desk.conn, sql);
    cr_assert_eq(PQresultStatus(result), PGRES_TUPLES_OK, "%s\n%s", sql, PQerrorMessage(desk.conn));
    for (int row = 0; row < PQntuples(result); row++)
        for (int i = 0; i < PQnfields(result); i++)
            (void)fprintf(out, "%s%s",
                          i > 0     ? "|"
                          : row > 0 ? " "
                                    : "",
                          PQgetisnull(result, row, i) ? "NULL" : PQgetvalue(result, row, i));
    PQclear(result);
    (void)fclose(out);
    return text;
}

void desk_expect(const char *sql, const char *expected)
{
    char *const got = desk_ask(sql);
    cr_expect_str_eq(got, expected, "%s\n gives %s\n not   %s", sql, got, expected);
    free(got);
}

/* ---- sending ----------------------------------------------------------------------------------- */

static bool is_well(PGresult *result)
{
    const ExecStatusType status = PQresultStatus(result);
    const bool well = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!well) {
        const char *const sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
        (void)snprintf(desk.sqlstate, sizeof desk.sqlstate, "%s", sqlstate ? sqlstate : "?????");
        (void)snprintf(desk.message, sizeof desk.message, "%s", PQresultErrorMessage(result));
    }
    return well;
}

/* Prepared at its first use, by the name it gives itself. */
static bool prepare(const struct parcel_step *step)
{
    PGresult *const known = PQdescribePrepared(desk.conn, step->name);
    const bool is_known = PQresultStatus(known) == PGRES_COMMAND_OK;
    PQclear(known);
    if (is_known) return true;
    PGresult *const result =
        PQprepare(desk.conn, step->name, step->sql, step->n_values, step->types);
    const bool well = is_well(result);
    PQclear(result);
    return well;
}

static bool send_step(size_t nth, const struct parcel_step *step)
{
    int formats[SINK_VALUES_MOST];
    for (int i = 0; i < step->n_values; i++) formats[i] = 1;
    PGresult *const result = PQexecPrepared(desk.conn, step->name, step->n_values, step->values,
                                            step->lengths, formats, 0);
    const bool well = is_well(result);
    if (nth < DESK_STEPS) desk.affected[nth] = (unsigned)strtoul(PQcmdTuples(result), NULL, 10);
    PQclear(result);
    return well;
}

const char *desk_send(const char *consumer)
{
    const struct parcel_step *steps;
    struct parcel *const parcel = stock_parcel(&desk.stock, consumer);
    desk.n_steps = parcel_steps(parcel, &steps);
    desk.sqlstate[0] = '\0';
    bool well = true;
    for (size_t i = 0; i < desk.n_steps && well; i++) well = prepare(&steps[i]);
    desk_do("BEGIN");
    for (size_t i = 0; i < desk.n_steps && well; i++) well = send_step(i, &steps[i]);
    desk_do(well ? "COMMIT" : "ROLLBACK");
    parcel_free(parcel);
    stock_clear(&desk.stock);
    return desk.sqlstate;
}
