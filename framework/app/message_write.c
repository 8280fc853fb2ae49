/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages as JSON; see message_write.h. */
#include "app/message_write.h"

#include <stdlib.h>
#include <string.h>

#include "base/base64.h"
#include "base/check.h"
#include "base/json.h"

static const struct text_key {
    const char *name;
    size_t at; /* in struct amqp_outgoing */
} text_keys[] = {
#define KEY(name, member) { name, offsetof(struct amqp_outgoing, member) }
    KEY("id", message_id),
    KEY("type", type),
    KEY("exchange", exchange),
    KEY("key", routing_key),
    KEY("content_type", content_type),
    KEY("content_encoding", content_encoding),
    KEY("correlation_id", correlation_id),
    KEY("reply_to", reply_to),
    KEY("expiration", expiration),
    KEY("app_id", app_id),
    KEY("user_id", user_id),
#undef KEY
};

void message_write_header(struct json_write *json, const struct wr_pair *header)
{
    char *const name = text_copy(header->name);
    if (header->kind == WR_H_INT)
        json_write_int(json, name, header->number);
    else if (header->kind == WR_H_BOOL)
        json_write_bool(json, name, header->number != 0);
    else
        json_write_span(json, name, header->text);
    free(name);
}

void message_write_text(struct json_write *json, struct wr_text body)
{
    if (text_is_utf8(body)) {
        json_write_span(json, "body", body);
        return;
    }
    const size_t n = BASE64_ENCODED_BYTES(body.len);
    char *const encoded = memory_new(1, n + 1);
    base64_encode(body, encoded);
    json_write_span(json, "body64", text_from(encoded, n));
    free(encoded);
}

/* JSON within a line: a newline between its tokens would end the line. */
static bool is_json(const struct amqp_outgoing *message)
{
    if (!text_is(message->content_type, "application/json")) return false;
    if (memchr(message->body.at, '\n', message->body.len)) return false;
    struct json *const json = NEW(struct json);
    const bool is_good = json_open(json, message->body) == JSON_OK &&
                         json_kind(json, "") != JSON_IS_TEXT && json_kind(json, "") != JSON_IS_NULL;
    free(json);
    return is_good;
}

static void write_body(struct json_write *json, const struct amqp_outgoing *message)
{
    if (is_json(message))
        json_write_raw(json, "body", message->body);
    else
        message_write_text(json, message->body);
}

void message_write_members(struct json_write *json, const struct amqp_outgoing *message)
{
    for (size_t i = 0; i < sizeof text_keys / sizeof *text_keys; i++) {
        struct wr_text text;
        memcpy(&text, (const char *)message + text_keys[i].at, sizeof text);
        if (text.len) json_write_span(json, text_keys[i].name, text);
    }
    if (message->timestamp_ms) json_write_int(json, "timestamp", message->timestamp_ms);
    if (message->priority) json_write_int(json, "priority", message->priority);
    if (message->n_headers) {
        json_write_open(json, "headers", '{');
        for (size_t i = 0; i < message->n_headers; i++)
            message_write_header(json, &message->headers[i]);
        json_write_close(json, '}');
    }
    write_body(json, message);
}
