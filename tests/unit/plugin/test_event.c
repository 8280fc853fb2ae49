/* SPDX-License-Identifier: Apache-2.0
 *
 * CloudEvents as a handler gets to see them: both forms, what fills what, and what is refused. */
#include <stdlib.h>

#include <criterion/criterion.h>

#include "amqp/table.h"
#include "plugin/event.h"
#include "plugin/headers.h"

#define EVENT_NAME_LONG 253 /* a header's name is 255 bytes at most, "ce_" among them */
#define MINUTE_MS INT64_C(1767323045678) /* 2026-01-02T03:04:05.678Z */

static struct json json;
static struct arena arena;
static struct job_message message;
static char headers[8192];

static void begin(const char *content_type, const char *body, const struct wr_pair *pairs, size_t n)
{
    const struct wr_text none = { "", 0 };
    arena_reset(&arena);
    message = (struct job_message){ .headers = none, .fault = none };
    message.message = (struct wr_message){ none, none, none, none, none, none, none, none,
                                           none, none, none, none, 0,    1,    0,    false };
    message.message.body = text_of(body);
    message.message.content_type = text_of(content_type);
    if (!n) return;
    char *const end = headers_write("", pairs, n, headers);
    message.headers = text_from(headers, (size_t)(end - headers));
}

static void read_it(void)
{
    cr_expect(event_is_possible(&message));
    event_read(&message, &json, &arena);
}

static void structured(const char *body)
{
    begin("application/cloudevents+json", body, NULL, 0);
    read_it();
}

static void setup(void)
{
    arena_init(&arena, NULL, 0);
}

static void teardown(void)
{
    arena_reset(&arena);
}

TestSuite(event, .init = setup, .fini = teardown);

#define expect_text(given, expected)                                                               \
    cr_expect(text_is((given), (expected)), "\"%.*s\" is not \"%s\"", TEXT_ARGS(given), (expected))

static void expect_header(const char *name, const char *expected)
{
    struct wr_pair pair;
    if (!table_find(message.headers, name, &pair)) {
        cr_expect(!expected, "no header %s", name);
        return;
    }
    cr_expect(expected, "a header %s", name);
    if (expected) expect_text(pair.text, expected);
}

static void expect_refused(const char *body, const char *why)
{
    structured(body);
    expect_text(message.fault, why);
    cr_expect_not(message.is_id_of_event);
    expect_text(message.message.id, "");
}

/* What both forms show of the order that is placed here. */
static void expect_order(void)
{
    expect_text(message.message.id, "e-1");
    expect_text(message.message.type, "order.placed");
    cr_expect_eq(message.message.timestamp_ms, MINUTE_MS);
    cr_expect(message.is_id_of_event);
    expect_header("ce_specversion", "1.0");
    expect_header("ce_id", "e-1");
    expect_header("ce_source", "/shop");
    expect_header("ce_type", "order.placed");
    expect_header("ce_time", "2026-01-02T03:04:05.678Z");
}

#define WHOLE                                                                                      \
    "{\"specversion\":\"1.0\",\"id\":\"e-1\",\"source\":\"/shop\",\"type\":\"order.placed\","      \
    "\"subject\":\"o-7\",\"time\":\"2026-01-02T03:04:05.678Z\","
#define BARE "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\""

Test(event, in_structured_form_shows_its_data)
{
    structured(WHOLE "\"partition\":7,\"urgent\":true,\"late\":false,\"nothing\":null,"
                     "\"data\": {\"cents\": 12.10, \"a\":[1]} }");
    expect_text(message.fault, "");
    expect_text(message.message.body, "{\"cents\": 12.10, \"a\":[1]}");
    expect_text(message.message.content_type, "application/json");
    expect_order();
    expect_header("ce_subject", "o-7");
    expect_header("ce_nothing", NULL);
    expect_header("ce_data", NULL);
    struct wr_pair pair;
    cr_expect(table_find(message.headers, "ce_partition", &pair) && pair.kind == WR_H_INT &&
              pair.number == 7);
    cr_expect(table_find(message.headers, "ce_urgent", &pair) && pair.kind == WR_H_BOOL &&
              pair.number == 1);
    cr_expect(table_find(message.headers, "ce_late", &pair) && pair.kind == WR_H_BOOL &&
              pair.number == 0);
}

Test(event, keeps_what_amqp_says)
{
    const struct wr_pair pair = { .name = text_of("tenant"), .text = text_of("blue") };
    begin("Application/CloudEvents+JSON ; charset=utf-8", WHOLE "\"data\":1}", &pair, 1);
    message.message.id = text_of("amqp-id");
    message.message.type = text_of("amqp-type");
    message.message.timestamp_ms = 5;
    read_it();
    expect_text(message.message.body, "1");
    expect_text(message.message.id, "amqp-id");
    expect_text(message.message.type, "amqp-type");
    cr_expect_eq(message.message.timestamp_ms, 5);
    cr_expect_not(message.is_id_of_event);
    expect_header("ce_id", "e-1");
    expect_header("tenant", "blue");
}

Test(event, data_of_other_kinds)
{
    structured(BARE ",\"data\":\"a \\u00e9\",\"datacontenttype\":\"text/plain\"}");
    expect_text(message.message.body, "a \xc3\xa9");
    expect_text(message.message.content_type, "text/plain");
    structured(BARE ",\"data\":\"a\",\"datacontenttype\":\"application/vnd.x+json;v=1\"}");
    expect_text(message.message.body, "\"a\"");
    structured(BARE ",\"data\":\"a\"}");
    expect_text(message.message.body, "\"a\"");
    structured(BARE ",\"data\":\"a\",\"datacontenttype\":\"application/json ;v=1\"}");
    expect_text(message.message.body, "\"a\"");
    structured(BARE ",\"data\":\"a\",\"datacontenttype\":\"text/notjson\"}");
    expect_text(message.message.body, "a");
    structured(BARE ",\"data\":\"a\\u0000b\",\"datacontenttype\":\"text/plain\"}");
    cr_expect_eq(message.message.body.len, 3);
    expect_text(message.fault, "");
    structured(BARE ",\"data\":1,\"data_base64\":null}");
    expect_text(message.message.body, "1");
    structured(BARE ",\"data\":{\"a\":1},\"datacontenttype\":\"text/json5\"}");
    expect_text(message.message.body, "{\"a\":1}");
    structured(BARE ",\"datacontenttype\":\"image/png\",\"data_base64\":\"iVBORw==\"}");
    expect_text(message.message.body, "\x89PNG");
    expect_text(message.message.content_type, "image/png");
    structured(BARE ",\"data\":null}");
    expect_text(message.message.body, "");
    structured(BARE "}");
    expect_text(message.message.body, "");
    expect_text(message.message.content_type, "");
    expect_text(message.fault, "");
}

Test(event, that_is_none_is_refused)
{
    expect_refused("", "a CloudEvent's body is not JSON: at byte 0: it is empty");
    expect_refused("[]", "a CloudEvent's body is no JSON object");
    expect_refused("{}", "a CloudEvent needs a \"specversion\" that is text, and not empty");
    expect_refused("{\"specversion\":\"1.0\",\"id\":\"\"}",
                   "a CloudEvent needs a \"id\" that is text, and not empty");
    expect_refused("{\"specversion\":\"1.0\",\"id\":7,\"source\":\"s\"}",
                   "a CloudEvent needs a \"id\" that is text, and not empty");
    expect_refused("{\"specversion\":\"0.3\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\"}",
                   "a CloudEvent of specversion \"0.3\" cannot be read, only 1.0");
    expect_refused("{\"specversion\":\"10\",\"id\":\"1\",\"source\":\"s\",\"type\":\"t\"}",
                   "a CloudEvent of specversion \"10\" cannot be read, only 1.0");
    expect_refused(BARE ",\"time\":\"noon\"}",
                   "a CloudEvent's \"time\" is no time like 2026-01-02T03:04:05Z");
    expect_refused(BARE ",\"time\":1767323045}",
                   "a CloudEvent's \"time\" is no time like 2026-01-02T03:04:05Z");
    expect_refused(BARE ",\"\":1}",
                   "a CloudEvent's attribute has a name of 0 bytes; 1 to 252 are allowed");
    expect_refused(BARE ",\"data\":1,\"data_base64\":\"aGk=\"}",
                   "a CloudEvent has \"data\" and \"data_base64\"; one is allowed");
    expect_refused(BARE ",\"data_base64\":\"?\"}", "a CloudEvent's \"data_base64\" is not base64");
    expect_refused(BARE ",\"more\":{}}", "a CloudEvent's \"more\" is an object, text was expected");
}

Test(event, of_too_many_attributes_is_refused)
{
    char body[2048], *at = body;
    at += sprintf(at, BARE);
    for (int i = 0; i < EVENT_ATTRIBUTES - 4; i++) at += sprintf(at, ",\"x%d\":1", i);
    sprintf(at, "}");
    structured(body);
    expect_text(message.fault, "");
    sprintf(at, ",\"more\":1}");
    expect_refused(body, "a CloudEvent has more than 64 attributes");
}

Test(event, of_a_name_that_fits_no_header_is_refused)
{
    char body[1024], name[EVENT_NAME_LONG + 1];
    memset(name, 'x', sizeof name);
    snprintf(body, sizeof body, BARE ",\"%.*s\":1}", EVENT_NAME_LONG - 1, name);
    structured(body);
    expect_text(message.fault, "");
    snprintf(body, sizeof body, BARE ",\"%.*s\":1}", EVENT_NAME_LONG, name);
    expect_refused(body, "a CloudEvent's attribute has a name of 253 bytes; 1 to 252 are allowed");
}

#define GIVEN 7

static void binary(const char *prefix)
{
    static const char *const pairs[][2] = { { "specversion", "1.0" },
                                            { "id", "e-1" },
                                            { "type", "order.placed" },
                                            { "source", "/shop" },
                                            { "time", "2026-01-02T03:04:05.678Z" },
                                            { "x", "y" } };
    struct wr_pair given[GIVEN];
    char names[GIVEN][64];
    for (size_t i = 0; i < GIVEN - 1; i++) {
        snprintf(names[i], sizeof names[i], "%s%s", prefix, pairs[i][0]);
        given[i] = (struct wr_pair){ .name = text_of(names[i]), .text = text_of(pairs[i][1]) };
    }
    given[GIVEN - 1] = (struct wr_pair){ .name = text_of("tenant"), .text = text_of("blue") };
    begin("text/plain", "hello", given, GIVEN);
    read_it();
}

Test(event, in_binary_form_is_its_headers)
{
    static const char *const prefixes[] = { "cloudEvents:", "cloudEvents_", "ce-", "ce_" };
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        char name[64];
        binary(prefixes[i]);
        expect_text(message.message.body, "hello");
        expect_text(message.message.content_type, "text/plain");
        expect_order();
        expect_header("tenant", "blue");
        expect_header("ce_x", "y");
        snprintf(name, sizeof name, "%ssource", prefixes[i]);
        expect_header(name, "/shop");
    }
}

/* AMQP has a kind of its own for a time; what none can hold is none. */
Test(event, in_binary_form_may_have_a_time_of_amqps)
{
    struct wr_pair pairs[] = {
        { .name = text_of("ce-specversion"), .text = text_of("1.0") },
        { .name = text_of("ce-time"), .kind = WR_H_INT, .number = MINUTE_MS / 1000 },
    };
    begin("", "", pairs, 2);
    read_it();
    cr_expect_eq(message.message.timestamp_ms, MINUTE_MS / 1000 * 1000);
    pairs[1].number = INT64_MAX;
    begin("", "", pairs, 2);
    read_it();
    cr_expect_eq(message.message.timestamp_ms, 0);
    expect_header("ce_specversion", "1.0");
}

/* As many as there is room for; the others are headers as before, as is one without a name. */
Test(event, in_binary_form_may_have_many_attributes)
{
    struct wr_pair pairs[EVENT_ATTRIBUTES + 3] = {
        { .name = text_of("ce_specversion"), .text = text_of("1.0") },
        { .name = text_of("cloudEvents:"), .text = text_of("nameless") },
    };
    char names[EVENT_ATTRIBUTES + 3][16], last[16];
    for (int i = 2; i < EVENT_ATTRIBUTES + 3; i++) {
        snprintf(names[i], sizeof names[i], "ce-x%d", i);
        pairs[i] = (struct wr_pair){ .name = text_of(names[i]), .text = text_of("here") };
    }
    begin("", "", pairs, EVENT_ATTRIBUTES + 3);
    read_it();
    snprintf(last, sizeof last, "ce_x%d", EVENT_ATTRIBUTES);
    expect_header(last, "here");
    snprintf(last, sizeof last, "ce_x%d", EVENT_ATTRIBUTES + 1);
    expect_header(last, NULL);
    expect_header("ce-x3", "here");
    expect_header("cloudEvents:", "nameless");
    expect_header("ce_", NULL);
}

Test(event, headers_that_are_none_are_left_alone)
{
    const struct wr_pair pairs[] = { { .name = text_of("ce_id"), .text = text_of("x") },
                                     { .name = text_of("ce_specversion"), .text = text_of("2") } };
    begin("application/cloudevents-batch+json", "[]", pairs, 2);
    read_it();
    expect_text(message.fault, "");
    expect_text(message.message.id, "");
    expect_text(message.message.body, "[]");
    cr_expect_not(message.is_id_of_event);
    begin("application/json", "{}", NULL, 0);
    cr_expect_not(event_is_possible(&message));
}
