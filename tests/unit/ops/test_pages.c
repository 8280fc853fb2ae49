/* SPDX-License-Identifier: Apache-2.0
 *
 * What the pages say: the Accept header of /metrics, and /status as JSON whatever is put into it. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log_kept.h"
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
    draft->started_ms = clock_now_ms() - 60000;
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

/* No two numbers of it are alike. */
static void fill(struct board_consumer *consumer)
{
    board_say(consumer->queue, sizeof consumer->queue, "q");
    board_say(consumer->name, sizeof consumer->name, "n");
    board_say(consumer->handler, sizeof consumer->handler, "h");
    board_say(consumer->handler_version, sizeof consumer->handler_version, "v");
    board_say(consumer->why, sizeof consumer->why, "w");
    board_say(consumer->breaker, sizeof consumer->breaker, "b");
    board_say(consumer->last_error, sizeof consumer->last_error, "e");
    consumer->subscribed = true;
    consumer->since_unix_us = 1000000;
    consumer->prefetch = 2;
    consumer->in_flight = 3;
    consumer->bytes_in_flight = 4;
    consumer->received = 5;
    consumer->done = 6;
    consumer->retried = 7;
    consumer->dead = 8;
    consumer->crashes = 9;
    consumer->ready = 10;
    consumer->retry_ready = 11;
    consumer->dead_ready = 12;
    consumer->counted_unix_us = 13000000;
    for (unsigned i = 0; i < BOARD_STAGES; i++) consumer->stages[i] = 14 + i;
}

/* The first of two consumers does nothing, so that neither is taken for the other. */
static struct history *remember(struct metrics *metrics)
{
    struct history *history = history_new(2);
    struct history_sample samples[2] = { { 0 }, { 0 } };
    samples[1].settle =
        metrics_histogram(metrics, METRIC_SETTLE_SECONDS, (const char *const[]){ "n" });
    history_take(history, 1000, samples);
    samples[1].received = 60;
    samples[1].done = 30;
    samples[1].retried = 15;
    samples[1].dead = 3;
    samples[1].busy_ns = 4500000000;
    struct histogram *settle =
        metrics_histogram(metrics, METRIC_SETTLE_SECONDS, (const char *const[]){ "n" });
    histogram_note_many(settle, 7000000, 50);
    histogram_note_many(settle, 15000000, 50);
    history_take(history, 1000 + HISTORY_STEP_MS, samples);
    return history;
}

Test(status, has_each_number_under_its_name)
{
    const struct board_consumer_plan consumers[] = { { 1, 30000 }, { 2, 500 } };
    struct board *board = board_new(&(struct board_plan){ 1, 2, consumers });
    struct board_snapshot *draft = board_draft(board);
    struct metrics *metrics = metrics_new();
    struct metrics_text text = { NULL, 0, 0 };
    struct board_server *server = &draft->servers[0];
    fill(&draft->consumers[1]);
    draft->consumers[1].lanes[0].handled = 22;
    draft->consumers[1].lanes[1].handled = 23;
    board_say(server->kind, sizeof server->kind, "redis");
    board_say(server->name, sizeof server->name, "cache");
    board_say(server->breaker, sizeof server->breaker, "open");
    server->since_unix_us = 2000000;
    server->reconnects = 24;
    draft->cache = (struct board_cache){ true, 25, 26, 27, 28, 29, 30, 31, 32 };
    draft->started_unix_us = 9000000;
    draft->started_ms = clock_now_ms() - 60000;
    draft->restarts = 33;
    draft->last_death_unix_us = 3000000;
    board_say(draft->last_death, sizeof draft->last_death, "SIGSEGV");
    board_say(draft->last_death_by, sizeof draft->last_death_by, "crash");
    board_say(draft->last_death_consumer, sizeof draft->last_death_consumer, "c");
    board_say(draft->last_death_handler, sizeof draft->last_death_handler, "d");
    board_say(draft->last_death_message, sizeof draft->last_death_message, "m");
    board_publish(board);
    board_set_draining(board);
    board_tick(board, 1000);
    pulse_beat(board_lane_pulse(board, 1, 1));
    board_tick(board, 1900);
    log_kept_begin();
    log_kept_add(4000000, WR_WARN, "flow", WR_TEXT_OF("late"), NULL, 0);
    log_kept_add(5000000, WR_WARN, "flow", WR_TEXT_OF("late"), NULL, 0);
    log_kept_add(6000000, WR_ERROR, "app", WR_TEXT_OF("lost"),
                 (const struct log_field[]){ LOG_TEXT(REASON, "amqp://u:p@h/") }, 1);
    struct history *history = remember(metrics);
    status_write(&(struct health_facts){ .board = board,
                                         .snapshot = board_latest(board),
                                         .history = history,
                                         .is_live = true,
                                         .is_ready = true,
                                         .words = "ready\n" },
                 8000000, &text);
    expect(&text, "draining", "true");
    expect(&text, "reasons", "[]");
    expect(&text, "uptime_seconds", "60"); /* though its clock was set back */
    expect(&text, "restarts", "33");
    expect(&text, "last_death", "\"SIGSEGV\"");
    expect(&text, "last_death_at", "\"1970-01-01T00:00:03.000Z\"");
    expect(&text, "last_death_by", "\"crash\"");
    expect(&text, "last_death_consumer", "\"c\"");
    expect(&text, "last_death_handler", "\"d\"");
    expect(&text, "last_death_message", "\"m\"");
    expect(&text, "connections",
           "[{\"server\":\"redis\",\"name\":\"cache\",\"address\":\"\",\"connected\":false,"
           "\"since\":\"1970-01-01T00:00:02.000Z\",\"reconnects\":24,"
           "\"last_error\":null,\"breaker\":\"open\"}]");
    expect(&text, "cache",
           "{\"hit_ratio\":0.65,\"reads\":{\"hit\":25,\"absent\":26,\"miss\":27},"
           "\"writes\":{\"stored\":28,\"stale\":29,\"failed\":30},\"pending\":31,"
           "\"repairs\":32}");
    expect(&text, "consumers.1",
           "{\"queue\":\"q\",\"name\":\"n\",\"handler\":{\"name\":\"h\",\"version\":\"v\"},"
           "\"state\":{\"level\":\"warn\",\"trouble\":2,\"word\":\"waiting\","
           "\"more\":\"Redis is away\"},\"subscribed\":true,\"paused\":false,"
           "\"why\":\"w\",\"since\":\"1970-01-01T00:00:01.000Z\",\"breaker\":\"b\","
           "\"prefetch\":2,\"in_flight\":3,\"bytes_in_flight\":4,\"received\":5,"
           "\"done\":6,\"retried\":7,\"dead\":8,\"crashes\":9,\"ready\":10,"
           "\"retry_ready\":11,\"dead_ready\":12,"
           "\"counted\":\"1970-01-01T00:00:13.000Z\",\"stages\":{\"waiting\":14,"
           "\"handling\":15,\"held\":16,\"staged\":17,\"storing\":18,\"caching\":19,"
           "\"sending\":20,\"acking\":21},\"rates\":{\"received\":20.00,\"done\":10.00,"
           "\"retried\":5.00,\"dead\":1.00},\"lanes_busy\":1.50,"
           "\"settle_median_us\":10000,\"settle_p99_us\":19800,\"recent_done\":[30],"
           "\"timeout_ms\":500,\"lanes\":[{\"state\":\"idle\",\"stuck\":false,"
           "\"busy_ms\":0,\"handled\":22},{\"state\":\"busy\",\"stuck\":false,"
           "\"busy_ms\":900,\"handled\":23}],\"last_error\":\"e\"}");
    expect(&text, "faults",
           "[{\"at\":\"1970-01-01T00:00:06.000Z\","
           "\"since\":\"1970-01-01T00:00:06.000Z\",\"count\":1,\"level\":\"error\","
           "\"room\":\"app\",\"what\":\"lost\",\"about\":null,\"reason\":\"amqp://***@h/\"},"
           "{\"at\":\"1970-01-01T00:00:05.000Z\","
           "\"since\":\"1970-01-01T00:00:04.000Z\",\"count\":2,\"level\":\"warn\","
           "\"room\":\"flow\",\"what\":\"late\",\"about\":null,\"reason\":null}]");
    expect(&text, "history",
           "{\"step_ms\":3000,\"done\":[30],\"retried\":[15],\"dead\":[3],"
           "\"settle_median_us\":[10000],\"settle_p99_us\":[19800]}");
    history_free(history);
    metrics_text_fini(&text);
    metrics_free(metrics);
    board_free(board);
}
