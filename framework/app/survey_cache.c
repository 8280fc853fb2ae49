/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking at Redis; see survey_cache.h. The greeting tells users, databases, clusters and replicas apart;
 * then a few questions, whose answers warn, and an entry is written as hosts write theirs. */
#include "app/survey_cache.h"

#include <stdio.h>
#include <string.h>

#include "app/redis_server.h"
#include "base/check.h"
#include "cache/fault.h"

#define GIVE_UP_MS 10000
#define KEY "warrener:check"

struct survey {
    const struct config *config;
    struct loop *loop;
    struct cache_connection *connection;
    struct config_redis server;
    char shown[REDIS_SHOWN_BYTES];
    size_t asked;
    enum exit_status exit;
    bool is_over;
};

static void end(struct survey *survey, enum exit_status exit)
{
    if (survey->is_over) return;
    survey->is_over = true;
    survey->exit = exit;
    loop_stop(survey->loop);
}

static void warn(const char *words)
{
    printf("redis: warning: %s\n", words);
}

/* ---- questions --------------------------------------------------------------------------------- */

/* The value that CONFIG GET gives; "" where it is not told. */
static struct wr_text setting(const struct resp_value *reply)
{
    return reply->kind == RESP_LIST && reply->n == 2 ? reply->items[1].text : text_of("");
}

static void judge_save(const struct resp_value *reply)
{
    if (setting(reply).len)
        warn("it saves itself to disk (save), and after a restart serves the old entries of its "
             "last dump until their ttl; where that matters: CONFIG SET save \"\"");
}

static void judge_append(const struct resp_value *reply)
{
    if (text_is(setting(reply), "yes"))
        warn("it keeps a log on disk (appendonly), and after a crash serves entries that lack the "
             "last second until their ttl; where that matters: CONFIG SET appendonly no");
}

static void judge_policy(const struct resp_value *reply)
{
    const struct wr_text policy = setting(reply);
    if (!policy.len || text_is(policy, "allkeys-lru") || text_is(policy, "allkeys-lfu") ||
        text_is(policy, "volatile-lru") || text_is(policy, "volatile-lfu"))
        return;
    printf(
        "redis: warning: its maxmemory-policy is %.*s: once it is full it %s; better: CONFIG SET "
        "maxmemory-policy allkeys-lru\n",
        TEXT_ARGS(policy),
        text_is(policy, "noeviction") ? "takes no entries" : "forgets hot and cold alike");
}

static void judge_memory(const struct resp_value *reply)
{
    if (text_is(setting(reply), "0"))
        warn("it has no maxmemory: it grows until the system ends it; set one");
}

static const struct question {
    const char *words[6];
    void (*judge)(const struct resp_value *reply); /* NULL: it has to be answered well */
} questions[] = {
    { { "PING" }, NULL },
    { { "HSET", KEY, "ver", "0" }, NULL },
    { { "PEXPIRE", KEY, "1000" }, NULL },
    { { "DEL", KEY }, NULL },
    { { "CONFIG", "GET", "save" }, judge_save },
    { { "CONFIG", "GET", "appendonly" }, judge_append },
    { { "CONFIG", "GET", "maxmemory" }, judge_memory },
    { { "CONFIG", "GET", "maxmemory-policy" }, judge_policy },
};
#define QUESTIONS (sizeof questions / sizeof *questions)

static void ask(struct survey *survey);

/* What may not be asked (CONFIG) is left alone. */
static void on_reply(void *own, const struct resp_value *reply, const char *why)
{
    struct survey *survey = own;
    const struct question *question = &questions[survey->asked];
    char words[400];
    (void)why;
    if (!reply) return; /* on_lost follows */
    if (reply->kind != RESP_ERROR) {
        if (question->judge) question->judge(reply);
    } else if (!question->judge) {
        printf("redis: %s: %s\n", question->words[0],
               cache_fault_show(reply->text, words, sizeof words));
        end(survey, EXIT_CONFIG);
        return;
    }
    survey->asked++;
    if (survey->asked == QUESTIONS)
        end(survey, EXIT_WELL);
    else
        ask(survey);
}

static void ask(struct survey *survey)
{
    const struct question *question = &questions[survey->asked];
    struct resp_command command = { 0 };
    size_t n = 0;
    while (question->words[n]) n++;
    resp_begin(&command, n);
    for (size_t i = 0; i < n; i++) resp_add(&command, text_of(question->words[i]));
    cache_connection_send(survey->connection, &command, on_reply, survey);
    resp_fini(&command);
}

/* ---- the connection ---------------------------------------------------------------------------- */

static bool on_server(void *own, struct cache_server *out, struct status *status)
{
    struct survey *survey = own;
    return redis_server_find(survey->config, &survey->server, survey->shown, out, status);
}

static void on_ready(void *own)
{
    struct survey *survey = own;
    printf("redis: %s: connected\n", cache_connection_server(survey->connection));
    ask(survey);
}

static void on_lost(void *own, const char *why, bool is_refusal)
{
    struct survey *survey = own;
    if (survey->is_over) return;
    printf("redis: %s\n", why);
    end(survey, is_refusal ? EXIT_CONFIG : EXIT_UNREACHABLE);
}

static void on_room(void *own)
{
    (void)own;
}

enum exit_status survey_cache(const struct config *config)
{
    static const struct cache_connection_events events = { on_server, on_ready, on_lost, on_room };
    if (!config->redis.is_given) return EXIT_WELL;
    const struct cache_connection_settings settings = {
        .name = config->name,
        .connect_ms = GIVE_UP_MS,
        .timeout_ms = (uint32_t)config->redis.timeout_ms,
    };
    struct survey survey = { .config = config, .loop = loop_new() };
    CHECK(survey.loop);
    survey.connection = cache_connection_new(survey.loop, &settings, &events, &survey);
    loop_run(survey.loop);
    cache_connection_free(survey.connection);
    explicit_bzero(&survey.server, sizeof survey.server);
    loop_free(survey.loop);
    return survey.exit;
}
