/* SPDX-License-Identifier: Apache-2.0
 *
 * Writes /status from the latest snapshot; what changes faster (lanes, the loop's beat) comes from
 * the pulses, so that it is true while the loop stands still. */
#include "ops/status.h"

#include <stdio.h>
#include <string.h>

#include "ops/json_write.h"

static void write_lines(struct json_write *json, const char *key, const char *words)
{
    json_write_open(json, key, '[');
    while (*words) {
        char line[BOARD_WORDS_BYTES + 1];
        const size_t len = strcspn(words, "\n");
        snprintf(line, sizeof line, "%.*s", (int)len, words);
        json_write_text(json, NULL, line);
        words += len + (words[len] == '\n');
    }
    json_write_close(json, ']');
}

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
    json_write_close(json, '}');
}

static void write_lane(struct json_write *json, uint64_t now_ms, uint64_t since_ms,
                       const struct board_lane *lane)
{
    json_write_open(json, NULL, '{');
    json_write_text(json, "state", since_ms ? "busy" : "idle");
    json_write_count(json, "busy_ms", since_ms && now_ms > since_ms ? now_ms - since_ms : 0);
    json_write_count(json, "handled", lane->handled);
    json_write_close(json, '}');
}

static void write_consumer(struct json_write *json, const struct board *board, size_t i,
                           const struct board_consumer *consumer)
{
    json_write_open(json, NULL, '{');
    json_write_text(json, "queue", consumer->queue);
    json_write_text(json, "name", consumer->name);
    json_write_open(json, "handler", '{');
    json_write_text(json, "name", consumer->handler);
    json_write_text(json, "version", consumer->handler_version);
    json_write_close(json, '}');
    json_write_bool(json, "subscribed", consumer->subscribed);
    json_write_bool(json, "paused", consumer->paused);
    json_write_text_or_null(json, "why", consumer->why);
    json_write_count(json, "prefetch", consumer->prefetch);
    json_write_count(json, "in_flight", consumer->in_flight);
    json_write_count(json, "bytes_in_flight", consumer->bytes_in_flight);
    json_write_count(json, "received", consumer->received);
    json_write_count(json, "done", consumer->done);
    json_write_count(json, "retried", consumer->retried);
    json_write_count(json, "dead", consumer->dead);
    json_write_count(json, "timeout_ms", board_timeout_ms(board, i));
    json_write_open(json, "lanes", '[');
    for (size_t lane = 0; lane < consumer->n_lanes; lane++) {
        write_lane(json, board_counted_ms(board), board_lane_since_ms(board, i, lane),
                   &consumer->lanes[lane]);
    }
    json_write_close(json, ']');
    json_write_text_or_null(json, "last_error", consumer->last_error);
    json_write_close(json, '}');
}

static void write_snapshot(struct json_write *json, const struct board *board,
                           const struct board_snapshot *snapshot, int64_t now_unix_us)
{
    const int64_t up_us = now_unix_us - snapshot->started_unix_us;
    json_write_text(json, "name", snapshot->name);
    json_write_text(json, "version", snapshot->version);
    json_write_time(json, "started", snapshot->started_unix_us);
    json_write_int(json, "uptime_seconds", up_us > 0 ? up_us / 1000000 : 0);
    json_write_open(json, "connections", '[');
    for (size_t i = 0; i < snapshot->n_servers; i++) write_server(json, &snapshot->servers[i]);
    json_write_close(json, ']');
    json_write_open(json, "consumers", '[');
    for (size_t i = 0; i < snapshot->n_consumers; i++) {
        write_consumer(json, board, i, &snapshot->consumers[i]);
    }
    json_write_close(json, ']');
}

void status_write(const struct board *board, const struct board_snapshot *snapshot,
                  const struct status_health *health, int64_t now_unix_us, struct metrics_text *out)
{
    static const struct board_snapshot nothing = { .name = "", .version = "" };
    struct json_write json = { out, false };
    json_write_open(&json, NULL, '{');
    json_write_time(&json, "now", now_unix_us);
    json_write_bool(&json, "live", health->live);
    json_write_bool(&json, "ready", health->ready);
    json_write_bool(&json, "draining", board_is_draining(board));
    write_lines(&json, "reasons", health->ready ? "" : health->words);
    write_snapshot(&json, board, snapshot ? snapshot : &nothing, now_unix_us);
    json_write_close(&json, '}');
    metrics_text_put(out, "\n");
}
