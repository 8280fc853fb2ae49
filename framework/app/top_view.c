/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading /status; see top_view.h. What is missing or of another kind counts as nothing: hosts of other
 * versions are looked at, too. */
#include "app/top_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/check.h"
#include "base/json.h"
#include "base/time_text.h"

struct reader {
    struct json json;
    struct arena arena;
    struct top_view *view;
    int64_t now_us;
};

/* ---- fields ---------------------------------------------------------------------------------- */

static void read_text(struct reader *reader, const char *field, char *out, size_t bytes)
{
    struct wr_text text;
    if (json_text(&reader->json, field, &reader->arena, &text) != JSON_OK) text = text_of("");
    text_show(text, out, bytes);
}

static int64_t read_int(struct reader *reader, const char *field)
{
    int64_t number;
    return json_int(&reader->json, field, &number) == JSON_OK ? number : 0;
}

static double read_float(struct reader *reader, const char *field)
{
    double number;
    return json_float(&reader->json, field, &number) == JSON_OK ? number : 0;
}

static bool read_bool(struct reader *reader, const char *field)
{
    bool is_true;
    return json_bool(&reader->json, field, &is_true) == JSON_OK && is_true;
}

static int64_t read_time_us(struct reader *reader, const char *field)
{
    struct wr_text text;
    int64_t us;
    const bool is_time = json_text(&reader->json, field, &reader->arena, &text) == JSON_OK &&
                         time_from_rfc3339(text, &us);
    return is_time ? us : 0;
}

static enum top_level read_level(struct reader *reader, const char *field)
{
    char word[8];
    read_text(reader, field, word, sizeof word);
    return !strcmp(word, "good") ? TOP_GOOD : !strcmp(word, "warn") ? TOP_WARN : TOP_BAD;
}

/* Calls for each entry of a list, with the entry as the current value. */
static void each(struct reader *reader, const char *list, size_t most,
                 void (*read)(struct reader *reader, size_t nth))
{
    for (size_t i = 0; i < most; i++) {
        if (json_enter(&reader->json, list, i, &reader->arena, NULL) != JSON_OK) return;
        read(reader, i);
        (void)json_leave(&reader->json);
    }
}

/* ---- entries --------------------------------------------------------------------------------- */

static void read_reason(struct reader *reader, size_t nth)
{
    read_text(reader, "", reader->view->lines[nth], TOP_TEXT);
    reader->view->n_lines = (unsigned)nth + 1;
}

static void read_server(struct reader *reader, size_t nth)
{
    struct top_view *view = reader->view;
    struct top_server *server = &view->servers[nth];
    char breaker[16];
    read_text(reader, "server", server->kind, sizeof server->kind);
    read_text(reader, "name", server->name, sizeof server->name);
    read_text(reader, "last_error", server->last_error, sizeof server->last_error);
    read_text(reader, "breaker", breaker, sizeof breaker);
    server->is_connected = read_bool(reader, "connected");
    server->is_broken = *breaker && strcmp(breaker, "closed") != 0;
    view->n_servers = (unsigned)nth + 1;
}

static void read_fault(struct reader *reader, size_t nth)
{
    struct top_fault *fault = &reader->view->faults[nth];
    char level[16];
    read_text(reader, "what", fault->what, sizeof fault->what);
    read_text(reader, "about", fault->about, sizeof fault->about);
    read_text(reader, "reason", fault->reason, sizeof fault->reason);
    read_text(reader, "level", level, sizeof level);
    fault->is_error = !strcmp(level, "error");
    fault->count = read_int(reader, "count");
    fault->ago_s = (reader->now_us - read_time_us(reader, "at")) / 1000000;
    reader->view->n_faults = (unsigned)nth + 1;
}

static void read_step(struct reader *reader, size_t nth)
{
    reader->view->done[nth] = read_float(reader, "");
    reader->view->n_steps = (unsigned)nth + 1;
}

static void read_lane(struct reader *reader, size_t nth)
{
    struct top_consumer *consumer = &reader->view->consumers[reader->view->n_consumers];
    consumer->lanes = (unsigned)nth + 1;
}

static void read_stages(struct reader *reader, struct top_consumer *consumer)
{
    static const char *const fields[TOP_STAGES] = {
        [TOP_READY] = "ready",
        [TOP_WAITING] = "stages.waiting",
        [TOP_HANDLING] = "stages.handling",
        [TOP_STAGED] = "stages.staged",
        [TOP_STORING] = "stages.storing",
        [TOP_CACHING] = "stages.caching",
        [TOP_SENDING] = "stages.sending",
        [TOP_ACKING] = "stages.acking",
    };
    for (int i = 0; i < TOP_STAGES; i++) consumer->stages[i] = read_int(reader, fields[i]);
    consumer->held = read_int(reader, "stages.held");
}

static const struct {
    const char *field;
    size_t offset;
} numbers[] = {
    { "done", offsetof(struct top_consumer, done) },
    { "retried", offsetof(struct top_consumer, retried) },
    { "dead", offsetof(struct top_consumer, dead) },
    { "in_flight", offsetof(struct top_consumer, in_flight) },
    { "prefetch", offsetof(struct top_consumer, prefetch) },
    { "ready", offsetof(struct top_consumer, ready) },
    { "retry_ready", offsetof(struct top_consumer, retry_ready) },
    { "dead_ready", offsetof(struct top_consumer, dead_ready) },
    { "settle_p99_us", offsetof(struct top_consumer, late_us) },
    { "settle_median_us", offsetof(struct top_consumer, median_us) },
};
#define NUMBERS (sizeof numbers / sizeof *numbers)

static int64_t *number_of(struct top_consumer *consumer, size_t nth)
{
    return (int64_t *)(void *)((char *)consumer + numbers[nth].offset);
}

static void add_up(struct top_consumer *sum, struct top_consumer *one)
{
    for (size_t i = 0; i < NUMBERS; i++) {
        const bool is_time = strstr(numbers[i].field, "_us") != NULL;
        int64_t *all = number_of(sum, i), here = *number_of(one, i);
        *all = !is_time ? *all + here : here > *all ? here : *all;
    }
    for (int i = 0; i < TOP_STAGES; i++) sum->stages[i] += one->stages[i];
    sum->done_rate += one->done_rate;
    sum->held += one->held;
}

static void read_consumer(struct reader *reader, size_t nth)
{
    struct top_view *view = reader->view;
    struct top_consumer *consumer = &view->consumers[nth];
    consumer->nth = nth;
    read_text(reader, "name", consumer->name, sizeof consumer->name);
    read_text(reader, "state.word", consumer->word, sizeof consumer->word);
    consumer->level = read_level(reader, "state.level");
    consumer->trouble = (unsigned)read_int(reader, "state.trouble");
    consumer->done_rate = read_float(reader, "rates.done");
    consumer->lanes_busy = read_float(reader, "lanes_busy");
    for (size_t i = 0; i < NUMBERS; i++)
        *number_of(consumer, i) = read_int(reader, numbers[i].field);
    each(reader, "lanes", SIZE_MAX, read_lane);
    read_stages(reader, consumer);
    add_up(&view->sum, consumer);
    view->n_consumers = nth + 1;
}

/* What it was of, without the call stack; in whose message. */
static void read_death(struct reader *reader)
{
    struct top_death *death = &reader->view->death;
    char what[TOP_TEXT], by[16], consumer[TOP_TEXT], message[TOP_TEXT];
    death->restarts = read_int(reader, "restarts");
    death->ago_s = (reader->now_us - read_time_us(reader, "last_death_at")) / 1000000;
    read_text(reader, "last_death", what, sizeof what);
    read_text(reader, "last_death_by", by, sizeof by);
    read_text(reader, "last_death_consumer", consumer, sizeof consumer);
    read_text(reader, "last_death_message", message, sizeof message);
    const char *const frames = strstr(what, strcmp(by, "crash") ? " < " : ": ");
    const int shown = frames ? (int)(frames - what) : (int)strlen(what);
    snprintf(death->words, sizeof death->words, "%.*s%s%s%s%s", shown, what,
             *consumer ? ", in " : "", consumer, *message ? " on message " : "", message);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* The worst first; among equals as configured. */
static int by_trouble(const void *left, const void *right)
{
    const struct top_consumer *const a = left, *const b = right;
    if (a->trouble != b->trouble) return a->trouble > b->trouble ? -1 : 1;
    return a->nth < b->nth ? -1 : 1;
}

static void read_all(struct reader *reader)
{
    struct top_view *view = reader->view;
    char now[40];
    size_t n;
    reader->now_us = read_time_us(reader, "now");
    read_text(reader, "now", now, sizeof now);
    if (strlen(now) > 19) snprintf(view->clock, sizeof view->clock, "%.8s", now + 11);
    read_text(reader, "name", view->name, sizeof view->name);
    read_text(reader, "version", view->version, sizeof view->version);
    view->up_s = read_int(reader, "uptime_seconds");
    read_death(reader);
    read_text(reader, "health.title", view->verdict, sizeof view->verdict);
    view->level = read_level(reader, "health.level");
    each(reader, "health.reasons", TOP_LINES, read_reason);
    each(reader, "connections", TOP_SERVERS, read_server);
    if (json_count(&reader->json, "consumers", &n) != JSON_OK) n = 0;
    view->consumers = memory_new(n + 1, sizeof *view->consumers);
    each(reader, "consumers", n, read_consumer);
    each(reader, "faults", TOP_FAULTS, read_fault);
    each(reader, "history.done", TOP_STEPS, read_step);
    const double step_s = (double)read_int(reader, "history.step_ms") / 1e3;
    for (unsigned i = 0; i < view->n_steps && step_s > 0; i++) view->done[i] /= step_s;
}

bool top_view_read(struct top_view *view, struct wr_text document)
{
    struct reader *reader = memory_new(1, sizeof *reader);
    *view = (struct top_view){ 0 };
    reader->view = view;
    arena_init(&reader->arena, NULL, 0);
    const bool is_status =
        json_open(&reader->json, document) == JSON_OK && json_has(&reader->json, "consumers");
    if (is_status) {
        read_all(reader);
        qsort(view->consumers, view->n_consumers, sizeof *view->consumers, by_trouble);
    }
    arena_reset(&reader->arena);
    free(reader);
    return is_status;
}

void top_view_fini(struct top_view *view)
{
    free(view->consumers);
    view->consumers = NULL;
}
