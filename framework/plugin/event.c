/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading CloudEvents; see event.h. Attributes are gathered first, from JSON or from headers, then the
 * message is filled in from them in one way. What AMQP's own properties say is never overwritten. */
#include "plugin/event.h"

#include <stdio.h>
#include <strings.h>

#include "amqp/table.h"
#include "base/base64.h"
#include "base/time_text.h"
#include "plugin/headers.h"

#define PREFIX "ce_"
#define NAME_BYTES (HEADER_NAME_BYTES - (sizeof PREFIX - 1))

struct event {
    struct job_message *message;
    struct json *json;
    struct arena *arena;
    struct wr_pair attributes[EVENT_ATTRIBUTES];
    size_t n;
    bool has_data, has_base64;
    enum json_kind data_kind;
    struct wr_text data, base64;
};

/* The message is to be rejected for it; false. */
static bool fail(struct event *event, const char *format, ...) PRINTF_LIKE(2, 3);
static bool fail(struct event *event, const char *format, ...)
{
    char words[300];
    va_list args;
    va_start(args, format);
    vsnprintf(words, sizeof words, format, args);
    va_end(args);
    event->message->fault = arena_copy(event->arena, text_of(words));
    return false;
}

static const struct wr_pair *find(const struct event *event, const char *name)
{
    for (size_t i = 0; i < event->n; i++)
        if (text_is(event->attributes[i].name, name)) return &event->attributes[i];
    return NULL;
}

static struct wr_text text_of_attribute(const struct event *event, const char *name)
{
    const struct wr_pair *const pair = find(event, name);
    return pair && pair->kind == WR_H_TEXT ? pair->text : text_of("");
}

/* ---- what both forms share -------------------------------------------------------------------- */

/* Text as RFC 3339; a number is AMQP's own kind of timestamp, in seconds. */
static bool read_time(const struct wr_pair *time, int64_t *unix_ms)
{
    int64_t us;
    if (time->kind == WR_H_INT) return !__builtin_mul_overflow(time->number, 1000, unix_ms);
    if (time->kind != WR_H_TEXT || !time_from_rfc3339(time->text, &us)) return false;
    *unix_ms = us / 1000;
    return true;
}

static void fill_text(struct wr_text *field, struct wr_text text)
{
    if (field->len == 0 && text.len > 0) *field = text;
}

static void add_headers(struct event *event)
{
    const struct wr_text before = event->message->headers;
    const size_t bytes = headers_bytes(PREFIX, event->attributes, event->n) + before.len;
    char *const headers = arena_take_bytes(event->arena, bytes);
    char *const at = headers_write(PREFIX, event->attributes, event->n, headers);
    if (before.len) memcpy(at, before.at, before.len);
    event->message->headers = text_from(headers, bytes);
}

static void fill(struct event *event)
{
    struct wr_message *const message = &event->message->message;
    const struct wr_pair *const time = find(event, "time");
    event->message->is_id_of_event = message->id.len == 0;
    fill_text(&message->id, text_of_attribute(event, "id"));
    fill_text(&message->type, text_of_attribute(event, "type"));
    int64_t unix_ms;
    if (message->timestamp_ms == 0 && time && read_time(time, &unix_ms))
        message->timestamp_ms = unix_ms;
    add_headers(event);
}

/* ---- structured -------------------------------------------------------------------------------- */

/* Parameters may follow: "application/cloudevents+json; charset=utf-8". */
static bool is_structured(struct wr_text content_type)
{
    const size_t n = sizeof EVENT_TYPE - 1;
    return content_type.len >= n && strncasecmp(content_type.at, EVENT_TYPE, n) == 0 &&
           (content_type.len == n || content_type.at[n] == ';' || content_type.at[n] == ' ');
}

static bool refuse_json(struct event *event, struct wr_text name, enum json_fault fault)
{
    char words[JSON_WORDS_BYTES], shown[80];
    json_words(event->json, fault, words, sizeof words);
    if (!name.len) return fail(event, "a CloudEvent's body %s", words);
    return fail(event, "a CloudEvent's \"%s\" %s", text_show(name, shown, sizeof shown), words);
}

/* Attributes are text, integers or booleans; null stands for none. */
static bool read_attribute(struct event *event, struct wr_text name)
{
    struct json *const json = event->json;
    const enum json_kind kind = json_kind(json, "");
    struct wr_pair pair = { .name = name, .text = { "", 0 } };
    enum json_fault fault;
    if (kind == JSON_IS_NULL) return true;
    if (name.len == 0 || name.len > NAME_BYTES)
        return fail(event, "a CloudEvent's attribute has a name of %zu bytes; 1 to %zu are allowed",
                    name.len, NAME_BYTES);
    if (event->n == EVENT_ATTRIBUTES)
        return fail(event, "a CloudEvent has more than %d attributes", EVENT_ATTRIBUTES);
    if (kind == JSON_IS_INT) {
        pair.kind = WR_H_INT;
        fault = json_int(json, "", &pair.number);
    } else if (kind == JSON_IS_BOOL) {
        bool is_true = false;
        pair.kind = WR_H_BOOL;
        fault = json_bool(json, "", &is_true);
        pair.number = is_true;
    } else {
        fault = json_text(json, "", event->arena, &pair.text);
    }
    if (fault != JSON_OK) return refuse_json(event, name, fault);
    event->attributes[event->n++] = pair;
    return true;
}

/* Data is kept as it stands: how it is to be read depends on an attribute that may yet come. */
static bool read_member(struct event *event, struct wr_text name)
{
    struct json *const json = event->json;
    enum json_fault fault = JSON_OK;
    if (text_is(name, "data")) {
        event->has_data = true;
        event->data_kind = json_kind(json, "");
        if (event->data_kind != JSON_IS_NULL) fault = json_raw(json, "", &event->data);
    } else if (text_is(name, "data_base64")) {
        event->has_base64 = json_kind(json, "") != JSON_IS_NULL;
        if (event->has_base64) fault = json_text(json, "", event->arena, &event->base64);
    } else {
        return read_attribute(event, name);
    }
    return fault == JSON_OK || refuse_json(event, name, fault);
}

static bool read_envelope(struct event *event)
{
    struct wr_text name;
    const enum json_fault fault = json_open(event->json, event->message->message.body);
    if (fault != JSON_OK) return refuse_json(event, text_of(""), fault);
    if (json_kind(event->json, "") != JSON_IS_OBJECT)
        return fail(event, "a CloudEvent's body is no JSON object");
    for (size_t i = 0; json_enter(event->json, "", i, event->arena, &name) == JSON_OK; i++) {
        if (!read_member(event, name)) return false;
        json_leave(event->json);
    }
    return true;
}

static bool check_envelope(struct event *event)
{
    static const char *const required[] = { "specversion", "id", "source", "type" };
    const struct wr_text version = text_of_attribute(event, "specversion");
    const struct wr_pair *const time = find(event, "time");
    char shown[40];
    int64_t unix_ms;
    for (size_t i = 0; i < sizeof required / sizeof *required; i++)
        if (!text_of_attribute(event, required[i]).len)
            return fail(event, "a CloudEvent needs a \"%s\" that is text, and not empty",
                        required[i]);
    if (!text_starts(version, "1."))
        return fail(event, "a CloudEvent of specversion \"%s\" cannot be read, only 1.0",
                    text_show(version, shown, sizeof shown));
    if (time && (time->kind != WR_H_TEXT || !read_time(time, &unix_ms)))
        return fail(event, "a CloudEvent's \"time\" is no time like 2026-01-02T03:04:05Z");
    if (event->has_data && event->has_base64)
        return fail(event, "a CloudEvent has \"data\" and \"data_base64\"; one is allowed");
    return true;
}

static bool is_json_type(struct wr_text type)
{
    size_t n = 0;
    while (n < type.len && type.at[n] != ';' && type.at[n] != ' ') n++;
    if (n == 0) return true;
    return n >= 5 && strncasecmp(type.at + n - 4, "json", 4) == 0 &&
           (type.at[n - 5] == '/' || type.at[n - 5] == '+');
}

static bool take_base64(struct event *event)
{
    struct wr_text *const body = &event->message->message.body;
    char *const bytes = arena_take_bytes(event->arena, BASE64_DECODED_MOST(event->base64.len));
    size_t length;
    if (!base64_decode(event->base64, bytes, &length))
        return fail(event, "a CloudEvent's \"data_base64\" is not base64");
    *body = text_from(bytes, length);
    return true;
}

/* Text of a type that is not JSON is the data itself, without quotes. */
static bool take_data(struct event *event)
{
    struct wr_message *const message = &event->message->message;
    const struct wr_text type = text_of_attribute(event, "datacontenttype");
    message->content_type = type;
    if (event->has_base64) return take_base64(event);
    message->body = event->data;
    if (!event->data.len) return true;
    if (!type.len) message->content_type = text_of("application/json");
    if (is_json_type(type) || event->data_kind != JSON_IS_TEXT) return true;
    const enum json_fault fault = json_text(event->json, "data", event->arena, &message->body);
    return fault == JSON_OK || fault == JSON_HOLDS_NUL ||
           refuse_json(event, text_of("data"), fault);
}

static void read_structured(struct event *event)
{
    if (read_envelope(event) && check_envelope(event) && take_data(event)) fill(event);
}

/* ---- binary ------------------------------------------------------------------------------------ */

/* The AMQP binding's two, and those that gateways from HTTP and Kafka leave. */
static bool cut_prefix(struct wr_text *name)
{
    static const char *const prefixes[] = { "cloudEvents:", "cloudEvents_", "ce-", "ce_" };
    if (name->len < 4 || name->at[0] != 'c') return false;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        const size_t n = strlen(prefixes[i]);
        if (name->len <= n || memcmp(name->at, prefixes[i], n) != 0) continue;
        *name = text_from(name->at + n, name->len - n);
        return name->len <= NAME_BYTES;
    }
    return false;
}

/* Without a specversion that is ours they are just headers. */
static void read_binary(struct event *event)
{
    struct wr_pair pair;
    for (size_t at = 0; table_next(event->message->headers, &at, &pair);)
        if (event->n < EVENT_ATTRIBUTES && cut_prefix(&pair.name))
            event->attributes[event->n++] = pair;
    if (event->n && text_starts(text_of_attribute(event, "specversion"), "1.")) fill(event);
}

void event_read(struct job_message *message, struct json *json, struct arena *arena)
{
    struct event event; /* its attributes are many, and not cleared */
    event.message = message;
    event.json = json;
    event.arena = arena;
    event.n = 0;
    event.has_data = event.has_base64 = false;
    event.data = event.base64 = text_of("");
    if (is_structured(message->message.content_type))
        read_structured(&event);
    else if (message->headers.len)
        read_binary(&event);
}
