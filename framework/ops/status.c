/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes /status from the latest snapshot; what changes faster (lanes, the loop's beat) comes from
 * the pulses, so that it is true while the loop stands still. */
#include "ops/status.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/clock.h"
#include "base/log_kept.h"

static void write_server(struct json_write *json, const struct board_server *server)
{
    json_write_open(json, NULL, '{');
    json_write_text(json, "server", server->kind);
    json_write_text(json, "name", server->name);
    json_write_text(json, "address", server->address);
    json_write_bool(json, "connected", server->connected);
    json_write_time(json, "since", server->since_unix_us);
    json_write_count(json, "reconnects", server->reconnects);
    json_write_text_or_null(json, "last_error", server->last_error);
    json_write_text_or_null(json, "breaker", server->breaker);
    json_write_close(json, '}');
}

static void write_lane(struct json_write *json, const struct board *board, size_t consumer,
                       size_t nth, const struct board_lane *lane)
{
    const uint64_t now_ms = board_counted_ms(board);
    const uint64_t since_ms = board_lane_since_ms(board, consumer, nth);
    json_write_open(json, NULL, '{');
    json_write_text(json, "state", since_ms ? "busy" : "idle");
    json_write_bool(json, "stuck", board_lane_is_stuck(board, consumer, nth));
    json_write_count(json, "busy_ms", since_ms && now_ms > since_ms ? now_ms - since_ms : 0);
    json_write_count(json, "handled", lane->handled);
    json_write_close(json, '}');
}

/* Where the messages of a consumer are: at the broker, then in our hands. */
static void write_stages(struct json_write *json, const struct board_consumer *consumer)
{
    static const char *const names[BOARD_STAGES] = {
        [BOARD_WAITING] = "waiting", [BOARD_HANDLING] = "handling", [BOARD_HELD] = "held",
        [BOARD_STAGED] = "staged",   [BOARD_STORING] = "storing",   [BOARD_CACHING] = "caching",
        [BOARD_SENDING] = "sending", [BOARD_ACKING] = "acking",
    };
    json_write_count(json, "ready", consumer->ready);
    json_write_count(json, "retry_ready", consumer->retry_ready);
    json_write_count(json, "dead_ready", consumer->dead_ready);
    json_write_time(json, "counted", consumer->counted_unix_us);
    json_write_open(json, "stages", '{');
    for (int i = 0; i < BOARD_STAGES; i++) json_write_count(json, names[i], consumer->stages[i]);
    json_write_close(json, '}');
}

static void write_pace(struct json_write *json, const struct history *history, size_t i)
{
    const struct history_pace pace = history_pace(history, i);
    json_write_open(json, "rates", '{');
    json_write_number(json, "received", pace.received);
    json_write_number(json, "done", pace.done);
    json_write_number(json, "retried", pace.retried);
    json_write_number(json, "dead", pace.dead);
    json_write_close(json, '}');
    json_write_number(json, "lanes_busy", pace.lanes_busy);
    json_write_count(json, "settle_median_us", pace.median_us);
    json_write_count(json, "settle_p99_us", pace.late_us);
    json_write_open(json, "recent_done", '[');
    for (unsigned step = 0; step < history_brief_steps(history); step++)
        json_write_count(json, NULL, history_brief_done(history, i, step));
    json_write_close(json, ']');
}

static void write_consumer(struct json_write *json, const struct health_facts *facts, size_t i)
{
    const struct board_consumer *const consumer = &facts->snapshot->consumers[i];
    struct health_state state;
    health_judge(facts, i, &state);
    json_write_open(json, NULL, '{');
    json_write_text(json, "queue", consumer->queue);
    json_write_text(json, "name", consumer->name);
    json_write_open(json, "handler", '{');
    json_write_text(json, "name", consumer->handler);
    json_write_text(json, "version", consumer->handler_version);
    json_write_close(json, '}');
    health_write_state(json, &state);
    json_write_bool(json, "subscribed", consumer->subscribed);
    json_write_bool(json, "paused", consumer->paused);
    json_write_text_or_null(json, "why", consumer->why);
    json_write_time(json, "since", consumer->since_unix_us);
    json_write_text_or_null(json, "breaker", consumer->breaker);
    json_write_count(json, "prefetch", consumer->prefetch);
    json_write_count(json, "in_flight", consumer->in_flight);
    json_write_count(json, "bytes_in_flight", consumer->bytes_in_flight);
    json_write_count(json, "received", consumer->received);
    json_write_count(json, "done", consumer->done);
    json_write_count(json, "retried", consumer->retried);
    json_write_count(json, "dead", consumer->dead);
    json_write_count(json, "crashes", consumer->crashes);
    write_stages(json, consumer);
    if (facts->history) write_pace(json, facts->history, i);
    json_write_count(json, "timeout_ms", board_timeout_ms(facts->board, i));
    json_write_open(json, "lanes", '[');
    for (size_t lane = 0; lane < consumer->n_lanes; lane++)
        write_lane(json, facts->board, i, lane, &consumer->lanes[lane]);
    json_write_close(json, ']');
    json_write_text_or_null(json, "last_error", consumer->last_error);
    json_write_close(json, '}');
}

static void write_cache(struct json_write *json, const struct board_cache *cache)
{
    const uint64_t known = cache->hits + cache->absents, read = known + cache->misses;
    if (!cache->is_there) {
        json_write_null(json, "cache");
        return;
    }
    json_write_open(json, "cache", '{');
    if (read)
        json_write_number(json, "hit_ratio", (double)known / (double)read);
    else
        json_write_null(json, "hit_ratio");
    json_write_open(json, "reads", '{');
    json_write_count(json, "hit", cache->hits);
    json_write_count(json, "absent", cache->absents);
    json_write_count(json, "miss", cache->misses);
    json_write_close(json, '}');
    json_write_open(json, "writes", '{');
    json_write_count(json, "stored", cache->stored);
    json_write_count(json, "stale", cache->stale);
    json_write_count(json, "failed", cache->failed);
    json_write_close(json, '}');
    json_write_count(json, "pending", cache->pending);
    json_write_count(json, "repairs", cache->repairs);
    json_write_close(json, '}');
}

static void write_deaths(struct json_write *json, const struct board_snapshot *snapshot)
{
    json_write_count(json, "restarts", snapshot->restarts);
    json_write_text_or_null(json, "last_death", snapshot->last_death);
    json_write_time(json, "last_death_at", snapshot->last_death_unix_us);
    json_write_text_or_null(json, "last_death_by", snapshot->last_death_by);
    json_write_text_or_null(json, "last_death_consumer", snapshot->last_death_consumer);
    json_write_text_or_null(json, "last_death_handler", snapshot->last_death_handler);
    json_write_text_or_null(json, "last_death_message", snapshot->last_death_message);
}

/* How long it is up is no difference of two times of day, which somebody may have set. */
static void write_snapshot(struct json_write *json, const struct health_facts *facts)
{
    const struct board_snapshot *const snapshot = facts->snapshot;
    const uint64_t up_ms = snapshot->started_ms ? clock_now_ms() - snapshot->started_ms : 0;
    json_write_text(json, "name", snapshot->name);
    json_write_text(json, "version", snapshot->version);
    json_write_time(json, "started", snapshot->started_unix_us);
    json_write_count(json, "uptime_seconds", up_ms / 1000);
    write_deaths(json, snapshot);
    json_write_open(json, "connections", '[');
    for (size_t i = 0; i < snapshot->n_servers; i++) write_server(json, &snapshot->servers[i]);
    json_write_close(json, ']');
    write_cache(json, &snapshot->cache);
    json_write_open(json, "consumers", '[');
    for (size_t i = 0; i < snapshot->n_consumers; i++) write_consumer(json, facts, i);
    json_write_close(json, ']');
}

static void write_faults(struct json_write *json)
{
    struct log_kept *kept = memory_new(LOG_KEPT_MOST, sizeof *kept);
    const size_t n = log_kept_copy(kept);
    char words[BOARD_WORDS_BYTES];
    json_write_open(json, "faults", '[');
    for (size_t i = 0; i < n; i++) {
        json_write_open(json, NULL, '{');
        json_write_time(json, "at", kept[i].last_unix_us);
        json_write_time(json, "since", kept[i].first_unix_us);
        json_write_count(json, "count", kept[i].count);
        json_write_text(json, "level", kept[i].level == WR_ERROR ? "error" : "warn");
        json_write_text(json, "room", kept[i].room);
        json_write_text(json, "what", kept[i].what);
        board_say(words, sizeof words, kept[i].about);
        json_write_text_or_null(json, "about", words);
        board_say(words, sizeof words, kept[i].reason);
        json_write_text_or_null(json, "reason", words);
        json_write_close(json, '}');
    }
    json_write_close(json, ']');
    free(kept);
}

static void write_steps(struct json_write *json, const struct history *history, const char *key,
                        size_t offset)
{
    json_write_open(json, key, '[');
    for (unsigned i = 0; i < history_steps(history); i++) {
        uint32_t number;
        memcpy(&number, (const char *)history_step(history, i) + offset, sizeof number);
        json_write_count(json, NULL, number);
    }
    json_write_close(json, ']');
}

/* From the oldest to the newest: what was done within each step. */
static void write_history(struct json_write *json, const struct history *history)
{
    json_write_open(json, "history", '{');
    json_write_count(json, "step_ms", HISTORY_STEP_MS);
    write_steps(json, history, "done", offsetof(struct history_step, done));
    write_steps(json, history, "retried", offsetof(struct history_step, retried));
    write_steps(json, history, "dead", offsetof(struct history_step, dead));
    write_steps(json, history, "settle_median_us", offsetof(struct history_step, median_us));
    write_steps(json, history, "settle_p99_us", offsetof(struct history_step, late_us));
    json_write_close(json, '}');
}

void status_write(const struct health_facts *given, int64_t now_unix_us, struct metrics_text *out)
{
    static const struct board_snapshot nothing = { .name = "", .version = "" };
    struct health_facts facts = *given;
    struct json_write json = { out, false };
    if (!facts.snapshot) facts.snapshot = &nothing;
    json_write_open(&json, NULL, '{');
    json_write_time(&json, "now", now_unix_us);
    json_write_bool(&json, "live", facts.is_live);
    json_write_bool(&json, "ready", facts.is_ready);
    json_write_bool(&json, "draining", board_is_draining(facts.board));
    health_write_lines(&json, "reasons", facts.is_ready ? "" : facts.words, NULL);
    health_write(&json, &facts);
    write_snapshot(&json, &facts);
    write_faults(&json);
    if (facts.history) write_history(&json, facts.history);
    json_write_close(&json, '}');
    metrics_text_put(out, "\n");
}
