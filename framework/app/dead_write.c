/* SPDX-License-Identifier: Apache-2.0
 *
 * Writing dead letters down; see dead_write.h. Whatever is in them: control bytes never reach a
 * terminal, and bytes that are no text go as base64. */
#include "app/dead_write.h"

#include <stdlib.h>

#include "amqp/table.h"
#include "app/message_write.h"
#include "base/base64.h"
#include "base/check.h"
#include "base/time_text.h"
#include "ops/json_write.h"

#define DETAIL_SHOWN 200
#define HEADERS_MOST 64 /* of a line: what `publish` takes */

/* Whoever sent it may have written any number. */
static int64_t us_of(int64_t ms)
{
    return ms < INT64_MAX / 1000 ? ms * 1000 : INT64_MAX;
}

static const char *show_time(int64_t ms, char out[TIME_CHARS + 1])
{
    if (!ms) return "-";
    time_to_rfc3339(us_of(ms), out);
    memcpy(out + 19, "Z", 2); /* seconds do for people */
    return out;
}

static const char *show(struct wr_text text, char *out, size_t bytes)
{
    return text.len ? text_show(text, out, bytes) : "-";
}

/* ---- the table ------------------------------------------------------------------------------- */

static const char row_format[] = "%-20s  %-14s  %3s  %-20s  %-20s  %-36s  %8s  %s\n";

void dead_write_heading(struct metrics_text *out)
{
    metrics_text_format(out, row_format, "DIED", "REASON", "TRY", "HANDLER", "TYPE", "ID", "BYTES",
                        "DETAIL");
}

void dead_write_row(struct metrics_text *out, const struct dead_facts *facts)
{
    char died[TIME_CHARS + 1], reason[40], attempt[24] = "-", handler[80], type[80], id[160];
    char bytes[24], detail[DETAIL_SHOWN];
    if (facts->attempt) (void)snprintf(attempt, sizeof attempt, "%lld", (long long)facts->attempt);
    (void)snprintf(bytes, sizeof bytes, "%llu", (unsigned long long)facts->body_bytes);
    metrics_text_format(out, row_format, show_time(facts->died_ms, died),
                        show(facts->reason, reason, sizeof reason), attempt,
                        show(facts->handler, handler, sizeof handler),
                        show(facts->type, type, sizeof type), show(facts->id, id, sizeof id), bytes,
                        text_show(facts->detail, detail, sizeof detail));
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static bool is_brokers(struct wr_text name)
{
    return text_is(name, "x-death") || text_is(name, "x-delivery-count") ||
           text_starts(name, "x-first-death-") || text_starts(name, "x-last-death-");
}

/* Returns how many could not be written: tables, lists, and what is past `most`. */
static unsigned write_headers(struct json_write *json, struct wr_text headers, unsigned most)
{
    struct wr_pair pair;
    struct table_entry entry;
    unsigned entries = 0, written = 0;
    for (size_t at = 0; table_step(headers, &at, &entry);) entries += !is_brokers(entry.name);
    if (!entries) return 0;
    json_write_open(json, "headers", '{');
    for (size_t at = 0; written < most && table_next(headers, &at, &pair);) {
        if (is_brokers(pair.name)) continue;
        message_write_header(json, &pair);
        written++;
    }
    json_write_close(json, '}');
    return entries - written;
}

static void write_bytes_unless_empty(struct json_write *json, const char *key, struct wr_text text)
{
    if (text.len) json_write_span(json, key, text);
}

static void write_properties(struct json_write *json, const struct amqp_properties *properties)
{
    write_bytes_unless_empty(json, "content_type", properties->content_type);
    write_bytes_unless_empty(json, "content_encoding", properties->content_encoding);
    write_bytes_unless_empty(json, "correlation_id", properties->correlation_id);
    write_bytes_unless_empty(json, "reply_to", properties->reply_to);
    write_bytes_unless_empty(json, "app_id", properties->app_id);
    if (properties->priority) json_write_int(json, "priority", properties->priority);
}

void dead_write_json(struct metrics_text *out, const struct dead_facts *facts,
                     const struct amqp_properties *properties, const struct wr_text *body)
{
    struct json_write json = { .out = out };
    json_write_open(&json, NULL, '{');
    json_write_span(&json, "id", facts->id);
    json_write_span(&json, "type", facts->type);
    json_write_span(&json, "reason", facts->reason);
    json_write_span(&json, "detail", facts->detail);
    json_write_span(&json, "code", facts->code);
    json_write_int(&json, "attempt", facts->attempt);
    json_write_span(&json, "handler", facts->handler);
    json_write_span(&json, "host", facts->host);
    json_write_span(&json, "exchange", facts->exchange);
    json_write_span(&json, "key", facts->routing_key);
    json_write_time(&json, "died", us_of(facts->died_ms));
    json_write_time(&json, "published", us_of(facts->sent_ms));
    json_write_count(&json, "bytes", facts->body_bytes);
    json_write_int(&json, "deliveries", facts->deliveries);
    if (body) {
        write_properties(&json, properties);
        (void)write_headers(&json, properties->headers, UINT32_MAX);
        message_write_text(&json, *body);
    }
    json_write_close(&json, '}');
    metrics_text_put(out, "\n");
}

unsigned dead_write_line(struct metrics_text *out, const struct dead_facts *facts,
                         const struct amqp_properties *properties, struct wr_text body)
{
    struct json_write json = { .out = out };
    json_write_open(&json, NULL, '{');
    write_bytes_unless_empty(&json, "id", facts->id);
    write_bytes_unless_empty(&json, "type", facts->type);
    json_write_span(&json, "exchange", facts->exchange);
    json_write_span(&json, "key", facts->routing_key);
    write_properties(&json, properties);
    if (facts->sent_ms) json_write_int(&json, "timestamp", facts->sent_ms);
    const unsigned lost = write_headers(&json, properties->headers, HEADERS_MOST);
    message_write_text(&json, body);
    json_write_close(&json, '}');
    metrics_text_put(out, "\n");
    return lost;
}

/* ---- the page -------------------------------------------------------------------------------- */

static void write_field(struct metrics_text *out, const char *name, struct wr_text value)
{
    char shown[1200];
    if (value.len)
        metrics_text_format(out, "%-12s %s\n", name, text_show(value, shown, sizeof shown));
}

static void write_lines(struct metrics_text *out, struct wr_text text)
{
    for (size_t at = 0; at < text.len;) {
        const size_t len = text_char_bytes(text, at);
        const char c = text.at[at];
        if (c == '\n' || c == '\t' || !text_has_control_at(text, at))
            metrics_text_add(out, text.at + at, len);
        else
            for (size_t i = 0; i < len; i++)
                metrics_text_format(out, "\\x%02x", (unsigned char)text.at[at + i]);
        at += len;
    }
    if (!text.len || text.at[text.len - 1] != '\n') metrics_text_put(out, "\n");
}

static void write_page_headers(struct metrics_text *out, struct wr_text headers)
{
    struct wr_pair pair;
    char name[300], value[1200];
    struct table_entry entry;
    for (size_t at = 0; table_step(headers, &at, &entry);) {
        size_t own = 0;
        const char *shown = "(a table or list)";
        if (table_next(entry.whole, &own, &pair)) {
            shown = text_show(pair.text, value, sizeof value);
            if (pair.kind != WR_H_TEXT)
                (void)snprintf(value, sizeof value, "%lld", (long long)pair.number);
        }
        metrics_text_format(out, "  %s: %s\n", text_show(entry.name, name, sizeof name), shown);
    }
}

void dead_write_page(struct metrics_text *out, const struct dead_facts *facts,
                     const struct amqp_properties *properties, struct wr_text body)
{
    char died[TIME_CHARS + 1], sent[TIME_CHARS + 1], a[300], b[300];
    write_field(out, "id", facts->id);
    write_field(out, "type", facts->type);
    write_field(out, "reason", facts->reason);
    write_field(out, "code", facts->code);
    write_field(out, "detail", facts->detail);
    metrics_text_format(out, "%-12s %s\n", "died", show_time(facts->died_ms, died));
    if (facts->attempt)
        metrics_text_format(out, "%-12s %lld\n", "attempt", (long long)facts->attempt);
    write_field(out, "handler", facts->handler);
    write_field(out, "host", facts->host);
    metrics_text_format(out, "%-12s exchange '%s', key '%s', %s\n", "published",
                        text_show(facts->exchange, a, sizeof a),
                        text_show(facts->routing_key, b, sizeof b),
                        facts->sent_ms ? show_time(facts->sent_ms, sent) : "time not told");
    write_field(out, "content type", properties->content_type);
    write_field(out, "correlation", properties->correlation_id);
    write_field(out, "reply to", properties->reply_to);
    if (properties->headers.len) metrics_text_put(out, "headers\n");
    write_page_headers(out, properties->headers);
    const bool is_text = text_is_utf8(body);
    metrics_text_format(out, "body         %zu bytes%s\n", body.len,
                        is_text ? "" : ", no text: in base64");
    if (is_text) {
        write_lines(out, body);
    } else {
        char *encoded = memory_new(BASE64_ENCODED_BYTES(body.len) + 1, 1);
        base64_encode(body, encoded);
        metrics_text_format(out, "%s\n", encoded);
        free(encoded);
    }
    metrics_text_put(out, "\n");
}
