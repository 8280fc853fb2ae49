/* SPDX-License-Identifier: Apache-2.0
 *
 * Keeping what came of a message when its own memory goes; see trial_parts.h. Everything an outcome
 * points to is copied: rows, cache entries, messages and their headers. */
#include <string.h>

#include "base/check.h"
#include "plugin/trial_parts.h"

struct wr_text trial_keep_text(struct arena *arena, struct wr_text text)
{
    char *const copy = arena_take_bytes(arena, text.len + 1);
    if (text.len) memcpy(copy, text.at, text.len);
    copy[text.len] = '\0';
    return text_from(copy, text.len);
}

static void *keep(struct arena *arena, const void *from, size_t bytes)
{
    return memcpy(arena_take(arena, bytes), from, bytes);
}

static void keep_rows(struct arena *arena, struct row **at)
{
    for (; *at; at = &(*at)->next) {
        struct row *const row = *at = keep(arena, *at, sizeof **at);
        row->values = keep(arena, row->values, row->bytes);
        row->room = row->bytes;
    }
}

static void keep_caches(struct arena *arena, struct effect_cache **at)
{
    for (; *at; at = &(*at)->next) {
        struct effect_cache *const cache = *at = keep(arena, *at, sizeof **at);
        cache->key = trial_keep_text(arena, cache->key);
        cache->value = trial_keep_text(arena, cache->value);
    }
}

static void keep_headers(struct arena *arena, struct wr_outgoing *message)
{
    if (message->n_headers == 0) return;
    struct wr_pair *const headers =
        keep(arena, message->headers, message->n_headers * sizeof *headers);
    for (size_t i = 0; i < message->n_headers; i++) {
        headers[i].name = trial_keep_text(arena, headers[i].name);
        headers[i].text = trial_keep_text(arena, headers[i].text);
    }
    message->headers = headers;
}

static void keep_publishes(struct arena *arena, struct effect_publish **at)
{
    for (; *at; at = &(*at)->next) {
        struct effect_publish *const publish = *at = keep(arena, *at, sizeof **at);
        struct wr_outgoing *const message = &publish->message;
        struct wr_text *const texts[] = { &message->exchange,       &message->routing_key,
                                          &message->type,           &message->body,
                                          &message->content_type,   &message->message_id,
                                          &message->correlation_id, &message->reply_to };
        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
            *texts[i] = trial_keep_text(arena, *texts[i]);
        keep_headers(arena, message);
    }
}

void trial_keep(struct arena *arena, const struct job_outcome *from, struct job_outcome *to)
{
    *to = *from;
    to->reason = trial_keep_text(arena, from->reason);
    to->code = trial_keep_text(arena, from->code);
    keep_rows(arena, &to->effects.rows);
    keep_caches(arena, &to->effects.caches);
    keep_publishes(arena, &to->effects.publishes);
}
