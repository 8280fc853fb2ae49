/* SPDX-License-Identifier: Apache-2.0
 *
 * What the pages say: the Accept header of /metrics, and /status as JSON whatever is put into it. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "ops/exposition.h"
#include "ops/json_write.h"
#include "ops/status.h"

Test(exposition, openmetrics_only_where_it_is_asked_for)
{
    const struct {
        const char *accept;
        bool openmetrics;
    } cases[] = {
        { "", false },
        { "*/*", false },
        { "text/html,application/xhtml+xml,*/*;q=0.8", false },
        { "application/openmetrics-text", true },
        { "Application/OpenMetrics-Text; version=1.0.0; charset=utf-8", true },
        { "application/openmetrics-text;version=0.0.1", false },
        { "application/openmetrics-text;q=0", false },
        { "application/openmetrics-text;q=0.000", false },
        { "text/plain;version=0.0.4", false },
        { "application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;"
          "version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
          true },
        { "application/vnd.google.protobuf;q=0.7, application/openmetrics-text;version=1.0.0;"
          "escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.4",
          true },
        { "application/openmetrics-text;q=0.3,text/plain;q=0.75", false },
        { ";;,,; q=1,=", false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        cr_assert_eq(exposition_wants_openmetrics(text_of(cases[i].accept)), cases[i].openmetrics,
                     "%s", cases[i].accept);
    }
}

Test(exposition, the_answer_names_its_format)
{
    struct metrics *metrics = metrics_new();
    struct http_request request = { .path = { "", 0 }, .accept = { "", 0 } };
    struct http_answer answer = { .status = 200 };
    exposition_answer(metrics, &request, &answer);
    cr_assert_str_eq(answer.type, "text/plain; version=0.0.4; charset=utf-8");
    metrics_text_fini(&answer.body);
    request.accept = text_of("application/openmetrics-text");
    exposition_answer(metrics, &request, &answer);
    cr_assert_str_eq(answer.type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    cr_assert_eq(memcmp(answer.body.at + answer.body.len - 6, "# EOF\n", 6), 0);
    metrics_text_fini(&answer.body);
    metrics_free(metrics);
}

Test(json_write, writes_every_kind)
{
    struct metrics_text text = { NULL, 0, 0 };
    struct json_write json = { &text, false };
    json_write_open(&json, NULL, '{');
    json_write_text(&json, "t", "a\"b\\c\n\x01\x7f caf\xc3\xa9 \xff\xc3 \xed\xa0\x80!");
    json_write_open(&json, "a", '[');
    json_write_int(&json, NULL, -1);
    json_write_count(&json, NULL, UINT64_MAX);
    json_write_bool(&json, NULL, true);
    json_write_null(&json, NULL);
    json_write_close(&json, ']');
    json_write_open(&json, "o", '{');
    json_write_close(&json, '}');
    json_write_time(&json, "at", 1);
    json_write_time(&json, "never", 0);
    json_write_text_or_null(&json, "none", "");
    json_write_close(&json, '}');
    metrics_text_add(&text, "", 1);
    cr_assert_str_eq(text.at,
                     "{\"t\":\"a\\\"b\\\\c\\u000a\\u0001\\u007f caf\xc3\xa9 \\ufffd\\ufffd "
                     "\\ufffd\\ufffd\\ufffd!\",\"a\":[-1,18446744073709551615,true,null],\"o\":{},"
                     "\"at\":\"1970-01-01T00:00:00.000Z\",\"never\":null,\"none\":null}");
    metrics_text_fini(&text);
}

static struct json *scan(const struct metrics_text *text)
{
    static struct json json;
    char words[JSON_WORDS_BYTES];
    const enum json_fault fault = json_open(&json, text_from(text->at, text->len));
    cr_assert_eq(fault, JSON_OK, "%s in\n%.*s", json_words(&json, fault, words, sizeof words),
                 (int)text->len, text->at);
    return &json;
}

static void expect(const struct metrics_text *text, const char *field, const char *wanted)
{
    struct wr_text raw;
    cr_assert_eq(json_raw(scan(text), field, &raw), JSON_OK, "%s is missing", field);
    cr_assert(text_is(raw, wanted), "%s is %.*s, not %s", field, TEXT_ARGS(raw), wanted);
}

Test(status, before_anything_is_known_it_is_json_already)
{
    struct board *board = board_new(&(struct board_plan){ 0, 0, NULL });
    struct metrics_text text = { NULL, 0, 0 };
    status_write(&(struct health_facts){ .board = board, .is_live = true, .words = "starting\n" },
                 1, &text);
    expect(&text, "health.title", "\"Starting\"");
    expect(&text, "reasons", "[\"starting\"]");
    expect(&text, "consumers", "[]");
    expect(&text, "cache", "null");
    expect(&text, "started", "null");
    metrics_text_fini(&text);
    board_free(board);
}

Test(status, tells_all_that_the_board_knows)
{
    const struct board_consumer_plan consumer = { 2, 30000 };
    struct board *board = board_new(&(struct board_plan){ 1, 1, &consumer });
    struct board_snapshot *draft = board_draft(board);
    struct metrics_text text = { NULL, 0, 0 };
    draft->started_unix_us = 5000000;
    board_say(draft->name, sizeof draft->name, "bad\xff\"name");
    board_say(draft->servers[0].kind, sizeof draft->servers[0].kind, "amqp");
    board_say(draft->servers[0].address, sizeof draft->servers[0].address, "amqp://guest:pw@h/");
    board_say(draft->servers[0].last_error, sizeof draft->servers[0].last_error, "refused");
    draft->servers[0].connected = true;
    draft->servers[0].reconnects = 3;
    draft->consumers[0].prefetch = 50;
    draft->consumers[0].received = UINT64_MAX;
    draft->consumers[0].lanes[1].handled = 12;
    draft->cache = (struct board_cache){ .is_there = true,
                                         .hits = 6,
                                         .absents = 3,
                                         .misses = 3,
                                         .stored = 9,
                                         .failed = 2,
                                         .pending = 4,
                                         .repairs = 7 };
    board_say(draft->consumers[0].handler, sizeof draft->consumers[0].handler, "tally");
    board_publish(board);
    board_tick(board, 1000);
    pulse_beat(board_lane_pulse(board, 0, 1));
    board_tick(board, 1900);
    status_write(&(struct health_facts){ .board = board,
                                         .snapshot = board_latest(board),
                                         .is_live = true,
                                         .is_ready = true,
                                         .words = "ready\n" },
                 65000000, &text);
    expect(&text, "ready", "true");
    expect(&text, "reasons", "[]");
    expect(&text, "uptime_seconds", "60");
    expect(&text, "started", "\"1970-01-01T00:00:05.000Z\"");
    expect(&text, "name", "\"bad\\ufffd\\\"name\"");
    expect(&text, "connections.0.address", "\"amqp://***@h/\"");
    expect(&text, "connections.0.connected", "true");
    expect(&text, "connections.0.reconnects", "3");
    expect(&text, "connections.0.last_error", "\"refused\"");
    expect(&text, "cache.hit_ratio", "0.75");
    expect(&text, "cache.reads.miss", "3");
    expect(&text, "cache.writes.stored", "9");
    expect(&text, "cache.pending", "4");
    expect(&text, "cache.repairs", "7");
    expect(&text, "consumers.0.handler.name", "\"tally\"");
    expect(&text, "consumers.0.received", "18446744073709551615");
    expect(&text, "consumers.0.lanes.0.state", "\"idle\"");
    expect(&text, "consumers.0.state.word", "\"not consuming\"");
    expect(&text, "consumers.0.lanes.1.state", "\"busy\"");
    expect(&text, "consumers.0.lanes.1.stuck", "false");
    expect(&text, "consumers.0.lanes.1.busy_ms", "900");
    expect(&text, "consumers.0.lanes.1.handled", "12");
    expect(&text, "consumers.0.last_error", "null");
    metrics_text_fini(&text);
    board_free(board);
}
