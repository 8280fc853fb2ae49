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
    int64_t now_us, timeout_ms; /* the latter of the consumer in hand */
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

static void say(struct top_view *view, const char *what, const char *about, const char *more)
{
    if (view->n_lines == TOP_LINES) return;
    char words[4 * TOP_TEXT];
    snprintf(words, sizeof words, "%s%s%s%s", what, about, *more ? ": " : "", more);
    text_show(text_of(words), view->lines[view->n_lines++], TOP_TEXT);
}

static void read_reason(struct reader *reader, size_t nth)
{
    char words[TOP_TEXT];
    (void)nth;
    read_text(reader, "", words, sizeof words);
    say(reader->view, words, "", "");
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
    if (read_int(reader, "busy_ms") > reader->timeout_ms) consumer->is_stuck = true;
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

static void judge(struct top_consumer *consumer)
{
    const struct {
        bool is_so;
        int trouble;
        const char *state;
    } table[] = {
        { consumer->is_stuck, 3, "stuck" },
        { consumer->is_paused, 2, "paused" },
        { !consumer->is_subscribed, 2, "not consuming" },
        { consumer->dead_rate > 0, 1, "messages die" },
        { consumer->done_rate > 0, 0, "flowing" },
        { consumer->in_flight > 0, 0, "working" },
        { true, 0, "idle" },
    };
    size_t i = 0;
    while (!table[i].is_so) i++;
    consumer->trouble = table[i].trouble;
    consumer->state = table[i].state;
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
    sum->dead_rate += one->dead_rate;
    sum->held += one->held;
}

static void read_consumer(struct reader *reader, size_t nth)
{
    struct top_view *view = reader->view;
    struct top_consumer *consumer = &view->consumers[nth];
    read_text(reader, "name", consumer->name, sizeof consumer->name);
    read_text(reader, "why", consumer->why, sizeof consumer->why);
    consumer->is_subscribed = read_bool(reader, "subscribed");
    consumer->is_paused = read_bool(reader, "paused");
    consumer->done_rate = read_float(reader, "rates.done");
    consumer->dead_rate = read_float(reader, "rates.dead");
    consumer->lanes_busy = read_float(reader, "lanes_busy");
    for (size_t i = 0; i < NUMBERS; i++)
        *number_of(consumer, i) = read_int(reader, numbers[i].field);
    reader->timeout_ms = read_int(reader, "timeout_ms");
    each(reader, "lanes", SIZE_MAX, read_lane);
    read_stages(reader, consumer);
    judge(consumer);
    add_up(&view->sum, consumer);
    view->n_consumers = nth + 1;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* The worst first; among equals as configured. */
static void sort(struct top_view *view)
{
    struct top_consumer *sorted = memory_new(view->n_consumers + 1, sizeof *sorted);
    size_t n = 0;
    for (int trouble = 3; trouble >= 0; trouble--)
        for (size_t i = 0; i < view->n_consumers; i++)
            if (view->consumers[i].trouble == trouble) sorted[n++] = view->consumers[i];
    free(view->consumers);
    view->consumers = sorted;
}

/* Where the host itself says that work flows: what is amiss all the same. */
static void look_for_trouble(struct top_view *view)
{
    for (unsigned i = 0; i < view->n_servers; i++) {
        const struct top_server *server = &view->servers[i];
        if (!server->is_connected) say(view, server->kind, " is away", server->last_error);
        if (server->is_connected && server->is_broken)
            say(view, "nothing is sent to ", server->kind, "its breaker is open");
    }
    for (size_t i = 0; i < view->n_consumers && view->consumers[i].trouble > 1; i++) {
        char words[2 * TOP_TEXT];
        snprintf(words, sizeof words, "%s is %s", view->consumers[i].name,
                 view->consumers[i].state);
        say(view, words, "", view->consumers[i].why);
    }
    if (view->sum.dead_rate > 0) say(view, "messages are going to the dead queue", "", "");
}

static void conclude(struct top_view *view)
{
    const bool is_well = view->is_live && view->is_ready && !view->is_draining;
    if (is_well) look_for_trouble(view);
    view->trouble = is_well ? view->n_lines > 0 : view->is_live && view->is_draining ? 1 : 2;
    view->verdict = !view->is_live      ? "Stuck"
                    : view->is_draining ? "Draining"
                    : !*view->version   ? "Starting"
                    : !view->is_ready   ? "Not ready"
                    : view->trouble     ? "Work flows, with trouble"
                                        : "All is well";
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
    view->is_live = read_bool(reader, "live");
    view->is_ready = read_bool(reader, "ready");
    view->is_draining = read_bool(reader, "draining");
    each(reader, "reasons", TOP_LINES, read_reason);
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
        sort(view);
        conclude(view);
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
