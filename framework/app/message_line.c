/* SPDX-License-Identifier: Apache-2.0
 *
 * Messages in files; see message_line.h. One table of keys says what a line may hold. */
#include "app/message_line.h"

#include <stddef.h>

#include "base/base64.h"
#include "base/time_text.h"

#define HEADERS_MOST 64

struct reading {
    struct json *json;
    struct arena *arena;
    struct amqp_outgoing *message;
    struct status *status;
};

static bool refuse(struct reading *reading, const char *key, enum json_fault fault)
{
    char words[JSON_WORDS_BYTES];
    return status_fail(reading->status, EXIT_USAGE, "\"%s\" %s", key,
                       json_words(reading->json, fault, words, sizeof words));
}

static bool read_text(struct reading *reading, const char *key, void *into)
{
    const enum json_fault fault = json_text(reading->json, key, reading->arena, into);
    return fault == JSON_OK || refuse(reading, key, fault);
}

static bool read_body(struct reading *reading, const char *key, void *into)
{
    if (json_kind(reading->json, key) == JSON_IS_TEXT) {
        const enum json_fault fault = json_text(reading->json, key, reading->arena, into);
        return fault == JSON_OK || fault == JSON_HOLDS_NUL || refuse(reading, key, fault);
    }
    if (!reading->message->content_type.len)
        reading->message->content_type = WR_TEXT_OF("application/json");
    const enum json_fault fault = json_raw(reading->json, key, into);
    return fault == JSON_OK || refuse(reading, key, fault);
}

static bool read_body64(struct reading *reading, const char *key, void *into)
{
    struct wr_text encoded, *body = into;
    if (!read_text(reading, key, &encoded)) return false;
    char *bytes = arena_take_bytes(reading->arena, BASE64_DECODED_MOST(encoded.len));
    size_t length;
    if (!base64_decode(encoded, bytes, &length))
        return status_fail(reading->status, EXIT_USAGE, "\"%s\" is not base64", key);
    *body = (struct wr_text){ bytes, length };
    return true;
}

/* Milliseconds as a number, or RFC 3339 as text. */
static bool read_time(struct reading *reading, const char *key, void *into)
{
    int64_t *ms = into, us;
    struct wr_text text;
    if (json_kind(reading->json, key) != JSON_IS_TEXT) {
        const enum json_fault fault = json_int(reading->json, key, ms);
        return fault == JSON_OK || refuse(reading, key, fault);
    }
    if (!read_text(reading, key, &text)) return false;
    if (!time_from_rfc3339(text, &us))
        return status_fail(reading->status, EXIT_USAGE,
                           "\"%s\" is not a time like 2026-01-02T03:04:05Z", key);
    *ms = us / 1000;
    return true;
}

static bool read_priority(struct reading *reading, const char *key, void *into)
{
    int64_t number;
    const enum json_fault fault = json_int(reading->json, key, &number);
    if (fault != JSON_OK) return refuse(reading, key, fault);
    if (number < 0 || number > 255)
        return status_fail(reading->status, EXIT_USAGE, "\"%s\" is %lld; allowed: 0 to 255", key,
                           (long long)number);
    *(uint8_t *)into = (uint8_t)number;
    return true;
}

/* A broker closes the channel over another one, and names no message. */
static bool check_expiration(struct wr_text value, struct status *status)
{
    int64_t ms;
    if (text_to_int(value, &ms) && ms >= 0 && ms <= UINT32_MAX) return true;
    char shown[64];
    return status_fail(status, EXIT_USAGE,
                       "\"expiration\" is \"%s\"; allowed: milliseconds as text, \"0\" to "
                       "\"4294967295\"",
                       text_show(value, shown, sizeof shown));
}

static bool read_expiration(struct reading *reading, const char *key, void *into)
{
    return read_text(reading, key, into) &&
           check_expiration(*(struct wr_text *)into, reading->status);
}

static bool read_header(struct reading *reading, struct wr_text name, struct wr_pair *pair)
{
    struct json *json = reading->json;
    bool is_true = false;
    enum json_fault fault;
    pair->name = name;
    switch (json_kind(json, "")) {
    case JSON_IS_INT:
        pair->kind = WR_H_INT;
        fault = json_int(json, "", &pair->number);
        break;
    case JSON_IS_BOOL:
        pair->kind = WR_H_BOOL;
        fault = json_bool(json, "", &is_true);
        pair->number = is_true;
        break;
    default:
        pair->kind = WR_H_TEXT;
        fault = json_text(json, "", reading->arena, &pair->text);
        break;
    }
    if (fault == JSON_OK) return true;
    char words[JSON_WORDS_BYTES];
    return status_fail(reading->status, EXIT_USAGE,
                       "\"headers\": \"%.*s\" %s (headers are text, integers or booleans)",
                       TEXT_ARGS(name), json_words(json, fault, words, sizeof words));
}

static bool read_headers(struct reading *reading, const char *key, void *into)
{
    struct wr_pair *pairs = arena_take(reading->arena, HEADERS_MOST * sizeof *pairs);
    size_t n = 0;
    struct wr_text name;
    (void)into;
    if (json_kind(reading->json, key) != JSON_IS_OBJECT)
        return status_fail(reading->status, EXIT_USAGE, "\"headers\" is no object");
    while (json_enter(reading->json, key, n, reading->arena, &name) == JSON_OK) {
        if (n == HEADERS_MOST)
            return status_fail(reading->status, EXIT_USAGE, "\"headers\" has more than %d entries",
                               HEADERS_MOST);
        pairs[n] = (struct wr_pair){ .text = { "", 0 } };
        if (!read_header(reading, name, &pairs[n++])) return false;
        json_leave(reading->json);
    }
    reading->message->headers = pairs;
    reading->message->n_headers = n;
    return true;
}

static const struct key {
    const char *name;
    bool (*read)(struct reading *reading, const char *key, void *into);
    size_t at; /* in struct amqp_outgoing */
} keys[] = {
#define KEY(name, read, member) { name, read, offsetof(struct amqp_outgoing, member) }
    KEY("id", read_text, message_id),
    KEY("type", read_text, type),
    KEY("exchange", read_text, exchange),
    KEY("key", read_text, routing_key),
    KEY("content_type", read_text, content_type),
    KEY("content_encoding", read_text, content_encoding),
    KEY("correlation_id", read_text, correlation_id),
    KEY("reply_to", read_text, reply_to),
    KEY("expiration", read_expiration, expiration),
    KEY("app_id", read_text, app_id),
    KEY("user_id", read_text, user_id),
    KEY("timestamp", read_time, timestamp_ms),
    KEY("priority", read_priority, priority),
    KEY("headers", read_headers, headers),
    KEY("body", read_body, body),
    KEY("body64", read_body64, body),
#undef KEY
};
#define KEYS (sizeof keys / sizeof *keys)

static const struct key *find_key(struct wr_text name)
{
    for (size_t i = 0; i < KEYS; i++)
        if (text_is(name, keys[i].name)) return &keys[i];
    return NULL;
}

static bool refuse_key(struct reading *reading, struct wr_text name)
{
    const char *names[KEYS + 1] = { NULL };
    char word[64];
    for (size_t i = 0; i < KEYS; i++) names[i] = keys[i].name;
    const char *near = text_nearest(text_show(name, word, sizeof word), names);
    return status_fail(reading->status, EXIT_USAGE, "\"%s\" is no key of a message%s%s%s", word,
                       near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
}

static bool read_keys(struct reading *reading)
{
    struct wr_text name;
    for (size_t i = 0; json_enter(reading->json, "", i, reading->arena, &name) == JSON_OK; i++) {
        json_leave(reading->json);
        const struct key *key = find_key(name);
        if (!key) return refuse_key(reading, name);
        if (json_has(reading->json, key->name) &&
            !key->read(reading, key->name, (char *)reading->message + key->at))
            return false;
    }
    if (json_has(reading->json, "body") != json_has(reading->json, "body64")) return true;
    return status_fail(reading->status, EXIT_USAGE,
                       "a message has a \"body\" or a \"body64\", and not both");
}

/* ---- one key from a command line ---------------------------------------------------------------- */

static bool set_time(struct wr_text key, struct wr_text value, int64_t *ms, struct status *status)
{
    int64_t us;
    if (text_to_int(value, ms)) return true;
    if (!time_from_rfc3339(value, &us))
        return status_fail(status, EXIT_USAGE,
                           "\"%.*s\" is neither milliseconds nor a time like 2026-01-02T03:04:05Z",
                           TEXT_ARGS(key));
    *ms = us / 1000;
    return true;
}

static bool set_priority(struct wr_text value, uint8_t *priority, struct status *status)
{
    int64_t number;
    if (!text_to_int(value, &number) || number < 0 || number > 255)
        return status_fail(status, EXIT_USAGE, "\"priority\" is %.*s; allowed: 0 to 255",
                           TEXT_ARGS(value));
    *priority = (uint8_t)number;
    return true;
}

/* Integers and booleans are such, anything else is text. */
static void add_header(struct amqp_outgoing *message, struct wr_text name, struct wr_text value,
                       struct arena *arena)
{
    struct wr_pair pair = { .name = name, .text = value, .kind = WR_H_TEXT };
    if (text_to_int(value, &pair.number))
        pair.kind = WR_H_INT;
    else if (text_is(value, "true") || text_is(value, "false"))
        pair = (struct wr_pair){ name, { "", 0 }, text_is(value, "true"), WR_H_BOOL };
    struct wr_pair *const headers = arena_take(arena, (message->n_headers + 1) * sizeof *headers);
    for (size_t i = 0; i < message->n_headers; i++) headers[i] = message->headers[i];
    headers[message->n_headers++] = pair;
    message->headers = headers;
}

bool message_line_set(struct amqp_outgoing *message, struct wr_text name, struct wr_text value,
                      struct arena *arena, struct status *status)
{
    static const char headers[] = "headers.";
    const struct key *const key = find_key(name);
    void *const into = key ? (char *)message + key->at : NULL;
    if (text_starts(name, headers) && name.len > sizeof headers - 1) {
        add_header(message,
                   text_from(name.at + sizeof headers - 1, name.len - (sizeof headers - 1)), value,
                   arena);
        return true;
    }
    if (!key || key->read == read_headers || key->read == read_body64) {
        struct reading reading = { .status = status };
        return refuse_key(&reading, name);
    }
    if (key->read == read_time) return set_time(name, value, into, status);
    if (key->read == read_priority) return set_priority(value, into, status);
    if (key->read == read_expiration && !check_expiration(value, status)) return false;
    *(struct wr_text *)into = value;
    return true;
}

/* ---- a line --------------------------------------------------------------------------------------- */

void message_line_clear(struct amqp_outgoing *message)
{
    const struct wr_text none = { "", 0 };
    *message = (struct amqp_outgoing){ none, none, none, none, none, none, none, none,  none,
                                       none, none, none, 0,    NULL, 0,    0,    false, none };
}

bool message_line_read(struct wr_text line, struct json *json, struct arena *arena,
                       struct amqp_outgoing *message, struct status *status)
{
    message_line_clear(message);
    struct reading reading = { json, arena, message, status };
    const enum json_fault fault = json_open(json, line);
    if (fault != JSON_OK) {
        char words[JSON_WORDS_BYTES];
        return status_fail(status, EXIT_USAGE, "the line %s",
                           json_words(json, fault, words, sizeof words));
    }
    if (json_kind(json, "") != JSON_IS_OBJECT)
        return status_fail(status, EXIT_USAGE, "the line is no JSON object");
    return read_keys(&reading);
}
