/* SPDX-License-Identifier: Apache-2.0
 *
 * What the catalogue finds, in words, and that the SQL it gives mends it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "integration/store/stage.h"
#include "store/survey.h"

#define WORDS_MOST 32

struct words {
    char *at[WORDS_MOST];
    enum store_word kinds[WORDS_MOST];
    unsigned n;
};

static void on_word(void *own, enum store_word word, const char *text)
{
    struct words *words = own;
    cr_assert(words->n < WORDS_MOST);
    words->kinds[words->n] = word;
    words->at[words->n++] = memory_copy_text(text);
}

static const char *no_option(void *owner UNUSED, const char *name UNUSED)
{
    return NULL;
}

static enum exit_status look_as(const char *url, const struct wr_sink *declared,
                                struct words *words)
{
    struct status status = { 0 };
    struct sink *sinks[1] = { sink_new(declared, 0, no_option, NULL, &status) };
    cr_assert_not_null(sinks[0], "%s", status.text);
    const struct catalogue_target target = { .consumer = "events", .sinks = sinks, .n_sinks = 1 };
    const struct store_settings settings = {
        .connections = 1, .timeout_ms = 20000, .connect_ms = CONNECT_MS, .name = "warrener-test"
    };
    memset(words, 0, sizeof *words);
    const enum exit_status exit = store_survey(url, &settings, &target, 1, on_word, words);
    sink_free(sinks[0]);
    return exit;
}

static enum exit_status look(struct stage *stage, const struct wr_sink *declared,
                             struct words *words)
{
    return look_as(stage->url, declared, words);
}

static bool has_word(const struct words *words, enum store_word kind, const char *part)
{
    for (unsigned i = 0; i < words->n; i++)
        if (words->kinds[i] == kind && strstr(words->at[i], part)) return true;
    return false;
}

static const char *all(const struct words *words)
{
    static char text[8000];
    text[0] = '\0';
    for (unsigned i = 0; i < words->n; i++) {
        const size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "[%d] %s\n", words->kinds[i], words->at[i]);
    }
    return text;
}

static void drop(struct words *words)
{
    for (unsigned i = 0; i < words->n; i++) free(words->at[i]);
    words->n = 0;
}

static const struct wr_column columns[] = {
    WR_COLUMN("event_id", WR_UUID),   WR_COLUMN("user_id", WR_INT8),
    WR_COLUMN("at", WR_TIMESTAMPTZ),  WR_COLUMN("kind", WR_TEXT, .as = "kind_of"),
    WR_COLUMN("tags", WR_TEXT_ARRAY), { .name = NULL }
};
static const struct wr_sink sink = { .table = "event", .columns = columns, .key = "event_id, at" };

#define GOOD_TABLE                                                                                 \
    "create table event (event_id uuid, user_id bigint, at timestamptz, kind kind_of, tags text[]"

static void expect_found(struct stage *stage, const char *word)
{
    struct words words;
    cr_expect_eq(look(stage, &sink, &words), EXIT_CONFIG);
    cr_expect(has_word(&words, STORE_DIFFERS, word), "%s: not in\n%s", word, all(&words));
    cr_expect(has_word(&words, STORE_DIFFERS, "consumer events, table \"event\": "), "%s",
              all(&words));
    drop(&words);
}

/* Does what the finding says after its last "to mend it: " and the like. */
static void mend(struct stage *stage)
{
    struct words words;
    look(stage, &sink, &words);
    for (unsigned i = 0; i < words.n; i++) {
        const char *sql = NULL;
        static const char *const verbs[] = { "CREATE ", "ALTER " };
        for (size_t v = 0; v < 2 && !sql; v++) sql = strstr(words.at[i], verbs[v]);
        if (words.kinds[i] == STORE_DIFFERS && sql) stage_do(stage, "%s", sql);
    }
    drop(&words);
    cr_expect_eq(look(stage, &sink, &words), EXIT_WELL, "%s", all(&words));
    drop(&words);
}

static void remake(struct stage *stage, const char *sql)
{
    stage_do(stage, "drop table if exists event");
    stage_do(stage, "%s", sql);
}

Test(catalogue, finds_what_differs_and_the_sql_that_mends_it)
{
    struct stage stage;
    if (!stage_open(&stage)) return;
    expect_found(&stage, "there is no such table; to make it: CREATE TABLE");
    stage_do(&stage, "create type kind_of as enum ('ok', 'failed')");
    mend(&stage); /* from nothing */
    remake(&stage, "create table event (event_id uuid, user_id bigint, at timestamptz, tags text[],"
                   " primary key (at, event_id))");
    expect_found(&stage, "there is no column \"kind\", expected is kind_of");
    mend(&stage);
    remake(&stage, "create table event (event_id uuid, user_id integer, at timestamp, kind kind_of,"
                   " tags text[], primary key (at, event_id))");
    expect_found(&stage, "column \"user_id\" is integer, expected is bigint");
    expect_found(&stage,
                 "column \"at\" is timestamp without time zone, expected is timestamp with");
    mend(&stage);
    remake(&stage, GOOD_TABLE ", primary key (event_id))");
    expect_found(&stage, "no unique index on exactly its key (\"event_id\", \"at\"); unique are: "
                         "(event_id)");
    mend(&stage);
    remake(&stage, GOOD_TABLE ", extra int not null, unique (event_id, at))");
    expect_found(&stage, "column \"extra\" (integer) must not be NULL, has no default");
    mend(&stage);
    stage_close(&stage);
}

Test(catalogue, indexes_that_will_not_do)
{
    struct stage stage;
    if (!stage_open(&stage)) return;
    stage_do(&stage, "create type kind_of as enum ('ok', 'failed')");
    remake(&stage, GOOD_TABLE ", unique (event_id, at) deferrable)");
    expect_found(&stage, "unique are: none");
    remake(&stage, GOOD_TABLE ")");
    stage_do(&stage, "create unique index on event (event_id, at) where user_id > 0");
    stage_do(&stage, "create unique index on event (event_id, (user_id + 1))");
    expect_found(&stage, "unique are: none");
    stage_do(&stage, "create unique index on event (event_id, at, user_id)");
    expect_found(&stage, "unique are: (at, event_id, user_id)");
    mend(&stage);
    stage_close(&stage);
}

Test(catalogue, what_will_do)
{
    struct stage stage;
    struct words words;
    if (!stage_open(&stage)) return;
    stage_do(&stage, "create type kind_of as enum ('ok', 'failed')");
    stage_do(&stage, "create domain number as bigint check (value > 0)");
    stage_do(&stage, "create table event (event_id uuid, user_id number, at timestamptz not null,"
                     " kind kind_of not null, tags text[], extra int not null default 1,"
                     " more int generated always as identity,"
                     " primary key (at, event_id) include (kind)) partition by range (at)");
    stage_do(&stage, "create table event_1 partition of event for values from ('2026-01-01') to"
                     " ('2027-01-01')");
    cr_expect_eq(look(&stage, &sink, &words), EXIT_WELL, "%s", all(&words));
    cr_expect(words.n == 1 && words.kinds[0] == STORE_SAYS, "%s", all(&words));
    cr_expect_not_null(strstr(words.at[0], ", PostgreSQL 1"));
    cr_expect_null(strstr(words.at[0], ":warrener@"));
    drop(&words);
    stage_close(&stage);
}

Test(catalogue, privileges)
{
    struct stage stage;
    struct words words;
    char url[300];
    stage_open_cluster(&stage);
    stage_do(&stage, "create type kind_of as enum ('ok', 'failed')");
    remake(&stage, GOOD_TABLE ", unique (event_id, at))");
    stage_do(&stage, "create role app login password 'app'");
    snprintf(url, sizeof url,
             "postgresql://app:app@127.0.0.1:%d/warrener?options=-csearch_path%%3D%s", stage.port,
             stage.schema);
    cr_expect_eq(look_as(url, &sink, &words), EXIT_CONFIG);
    drop(&words);
    stage_do(&stage, "grant usage on schema %s to app", stage.schema);
    cr_expect_eq(look_as(url, &sink, &words), EXIT_CONFIG);
    cr_expect(has_word(&words, STORE_DIFFERS,
                       "permission denied for table event (42501); to mend it:"
                       " GRANT "),
              "%s", all(&words));
    drop(&words);
    stage_do(&stage, "grant select, insert, update on event to app");
    cr_expect_eq(look_as(url, &sink, &words), EXIT_WELL, "%s", all(&words));
    cr_expect(has_word(&words, STORE_WARNS, "permission denied"), "%s", all(&words));
    drop(&words);
    stage_do(&stage, "grant delete on event to app");
    cr_expect_eq(look_as(url, &sink, &words), EXIT_WELL);
    cr_expect_not(has_word(&words, STORE_WARNS, ""), "%s", all(&words));
    drop(&words);
    stage_close(&stage);
}

Test(catalogue, the_inbox_and_the_version)
{
    static const struct wr_sink once = {
        .table = "event", .columns = columns, .key = "event_id, at", .once = true
    };
    static const struct wr_sink cached = { .table = "event",
                                           .columns = columns,
                                           .key = "event_id, at",
                                           .cache_key = "event:{event_id}",
                                           .cache_ttl_s = 60 };
    struct stage stage;
    struct words words;
    stage_open_cluster(&stage);
    stage_do(&stage, "create type kind_of as enum ('ok', 'failed')");
    remake(&stage, GOOD_TABLE ", unique (event_id, at))");
    cr_expect_eq(look(&stage, &once, &words), EXIT_CONFIG);
    cr_expect(has_word(&words, STORE_DIFFERS, "run `warrener migrate`"), "%s", all(&words));
    drop(&words);
    cr_expect_eq(look(&stage, &cached, &words), EXIT_CONFIG);
    cr_expect(has_word(&words, STORE_DIFFERS, "there is no column \"ver\", expected is bigint"),
              "%s", all(&words));
    drop(&words);
    stage_do(&stage, "alter table event add ver bigint");
    cr_expect_eq(look(&stage, &cached, &words), EXIT_CONFIG);
    cr_expect(has_word(&words, STORE_DIFFERS, "column \"ver\" may be NULL"), "%s", all(&words));
    drop(&words);
    stage_do(&stage, "alter table event alter ver set not null");
    cr_expect_eq(look(&stage, &cached, &words), EXIT_WELL, "%s", all(&words));
    drop(&words);
    stage_close(&stage);
}

Test(catalogue, servers_that_are_away)
{
    struct words words;
    cr_expect_eq(look_as("postgresql://u:hunter2@127.0.0.1:1/d", &sink, &words), EXIT_UNREACHABLE);
    cr_expect(words.n == 1 && words.kinds[0] == STORE_AWAY, "%s", all(&words));
    cr_expect_null(strstr(words.at[0], "hunter2"));
    drop(&words);
    cr_expect_eq(look_as("postgresql://u:%zz@127.0.0.1:1/d", &sink, &words), EXIT_CONFIG);
    drop(&words);
}
