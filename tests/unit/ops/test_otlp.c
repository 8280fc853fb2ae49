/* SPDX-License-Identifier: Apache-2.0
 *
 * Spans as OTLP's JSON, to the letter, and the environment that says where they go. Protobuf is in
 * test_otlp_protobuf.c. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/json.h"
#include "ops/otlp.h"

static const struct span_source source = { "shop.orders", "orders/1.0", true };
static const struct span_source plain = { "a\"b", "h", false };

static struct span a_message(void)
{
    struct span span = {
        .source = &source,
        .trace = { true, 1, { 0x4b, 0xf9, [15] = 0x36 }, { 0xab, [7] = 1 } },
        .kind = SPAN_MESSAGE,
        .start_ns = 1000,
        .end_ns = 2500,
        .attempt = 1,
        .body_bytes = 228,
        .id_chars = 2,
        .key_chars = 3,
    };
    memcpy(span.id, "m1", 2);
    memcpy(span.key, "k.l", 3);
    return span;
}

static const struct otlp_pair about[] = { { (char *)"service.name", (char *)"s\"1" } };

static void expect_json(const struct span *spans, size_t n, const char *expected)
{
    static struct json json;
    struct metrics_text out = { NULL, 0, 0 };
    struct otlp *const otlp = otlp_new(OTLP_JSON, about, 1, "0.1");
    for (int round = 0; round < 2; round++) { /* the second finds what the first has kept */
        otlp_begin(otlp, &out);
        for (size_t i = 0; i < n; i++)
            otlp_add(otlp, &out, &spans[i], INT64_C(1767323045000000000));
        const struct wr_text request = otlp_end(otlp, &out);
        cr_expect(json_open(&json, request) == JSON_OK);
        cr_expect(text_is(request, expected), "%.*s\nis not\n%s", TEXT_ARGS(request), expected);
    }
    metrics_text_fini(&out);
    otlp_free(otlp);
}

#define HEAD                                                                                       \
    "{\"resourceSpans\":[{\"resource\":{\"attributes\":[{\"key\":\"service.name\",\"value\":{"     \
    "\"stringValue\":\"s\\\"1\"}}]},\"scopeSpans\":[{\"scope\":{\"name\":\"warrener\","            \
    "\"version\":\"0.1\"},\"spans\":["
#define TEXT(key, value) "{\"key\":\"" key "\",\"value\":{\"stringValue\":\"" value "\"}}"
#define NUMBER(key, value) "{\"key\":\"" key "\",\"value\":{\"intValue\":\"" value "\"}}"
#define SHARED(queue, handler)                                                                     \
    TEXT("messaging.system", "rabbitmq")                                                           \
    "," TEXT("messaging.destination.name", queue) "," TEXT("warrener.handler", handler) ","
#define IDS "{\"traceId\":\"4bf90000000000000000000000000036\",\"spanId\":\"ab00000000000001\""
#define TIMES                                                                                      \
    "\"startTimeUnixNano\":\"1767323045000001000\",\"endTimeUnixNano\":\"1767323045000002500\","
#define MESSAGE                                                                                    \
    ",\"name\":\"process shop.orders\",\"kind\":5," TIMES                                          \
    "\"attributes\":[" SHARED("shop.orders", "orders/1.0")                                         \
        TEXT("messaging.operation.name", "process") "," TEXT(                                      \
            "messaging.message.id",                                                                \
            "m1") "," TEXT("messaging.rabbitmq.destination.routing_key",                           \
                           "k.l") "," NUMBER("messaging.message.body.size", "228")
#define END "]}]}]}"

Test(otlp, a_message_that_is_done)
{
    const struct span spans[] = { a_message(), a_message() };
#define DONE IDS MESSAGE "]}"
    expect_json(spans, 2, HEAD DONE "," DONE END);
}

Test(otlp, a_message_that_is_dead)
{
    struct span span = a_message();
    span.has_parent = true;
    span.parent[0] = 0xcd;
    span.state = (char *)"rojo=1";
    span.outcome = SPAN_DEAD;
    span.attempt = 3;
    span.error = "rejected";
    span.words = (char *)"no \"sku\"\n";
    expect_json(
        &span, 1,
        HEAD IDS
        ",\"parentSpanId\":\"cd00000000000000\",\"traceState\":\"rojo=1\"" MESSAGE
        "," NUMBER("warrener.attempt", "3") "," TEXT("warrener.outcome", "dead") "," TEXT(
            "error.type",
            "rejected") "],\"status\":{\"code\":2,\"message\":\"no \\\"sku\\\"\\u000a\"}}" END);
}

Test(otlp, texts_from_outside_are_escaped)
{
    struct span span = a_message();
    struct metrics_text out = { NULL, 0, 0 };
    struct otlp *const otlp = otlp_new(OTLP_JSON, about, 1, "0.1");
    memcpy(span.id, "\"\xff", 2);
    otlp_add(otlp, &out, &span, 0);
    metrics_text_add(&out, "", 1);
    cr_expect(strstr(out.at, TEXT("messaging.message.id", "\\\"\\ufffd")), "%s", out.at);
    cr_expect(strstr(out.at, TEXT("messaging.rabbitmq.destination.routing_key", "k.l")));
    metrics_text_fini(&out);
    otlp_free(otlp);
}

Test(otlp, a_batch_and_its_links)
{
    struct span_link links[] = { { { 1 }, { 2 } }, { { 3 }, { 4 } } };
    struct span span = a_message();
    span.kind = SPAN_BATCH;
    span.messages = 7;
    span.n_links = 2;
    span.links = links;
#define LINKS                                                                                      \
    NUMBER("messaging.batch.message_count", "7")                                                   \
    "],\"links\":[{\"traceId\":\"01000000000000000000000000000000\","                              \
    "\"spanId\":\"0200000000000000\"},{\"traceId\":\"03000000000000000000000000000000\","          \
    "\"spanId\":\"0400000000000000\"}]}"
    expect_json(&span, 1,
                HEAD IDS ",\"name\":\"commit shop.orders\",\"kind\":3," TIMES
                         "\"attributes\":[" SHARED("shop.orders", "orders/1.0")
                             TEXT("db.system.name", "postgresql") "," LINKS END);
    span.source = &plain;
    expect_json(&span, 1,
                HEAD IDS ",\"name\":\"batch a\\\"b\",\"kind\":1," TIMES
                         "\"attributes\":[" SHARED("a\\\"b", "h") LINKS END);
}

/* ---- the environment ------------------------------------------------------------------------------ */

static const char *const (*environment)[2];

static const char *get(const char *name)
{
    for (size_t i = 0; environment[i][0]; i++)
        if (strcmp(environment[i][0], name) == 0) return environment[i][1];
    return NULL;
}

static struct otlp_settings settings;
static struct status status;

static bool reads(const char *const (*given)[2])
{
    environment = given;
    status.text[0] = '\0';
    return otlp_settings_read(get, &settings, &status);
}

#define READS(...) reads((const char *const[][2]){ __VA_ARGS__, { NULL, NULL } })
#define ENDPOINT "OTEL_EXPORTER_OTLP_ENDPOINT"

static void expect_place(const char *name, const char *url, const char *host, uint16_t port,
                         const char *path)
{
    cr_assert(READS({ name, url }), "%s", status.text);
    cr_expect(settings.is_on);
    cr_expect_str_eq(settings.host, host);
    cr_expect_eq(settings.port, port);
    cr_expect_str_eq(settings.path, path);
    cr_expect_eq(settings.use_tls, strncmp(url, "https", 5) == 0);
    otlp_settings_fini(&settings);
}

Test(otlp_settings, say_where)
{
    static const char traces[] = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    expect_place(ENDPOINT, "http://collector:4318", "collector", 4318, "/v1/traces");
    expect_place(ENDPOINT, "http://[::1]:4318/", "::1", 4318, "/v1/traces");
    expect_place(ENDPOINT, "https://o.example/otlp/?k=1", "o.example", 443, "/otlp/v1/traces?k=1");
    expect_place(traces, "http://collector/mine", "collector", 80, "/mine");
    expect_place(traces, "http://collector", "collector", 80, "/");
}

Test(otlp_settings, are_off_unless_asked_for)
{
    cr_expect(READS({ "OTEL_SERVICE_NAME", "x" }) && !settings.is_on);
    cr_expect(READS({ ENDPOINT, "" }) && !settings.is_on);
    cr_expect(READS({ ENDPOINT, "http://c" }, { "OTEL_SDK_DISABLED", "TRUE" }) && !settings.is_on);
    cr_expect(READS({ ENDPOINT, "http://c" }, { "OTEL_TRACES_EXPORTER", "none" }) &&
              !settings.is_on);
}

static const char *about_of(const char *key)
{
    for (size_t i = 0; i < settings.n_about; i++)
        if (strcmp(settings.about[i].key, key) == 0) return settings.about[i].value;
    return "";
}

Test(otlp_settings, say_who_and_how)
{
    cr_assert(READS({ ENDPOINT, "http://c" },
                    { "OTEL_EXPORTER_OTLP_HEADERS", "a=1, authorization = Basic%20eA==" },
                    { "OTEL_EXPORTER_OTLP_CERTIFICATE", "/ca.pem" },
                    { "OTEL_EXPORTER_OTLP_TIMEOUT", "250" },
                    { "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "150" },
                    { "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc" }, { "OTEL_SERVICE_NAME", "mine" },
                    { "OTEL_RESOURCE_ATTRIBUTES", "service.name=no,k8s.pod.name=p%2C1" },
                    { "OTEL_TRACES_SAMPLER", "always_off" }),
              "%s", status.text);
    cr_expect_str_eq(settings.headers, "a: 1\r\nauthorization: Basic eA==\r\n");
    cr_expect_str_eq(settings.ca_file, "/ca.pem");
    cr_expect_eq(settings.timeout_ms, 150);
    cr_expect(strstr(settings.warning, "grpc") && strstr(settings.warning, "4318"));
    cr_expect_eq(settings.format, OTLP_PROTOBUF);
    cr_expect_str_eq(about_of("service.name"), "mine");
    cr_expect_str_eq(about_of("k8s.pod.name"), "p,1");
    cr_expect(*about_of("host.name") && *about_of("service.instance.id"));
    cr_expect_eq(settings.sampler.root, TRACE_NEVER);
    otlp_settings_fini(&settings);
    cr_assert(READS({ ENDPOINT, "http://c" }));
    cr_expect_str_eq(about_of("service.name"), "warrener");
    cr_expect_str_eq(settings.headers, "");
    cr_expect_eq(settings.timeout_ms, 10000);
    otlp_settings_fini(&settings);
}

static void expect_format(const char *protocol, enum otlp_format format, bool is_warned)
{
    cr_assert(READS({ ENDPOINT, "http://c" }, { "OTEL_EXPORTER_OTLP_PROTOCOL", protocol }));
    cr_expect_eq(settings.format, format, "%s", protocol);
    cr_expect_eq(*settings.warning != '\0', is_warned, "%s", settings.warning);
    otlp_settings_fini(&settings);
}

Test(otlp_settings, say_which_protocol)
{
    expect_format("", OTLP_PROTOBUF, false);
    expect_format("http/protobuf", OTLP_PROTOBUF, false);
    expect_format("http/json", OTLP_JSON, false);
    expect_format("http/jsonp", OTLP_PROTOBUF, true);
    cr_assert(READS({ ENDPOINT, "http://c" }, { "OTEL_EXPORTER_OTLP_PROTOCOL", "grpc" },
                    { "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json" }));
    cr_expect(settings.format == OTLP_JSON && !*settings.warning);
    otlp_settings_fini(&settings);
    cr_expect_str_eq(otlp_content_type(OTLP_PROTOBUF), "application/x-protobuf");
    cr_expect_str_eq(otlp_content_type(OTLP_JSON), "application/json");
}

Test(otlp_settings, that_are_wrong_are_told)
{
    static const char *const wrong[][2] = {
        { ENDPOINT, "collector:4318" },
        { ENDPOINT, "ftp://collector" },
        { ENDPOINT, "http://user:secret@collector" },
        { "OTEL_EXPORTER_OTLP_HEADERS", "secret" },
        { "OTEL_EXPORTER_OTLP_HEADERS", "a=secret%0d%0aHost: b" },
        { "OTEL_EXPORTER_OTLP_HEADERS", "a b=secret" },
        { "OTEL_EXPORTER_OTLP_TIMEOUT", "0" },
        { "OTEL_RESOURCE_ATTRIBUTES", "=1" },
        { "OTEL_TRACES_SAMPLER", "jaeger" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        cr_expect_not(READS({ wrong[i][0], wrong[i][1] }, { ENDPOINT, "http://c" }), "%zu", i);
        cr_expect(strstr(status.text, wrong[i][0]), "%s", status.text);
        cr_expect(!strstr(status.text, "secret"), "%s", status.text);
        cr_expect(!settings.is_on && !settings.headers);
    }
}
