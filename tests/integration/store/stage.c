/* SPDX-License-Identifier: Apache-2.0
 *
 * See stage.h. */
#include "integration/store/stage.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/random.h"

uint64_t stage_now_ms(void)
{
    return clock_now_ms();
}

static void on_tick(void *owner UNUSED)
{
}

void stage_turn(struct stage *stage)
{
    timer_arm_ms(&stage->tick, 20);
    event_base_loop(loop_base(stage->loop), EVLOOP_ONCE);
}

/* ---- servers --------------------------------------------------------------------------------- */

static void connect_admin(struct stage *stage, const char *url)
{
    stage->admin = PQconnectdb(url);
    cr_assert_eq(PQstatus(stage->admin), CONNECTION_OK, "%s", PQerrorMessage(stage->admin));
}

static void set_stage(struct stage *stage, const char *url)
{
    stage->loop = loop_new();
    timer_init(&stage->tick, stage->loop, on_tick, stage);
    connect_admin(stage, url);
    snprintf(stage->schema, sizeof stage->schema, "test_%016llx", (unsigned long long)random_u64());
    stage_do(stage, "create schema %s", stage->schema);
    stage_do(stage, "set search_path = %s", stage->schema);
    stage_do(stage, "set client_min_messages = warning");
    snprintf(stage->url, sizeof stage->url, "%s%coptions=-csearch_path%%3D%s", url,
             strchr(url, '?') ? '&' : '?', stage->schema);
}

bool stage_open(struct stage *stage)
{
    const char *url = getenv("DATABASE_URL");
    memset(stage, 0, sizeof *stage);
    if (!url || !*url) {
        fputs("no DATABASE_URL: passed over\n", stderr);
        return false;
    }
    set_stage(stage, url);
    return true;
}

int stage_cluster(struct stage *stage, const char *verb, const char *argument)
{
    char command[400], line[200] = "";
    snprintf(command, sizeof command, "'%s' %s '%s' %s", CLUSTER_TOOL, verb, stage->cluster,
             argument);
    FILE *from = popen(command, "r"); // NOLINT(cert-env33-c): a script of ours
    cr_assert_not_null(from);
    if (!fgets(line, sizeof line, from)) line[0] = '\0';
    cr_assert_eq(pclose(from), 0, "%s", command);
    return (int)strtol(line, NULL, 10);
}

static int port_of(const struct stage *stage)
{
    char path[200];
    int port = 0;
    snprintf(path, sizeof path, "%s/env", stage->cluster);
    FILE *from = fopen(path, "re");
    cr_assert(from && fscanf(from, "PGPORT_HERE=%d", &port) == 1); // NOLINT(cert-err34-c)
    fclose(from);
    return port;
}

static void cluster_url(const struct stage *stage, char *out, size_t out_bytes)
{
    snprintf(out, out_bytes, "postgresql://warrener:warrener@127.0.0.1:%d/warrener", stage->port);
}

void stage_open_cluster(struct stage *stage)
{
    char url[200], pid[20];
    memset(stage, 0, sizeof *stage);
    scratch_make(stage->cluster, "cluster");
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    stage_cluster(stage, "start", pid);
    stage->port = port_of(stage);
    cluster_url(stage, url, sizeof url);
    set_stage(stage, url);
}

void stage_admin_again(struct stage *stage)
{
    char url[200];
    PQfinish(stage->admin);
    cluster_url(stage, url, sizeof url);
    connect_admin(stage, url);
    stage_do(stage, "set search_path = %s", stage->schema);
}

void stage_close(struct stage *stage)
{
    if (*stage->cluster)
        stage_cluster(stage, "end", "");
    else
        stage_do(stage, "drop schema %s cascade", stage->schema);
    PQfinish(stage->admin);
    timer_fini(&stage->tick);
    loop_free(stage->loop);
}

/* ---- the admin ------------------------------------------------------------------------------- */

static PGresult *vask(struct stage *stage, const char *format, va_list args)
{
    char *sql = NULL;
    CHECK(vasprintf(&sql, format, args) >= 0);
    PGresult *result = PQexec(stage->admin, sql);
    const ExecStatusType status = PQresultStatus(result);
    cr_assert(status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK, "%s: %s", sql,
              PQerrorMessage(stage->admin));
    free(sql);
    return result;
}

void stage_do(struct stage *stage, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    PQclear(vask(stage, format, args));
    va_end(args);
}

const char *stage_ask(struct stage *stage, const char *format, ...)
{
    static char answer[500];
    va_list args;
    va_start(args, format);
    PGresult *result = vask(stage, format, args);
    va_end(args);
    snprintf(answer, sizeof answer, "%s", PQntuples(result) ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    return answer;
}

/* ---- lines ----------------------------------------------------------------------------------- */

static bool on_line_server(void *own, const char **conninfo, struct status *status UNUSED)
{
    struct line *line = own;
    *conninfo = line->conninfo;
    return true;
}

static void on_line_ready(void *own)
{
    struct line *line = own;
    line->readies++;
}

static void on_line_lost(void *own, const char *why, bool is_deployment)
{
    struct line *line = own;
    line->losses++;
    line->is_deployment = is_deployment;
    snprintf(line->why, sizeof line->why, "%s", why);
}

void line_open(struct line *line, struct stage *stage, const char *conninfo)
{
    const struct store_connection_settings settings = { .name = "warrener-test",
                                                        .connect_ms = stage->connect_ms
                                                                          ? stage->connect_ms
                                                                          : CONNECT_MS,
                                                        .timeout_ms = 10000 };
    memset(line, 0, sizeof *line);
    const struct store_connection_events events = { on_line_server, on_line_ready, on_line_lost,
                                                    line };
    line->stage = stage;
    snprintf(line->conninfo, sizeof line->conninfo, "%s", conninfo);
    line->connection = store_connection_new(stage->loop, &settings, &events);
}

void line_close(struct line *line)
{
    store_connection_free(line->connection);
}

static void on_line_end(void *own, const struct store_answer *answer, const struct fence *fence)
{
    struct line *line = own;
    line->answers++;
    line->answer = *answer;
    line->fence = *fence;
}

void line_start_steps(struct line *line, uint32_t timeout_ms, const struct parcel_step *steps,
                      size_t n)
{
    WAIT_ON(line->stage, store_connection_is_ready(line->connection));
    transaction_start(line->connection, steps, n, timeout_ms, on_line_end, line);
}

void line_start(struct line *line, uint32_t timeout_ms, const char *sql)
{
    const struct parcel_step step = { .sql = sql };
    line_start_steps(line, timeout_ms, &step, 1);
}

const struct store_answer *line_run(struct line *line, uint32_t timeout_ms, ...)
{
    struct parcel_step steps[16];
    size_t n = 0;
    const int before = line->answers;
    va_list args;
    va_start(args, timeout_ms);
    for (const char *sql; (sql = va_arg(args, const char *)) != NULL;)
        steps[n++] = (struct parcel_step){ .sql = sql };
    va_end(args);
    line_start_steps(line, timeout_ms, steps, n);
    WAIT_ON(line->stage, line->answers > before);
    return &line->answer;
}

/* ---- shops ----------------------------------------------------------------------------------- */

static bool on_shop_server(void *own, const char **conninfo, struct status *status UNUSED)
{
    struct shop *shop = own;
    *conninfo = shop->conninfo;
    return true;
}

static void on_shop_ready(void *own)
{
    struct shop *shop = own;
    shop->readies++;
    shop->is_ready = true;
}

static void on_shop_lost(void *own, const char *why, bool is_deployment)
{
    struct shop *shop = own;
    shop->losses++;
    shop->is_ready = false;
    shop->is_deployment = is_deployment;
    snprintf(shop->why, sizeof shop->why, "%s", why);
}

static void on_shop_room(void *own)
{
    struct shop *shop = own;
    shop->rooms++;
}

void shop_make_table(struct stage *stage)
{
    stage_do(stage, "create table pair (key text primary key, value bigint not null)");
}

static const struct wr_column pair_columns[] = { WR_COLUMN("key", WR_TEXT),
                                                 WR_COLUMN("value", WR_INT8, .merge = WR_SUM),
                                                 { .name = NULL } };
static const struct wr_sink pair_sink = {
    .table = "pair", .columns = pair_columns, .key = "key", .on_conflict = WR_MERGE
};

static const char *no_option(void *owner UNUSED, const char *name UNUSED)
{
    return NULL;
}

void shop_open(struct shop *shop, struct stage *stage, const char *conninfo, unsigned connections,
               uint32_t timeout_ms)
{
    static const struct store_events events = { on_shop_server, on_shop_ready, on_shop_lost,
                                                on_shop_room };
    struct status status = { 0 };
    memset(shop, 0, sizeof *shop);
    shop->stage = stage;
    snprintf(shop->conninfo, sizeof shop->conninfo, "%s", conninfo);
    shop->sinks[0] = sink_new(&pair_sink, 0, no_option, NULL, &status);
    cr_assert_not_null(shop->sinks[0], "%s", status.text);
    const struct store_settings settings = { .connections = connections,
                                             .timeout_ms = timeout_ms,
                                             .connect_ms = CONNECT_MS,
                                             .name = "warrener-test" };
    shop->store = store_new(stage->loop, &settings, &events, shop);
    shop->target = store_add_target(shop->store, "pairs", shop->sinks, 1);
}

void shop_close(struct shop *shop)
{
    store_free(shop->store);
    for (unsigned i = 0; i < shop->n_crates; i++) {
        parcel_free(shop->crates[i].parcel);
        arena_reset(&shop->crates[i].arena);
    }
    sink_free(shop->sinks[0]);
}

static void on_shop_answer(void *own, struct parcel *parcel, const struct store_answer *answer)
{
    struct crate *crate = own;
    cr_assert(crate->parcel == parcel && !crate->is_answered);
    crate->is_answered = true;
    crate->place = crate->shop->answers++;
    crate->answer = *answer;
}

struct crate *shop_send(struct shop *shop, int64_t value, ...)
{
    cr_assert(shop->n_crates < HEARD_MOST);
    struct crate *crate = &shop->crates[shop->n_crates++];
    struct row *first = NULL, **end = &first;
    const char *fault = NULL;
    va_list args;
    crate->shop = shop;
    arena_init(&crate->arena, NULL, 0);
    va_start(args, value);
    for (const char *key; (key = va_arg(args, const char *)) != NULL; end = &(*end)->next) {
        *end = row_new(&crate->arena, 0, false, 2);
        cr_assert(row_put_text(*end, &crate->arena, WR_TEXT, text_of(key), &fault));
        cr_assert(row_put_int(*end, &crate->arena, WR_INT8, value, &fault));
    }
    va_end(args);
    const struct parcel_message message = { .id = { "", 0 }, .rows = first };
    crate->parcel = parcel_new(shop->sinks, 1, "pairs", &message, 1);
    store_commit(shop->store, shop->target, crate->parcel, on_shop_answer, crate);
    cr_assert(!crate->is_answered, "answered from inside");
    return crate;
}
