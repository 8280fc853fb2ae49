/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON writer; see json_write.h. */
#include "ops/json_write.h"

#include <string.h>

#include "base/text.h"
#include "base/time_text.h"

/* What stands for itself: printed ASCII, but for the two. */
static size_t plain_run(const char *at, size_t len)
{
    size_t i = 0;
    while (i < len && at[i] >= ' ' && at[i] < 0x7f && at[i] != '"' && at[i] != '\\') i++;
    return i;
}

static void write_string(struct metrics_text *out, struct wr_text text)
{
    metrics_text_put(out, "\"");
    for (size_t i = 0; i < text.len;) {
        const size_t run = plain_run(text.at + i, text.len - i);
        metrics_text_add(out, text.at + i, run);
        i += run;
        if (i == text.len) break;
        const char *const c = text.at + i;
        const size_t len = text_char_bytes(text, i);
        if (*c == '"' || *c == '\\') {
            metrics_text_format(out, "\\%c", *c);
        } else if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            metrics_text_format(out, "\\u%04x", (unsigned)*c);
        } else if (!len) {
            metrics_text_put(out, "\\ufffd");
        } else {
            metrics_text_add(out, c, len);
        }
        i += len ? len : 1;
    }
    metrics_text_put(out, "\"");
}

static void write_key(struct json_write *json, const char *key)
{
    if (json->needs_comma) metrics_text_put(json->out, ",");
    json->needs_comma = true;
    if (!key) return;
    write_string(json->out, text_of(key));
    metrics_text_put(json->out, ":");
}

void json_write_open(struct json_write *json, const char *key, char bracket)
{
    write_key(json, key);
    metrics_text_add(json->out, &bracket, 1);
    json->needs_comma = false;
}

void json_write_close(struct json_write *json, char bracket)
{
    metrics_text_add(json->out, &bracket, 1);
    json->needs_comma = true;
}

void json_write_span(struct json_write *json, const char *key, struct wr_text text)
{
    write_key(json, key);
    write_string(json->out, text);
}

void json_write_text(struct json_write *json, const char *key, const char *text)
{
    json_write_span(json, key, text_of(text));
}

void json_write_raw(struct json_write *json, const char *key, struct wr_text json_text)
{
    write_key(json, key);
    metrics_text_add(json->out, json_text.at, json_text.len);
}

void json_write_text_or_null(struct json_write *json, const char *key, const char *text)
{
    if (*text) {
        json_write_text(json, key, text);
    } else {
        json_write_null(json, key);
    }
}

void json_write_int(struct json_write *json, const char *key, int64_t number)
{
    write_key(json, key);
    metrics_text_format(json->out, "%lld", (long long)number);
}

void json_write_count(struct json_write *json, const char *key, uint64_t number)
{
    write_key(json, key);
    metrics_text_format(json->out, "%llu", (unsigned long long)number);
}

void json_write_number(struct json_write *json, const char *key, double number)
{
    write_key(json, key);
    metrics_text_format(json->out, "%.2f", number);
}

void json_write_bool(struct json_write *json, const char *key, bool is_true)
{
    write_key(json, key);
    metrics_text_put(json->out, is_true ? "true" : "false");
}

void json_write_null(struct json_write *json, const char *key)
{
    write_key(json, key);
    metrics_text_put(json->out, "null");
}

void json_write_time(struct json_write *json, const char *key, int64_t unix_us)
{
    char time[TIME_CHARS + 1];
    if (unix_us) {
        json_write_text(json, key, time_to_rfc3339(unix_us, time));
    } else {
        json_write_null(json, key);
    }
}
