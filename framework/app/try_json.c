/* SPDX-License-Identifier: Apache-2.0
 *
 * A trial's outcome as one line of JSON. Values keep their kind: numbers are numbers, jsonb is what it
 * says, everything else is text as psql shows it. */
#include <string.h>

#include "app/message_write.h"
#include "app/try_show.h"

static bool is_number(enum wr_type type, struct wr_text text)
{
    const bool is_numeric = type == WR_INT2 || type == WR_INT4 || type == WR_INT8 ||
                            type == WR_FLOAT8 || type == WR_NUMERIC;
    const char last = text.len ? text.at[text.len - 1] : '\0';
    return is_numeric && last >= '0' && last <= '9'; /* not NaN, not Infinity */
}

static void write_value(struct json_write *json, const struct wr_column *column,
                        struct row_value value)
{
    char memory[256];
    struct arena arena;
    arena_init(&arena, memory, sizeof memory);
    const struct wr_text text = row_show(&arena, column->type, value);
    if (value.len < 0)
        json_write_null(json, column->name);
    else if (column->type == WR_BOOL)
        json_write_bool(json, column->name, text_is(text, "t"));
    else if (is_number(column->type, text) ||
             (column->type == WR_JSONB && !memchr(text.at, '\n', text.len)))
        json_write_raw(json, column->name, text);
    else
        json_write_span(json, column->name, text);
    arena_reset(&arena);
}

static void write_row(struct json_write *json, const struct wr_trial *trial, const struct row *row)
{
    uint32_t at = 0;
    json_write_open(json, NULL, '{');
    json_write_int(json, "sink", row->sink);
    json_write_text(json, "table", trial_table(trial, row->sink));
    if (row->is_delete) json_write_bool(json, "delete", true);
    json_write_open(json, "columns", '{');
    for (unsigned i = 0; i < row->n; i++)
        write_value(json, trial_column(trial, row, i), row_next_value(row, &at));
    json_write_close(json, '}');
    json_write_close(json, '}');
}

static void write_cache(struct json_write *json, const struct effect_cache *cache)
{
    json_write_open(json, NULL, '{');
    json_write_span(json, "key", cache->key);
    if (cache->is_drop)
        json_write_bool(json, "drop", true);
    else
        json_write_span(json, "value", cache->value);
    json_write_count(json, "version", cache->version);
    if (!cache->is_drop) json_write_int(json, "ttl_s", cache->ttl_s);
    json_write_close(json, '}');
}

/* As a message is written in files, so that `warrener publish` takes it. */
static void write_publish(struct json_write *json, const struct effect_publish *publish)
{
    const struct wr_outgoing *const from = &publish->message;
    const struct wr_text none = { "", 0 };
    const struct amqp_outgoing message = {
        .exchange = from->exchange,
        .routing_key = from->routing_key,
        .body = from->body,
        .content_type = from->content_type,
        .content_encoding = none,
        .correlation_id = from->correlation_id,
        .reply_to = from->reply_to,
        .expiration = none,
        .message_id = from->message_id,
        .type = from->type,
        .user_id = none,
        .app_id = none,
        .headers = from->headers,
        .n_headers = from->n_headers,
        .priority = from->priority,
        .encoded = none,
    };
    json_write_open(json, NULL, '{');
    message_write_members(json, &message);
    json_write_close(json, '}');
}

static void write_wanted(struct json_write *json, const struct wr_trial *trial)
{
    const struct trial_wanted *wanted = trial_wants(trial);
    if (!wanted) return;
    json_write_open(json, "loads", '[');
    for (; wanted; wanted = wanted->next) {
        json_write_open(json, NULL, '{');
        json_write_text(json, "loader", trial_handler(trial)->loaders[wanted->loader].name);
        json_write_span(json, "key", wanted->key);
        json_write_bool(json, "found", wanted->is_found);
        json_write_close(json, '}');
    }
    json_write_close(json, ']');
}

static void write_counters(struct json_write *json, const struct try_shown *shown)
{
    const struct wr_counter *const counters = trial_handler(shown->trial)->counters;
    json_write_open(json, "counters", '{');
    for (unsigned i = 0; counters[i].name; i++)
        if (shown->counted[i]) json_write_count(json, counters[i].name, shown->counted[i]);
    json_write_close(json, '}');
}

static void write_effects(struct json_write *json, const struct try_shown *shown)
{
    const struct effects *const effects = &trial_outcome(shown->trial)->effects;
    json_write_open(json, "rows", '[');
    for (const struct row *row = effects->rows; row; row = row->next)
        write_row(json, shown->trial, row);
    json_write_close(json, ']');
    json_write_open(json, "cache", '[');
    for (const struct effect_cache *cache = effects->caches; cache; cache = cache->next)
        write_cache(json, cache);
    json_write_close(json, ']');
    json_write_open(json, "publishes", '[');
    for (const struct effect_publish *at = effects->publishes; at; at = at->next)
        write_publish(json, at);
    json_write_close(json, ']');
}

void try_show_json(const struct try_shown *shown, FILE *to)
{
    const struct job_outcome *const outcome = trial_outcome(shown->trial);
    struct metrics_text text = { 0 };
    struct json_write json = { .out = &text };
    char microseconds[32];
    json_write_open(&json, NULL, '{');
    json_write_count(&json, "line", shown->line);
    if (shown->id.len) json_write_span(&json, "id", shown->id);
    json_write_text(&json, "verdict", try_verdict_name(outcome->verdict));
    if (outcome->reason.len) json_write_span(&json, "reason", outcome->reason);
    if (outcome->code.len) json_write_span(&json, "code", outcome->code);
    write_wanted(&json, shown->trial);
    write_effects(&json, shown);
    write_counters(&json, shown);
    snprintf(microseconds, sizeof microseconds, "%.3f", shown->microseconds);
    json_write_raw(&json, "microseconds", text_of(microseconds));
    json_write_close(&json, '}');
    metrics_text_put(&text, "\n");
    fwrite(text.at, 1, text.len, to);
    metrics_text_fini(&text);
}
