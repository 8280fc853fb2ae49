/* SPDX-License-Identifier: Apache-2.0
 *
 * Dead letters: what they tell of themselves, which of them a filter takes, and how they look on
 * paper. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "amqp/copy.h"
#include "amqp/properties.h"
#include "amqp/walk.h"
#include "app/dead_filter.h"
#include "app/dead_write.h"
#include "app/message_line.h"

#define NOW_MS 1767323045000 /* 2026-01-02T03:04:05Z */

static char room[131072];
static const struct wr_text work = WR_TEXT_OF("login");

/* A delivery from login.dead with these headers; what it points to stays until the next one. */
static struct amqp_delivery arrive(const struct wr_pair *headers, size_t n)
{
    static char encoded[8192];
    struct amqp_delivery delivery = { .tag = 1, .body_bytes = 4 };
    const struct amqp_outgoing sent = { .message_id = WR_TEXT_OF("m1"),
                                        .type = WR_TEXT_OF("user.login"),
                                        .content_type = WR_TEXT_OF("text/plain"),
                                        .timestamp_ms = NOW_MS - 7200000,
                                        .priority = 3,
                                        .headers = headers,
                                        .n_headers = n };
    struct status status = { 0 };
    size_t bytes;
    cr_assert(properties_write(&sent, encoded, sizeof encoded, &bytes, &status));
    delivery.exchange = text_of("");
    delivery.routing_key = text_of("login.dead");
    cr_assert(properties_read(text_from(encoded, bytes), &delivery.properties));
    return delivery;
}

/* As the host buries it. */
static struct amqp_delivery bury(const char *reason)
{
    const struct amqp_delivery original = arrive(NULL, 0);
    const struct copy_notes notes = {
        .attempt = 5,
        .reason = text_of(reason),
        .detail = WR_TEXT_OF("no \x1b[2J such user"),
        .code = WR_TEXT_OF("23514"),
        .handler = WR_TEXT_OF("collect/1.2"),
        .host = WR_TEXT_OF("pod-7"),
        .exchange = WR_TEXT_OF("events"),
        .routing_key = WR_TEXT_OF("user.login.ok"),
        .at_ms = NOW_MS,
        .mark = { "", 0 },
    };
    struct amqp_delivery delivery = original;
    size_t bytes;
    cr_assert(copy_write(original.properties.encoded, false, &notes, room, sizeof room, &bytes));
    cr_assert(properties_read(text_from(room, bytes), &delivery.properties));
    return delivery;
}

static struct dead_facts facts_of(const struct amqp_delivery *delivery, uint64_t most)
{
    struct dead_facts facts;
    dead_facts_read(delivery, work, most, &facts);
    return facts;
}

#define IS(text, cstr) cr_expect(text_is(text, cstr), "%.*s", TEXT_ARGS(text))

Test(dead, our_own_letters_tell_all)
{
    const struct amqp_delivery delivery = bury("row");
    const struct dead_facts facts = facts_of(&delivery, 0);
    IS(facts.reason, "row");
    IS(facts.code, "23514");
    IS(facts.handler, "collect/1.2");
    IS(facts.host, "pod-7");
    IS(facts.exchange, "events");
    IS(facts.routing_key, "user.login.ok");
    IS(facts.id, "m1");
    cr_expect(facts.attempt == 5 && facts.died_ms == NOW_MS && facts.is_copy);
    cr_expect(facts.deliveries == 0 && facts.body_bytes == 4);
}

Test(dead, deliveries_that_are_no_number_are_none)
{
    struct wr_pair pair = {
        .name = WR_TEXT_OF("x-delivery-count"), .text = { "", 0 }, .kind = WR_H_INT, .number = 12
    };
    struct amqp_delivery delivery = arrive(&pair, 1);
    cr_expect_eq(facts_of(&delivery, 0).deliveries, 12);
    pair.number = -1;
    delivery = arrive(&pair, 1);
    cr_expect_eq(facts_of(&delivery, 0).deliveries, 0);
}

Test(dead, what_nobody_wrote_on_tells_little)
{
    const struct amqp_delivery delivery = arrive(NULL, 0);
    const struct dead_facts facts = facts_of(&delivery, 0);
    IS(facts.reason, "");
    IS(facts.routing_key, "login");
    cr_expect(!facts.is_copy && !facts.attempt && !facts.died_ms);
}

/* ---- the broker's letters -------------------------------------------------------------------- */

static void put(char **at, const void *bytes, size_t n)
{
    memcpy(*at, bytes, n);
    *at += n;
}

static void put_length(char **at, size_t n)
{
    const char bytes[4] = { (char)(n >> 24), (char)(n >> 16), (char)(n >> 8), (char)n };
    put(at, bytes, 4);
}

static void put_text(char **at, const char *name, const char *value)
{
    const char len = (char)strlen(name);
    put(at, &len, 1);
    put(at, name, strlen(name));
    put(at, "S", 1);
    put_length(at, strlen(value));
    put(at, value, strlen(value));
}

/* Headers with one death (and an older one in a retry queue, where asked for). */
static struct wr_text die(const char *queue, const char *reason, bool was_retried, char *headers)
{
    char deaths[1000], *death = deaths, *at = headers;
    for (int i = 0; i < 1 + was_retried; i++) {
        char table[400], *in = table;
        put_text(&in, "queue", i ? "login.retry.1s" : queue);
        put_text(&in, "reason", i ? "expired" : reason);
        put_text(&in, "exchange", "events");
        put(&in, "\x0crouting-keysA", 14);
        put_length(&in, 5 + 6);
        put(&in, "S", 1);
        put_length(&in, 6);
        put(&in, "user.x", 6);
        put(&in, "\x04timeT\0\0\0\0\x69\x57\x35\xa5", 14);
        put(&death, "F", 1);
        put_length(&death, (size_t)(in - table));
        put(&death, table, (size_t)(in - table));
    }
    put(&at, "\x07x-deathA", 9);
    put_length(&at, (size_t)(death - deaths));
    put(&at, deaths, (size_t)(death - deaths));
    put_text(&at, "x-warrener-reason", "row");
    put_text(&at, "x-warrener-exchange", "first");
    put_text(&at, "x-warrener-routing-key", "key");
    return text_from(headers, (size_t)(at - headers));
}

Test(dead, the_brokers_own_letters_are_read_from_x_death)
{
    char headers[2000];
    static const struct {
        const char *reason;
        uint64_t most;
        bool was_retried;
        const char *told, *exchange;
    } cases[] = {
        { "delivery_limit", 0, false, "delivery-limit", "events" },
        { "delivery_limit", 0, true, "delivery-limit", "first" },
        { "rejected", 0, false, "oversize", "events" },
        { "rejected", 3, false, "oversize", "events" },
        { "rejected", 4, false, "rejected", "events" },
        { "maxlen", 4, false, "maxlen", "events" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct amqp_delivery delivery = arrive(NULL, 0);
        delivery.properties.headers = die("login", cases[i].reason, cases[i].was_retried, headers);
        const struct dead_facts facts = facts_of(&delivery, cases[i].most);
        IS(facts.reason, cases[i].told);
        IS(facts.exchange, cases[i].exchange);
        cr_expect(facts.died_ms == 0x695735a5 * INT64_C(1000) &&
                      facts.is_copy == cases[i].was_retried,
                  "%zu", i);
    }
}

/* Whatever a header holds, it is read or it is not. */
Test(dead, damaged_deaths_are_none)
{
    char headers[2000];
    const struct wr_text whole = die("login", "rejected", true, headers);
    for (size_t len = 0; len < whole.len; len++) {
        char *exact = malloc(len + 1);
        cr_assert(exact);
        memcpy(exact, whole.at, len);
        struct amqp_delivery delivery = arrive(NULL, 0);
        delivery.properties.headers = text_from(exact, len);
        (void)facts_of(&delivery, 0);
        free(exact);
    }
}

/* ---- names and limits ------------------------------------------------------------------------ */

Test(dead, a_queue_may_be_named_by_either_name)
{
    char out[64];
    cr_expect_str_eq(dead_work_queue("login", false, out, sizeof out), "login");
    cr_expect_str_eq(dead_work_queue("login.dead", false, out, sizeof out), "login");
    cr_expect_str_eq(dead_work_queue("login.dead", true, out, sizeof out), "login.dead");
    cr_expect_str_eq(dead_work_queue(".dead", false, out, sizeof out), ".dead");
}

Test(dead, letters_are_renewed_before_a_queue_drops_them)
{
    cr_expect(dead_renew_from(1000000, "RabbitMQ 4.0.5") == UINT32_MAX);
    cr_expect(dead_renew_from(WALK_LIMIT_NONE, "RabbitMQ 3.10.8") == UINT32_MAX);
    cr_expect(dead_renew_from(WALK_LIMIT_NONE, "RabbitMQ 4.0.5") == 10);
    cr_expect(dead_renew_from(WALK_LIMIT_UNKNOWN, "RabbitMQ 3.10.8") == 10);
    cr_expect(dead_renew_from(WALK_LIMIT_NONE, "") == 10);
    cr_expect(dead_renew_from(1000, "") == UINT32_MAX && dead_renew_from(999, "") == 10);
    cr_expect(dead_renew_from(12, "") == 6);
    cr_expect(dead_renew_from(20, "RabbitMQ 3.10.8") == 10);
    cr_expect(dead_renew_from(3, "RabbitMQ 3.10.8") == 1);
    cr_expect(dead_renew_from(0, "RabbitMQ 3.10.8") == 0);
}

/* ---- filters --------------------------------------------------------------------------------- */

static bool takes(const struct dead_filter_words *words)
{
    const struct amqp_delivery delivery = bury("row");
    const struct dead_facts facts = facts_of(&delivery, 0);
    struct dead_filter filter;
    struct status status = { 0 };
    cr_assert(dead_filter_read(words, NOW_MS + 3600000, &filter, &status), "%s", status.text);
    return dead_filter_takes(&filter, &facts);
}

#define TAKES(...) cr_expect(takes(&(struct dead_filter_words){ __VA_ARGS__ }))
#define PASSES(...) cr_expect(!takes(&(struct dead_filter_words){ __VA_ARGS__ }))

Test(dead, filters_take_what_holds)
{
    TAKES(.id = NULL);
    TAKES(.where = { { "reason=row" }, 1 });
    TAKES(.where = { { "reason=row", "code=23514", "key=user.login.ok" }, 3 });
    TAKES(.where = { { "detail=no \x1b[2J such user", "host=pod-7", "exchange=events" }, 3 });
    PASSES(.where = { { "reason=row", "code=23505" }, 2 });
    PASSES(.where = { { "reason=rejected" }, 1 });
    TAKES(.type = "user.login");
    PASSES(.type = "user");
    TAKES(.id = "m1");
    PASSES(.id = "m");
    TAKES(.handler = "collect");
    TAKES(.handler = "collect/1.2");
    PASSES(.handler = "collect/1");
    PASSES(.handler = "coll");
    TAKES(.since = "1h");
    TAKES(.since = "61m", .until = "59m");
    PASSES(.since = "59m");
    PASSES(.until = "2h");
    TAKES(.since = "2026-01-02");
    TAKES(.since = "2026-01-02T03:04:05", .until = "60m");
    TAKES(.since = "30000d");
    TAKES(.since = "2026-01-02T03:04", .until = "2026-01-02 03:05");
    PASSES(.since = "2026-01-02T03:04:05+00:00", .until = "2026-01-02T03:04:05Z", .id = "m2");
    PASSES(.since = "2026-01-02T03:04:06Z");
}

Test(dead, filters_say_what_they_do_not_understand)
{
    static const struct {
        struct dead_filter_words words;
        const char *says;
    } cases[] = {
        { { .where = { { "reson=row" }, 1 } }, "did you mean \"reason=\"?" },
        { { .where = { { "reason" }, 1 } }, "FIELD=VALUE" },
        { { .since = "yesterday" }, "--since \"yesterday\"" },
        { { .until = "2026-13-01" }, "--until" },
        { { .since = "1h", .until = "2h" }, "later" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct dead_filter filter;
        struct status status = { 0 };
        cr_assert(!dead_filter_read(&cases[i].words, NOW_MS, &filter, &status));
        cr_expect(strstr(status.text, cases[i].says), "%s", status.text);
        cr_expect(status.exit == EXIT_USAGE);
    }
}

Test(dead, filters_go_by_the_death_and_without_it_by_the_sending)
{
    struct dead_facts facts = { .handler = WR_TEXT_OF("collect/1/2"), .sent_ms = 5 };
    cr_expect(dead_filter_takes(&(struct dead_filter){ .since_ms = 5, .until_ms = 5 }, &facts));
    cr_expect(!dead_filter_takes(&(struct dead_filter){ .since_ms = 6 }, &facts));
    cr_expect(!dead_filter_takes(&(struct dead_filter){ .until_ms = 4 }, &facts));
    cr_expect(
        !dead_filter_takes(&(struct dead_filter){ .handler = WR_TEXT_OF("collect/1") }, &facts));
    facts.died_ms = 7;
    cr_expect(dead_filter_takes(&(struct dead_filter){ .since_ms = 6 }, &facts));
    facts.died_ms = facts.sent_ms = 0; /* it does not tell */
    cr_expect(!dead_filter_takes(&(struct dead_filter){ .until_ms = 9 }, &facts));
}

Test(dead, a_filter_is_empty_where_it_takes_all)
{
    static const struct dead_filter some[] = {
        { .n_where = 1 },          { .type = { "t", 1 } }, { .id = { "i", 1 } },
        { .handler = { "h", 1 } }, { .since_ms = 1 },      { .until_ms = 1 },
    };
    cr_expect(dead_filter_is_empty(&(struct dead_filter){ .n_where = 0 }));
    for (size_t i = 0; i < sizeof some / sizeof *some; i++)
        cr_expect(!dead_filter_is_empty(&some[i]), "%zu", i);
}

/* ---- paper ----------------------------------------------------------------------------------- */

static const char *end_text(struct metrics_text *text)
{
    metrics_text_add(text, "", 1);
    return text->at;
}

Test(dead, a_row_stays_a_row)
{
    struct metrics_text text = { .at = NULL };
    const struct amqp_delivery delivery = bury("row");
    const struct dead_facts facts = facts_of(&delivery, 0);
    dead_write_heading(&text);
    dead_write_row(&text, &facts);
    cr_expect_str_eq(
        end_text(&text),
        "DIED                  REASON          TRY  HANDLER               TYPE                  ID"
        "                                       BYTES  DETAIL\n"
        "2026-01-02T03:04:05Z  row               5  collect/1.2           user.login            m1"
        "                                           4  no \\x1b[2J such user\n");
    metrics_text_fini(&text);
}

/* What is exported, `publish` reads as the same message. */
Test(dead, a_line_is_read_back)
{
    static const struct wr_text bodies[] = { WR_TEXT_OF("plain \"text\"\n"),
                                             WR_TEXT_OF("\xff\0\x01"), WR_TEXT_OF(""),
                                             WR_TEXT_OF("nul \0 inside") };
    for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
        struct metrics_text text = { .at = NULL };
        struct amqp_outgoing message;
        struct arena arena;
        struct json json;
        struct status status = { 0 };
        arena_init(&arena, NULL, 0);
        const struct amqp_delivery delivery = bury("row");
        const struct dead_facts facts = facts_of(&delivery, 0);
        cr_assert(dead_write_line(&text, &facts, &delivery.properties, bodies[i]) == 0);
        cr_assert(text.at[text.len - 1] == '\n');
        cr_assert(
            message_line_read(text_from(text.at, text.len - 1), &json, &arena, &message, &status),
            "%s: %.*s", status.text, (int)text.len, text.at);
        cr_expect(text_equal(message.body, bodies[i]), "%zu", i);
        IS(message.message_id, "m1");
        IS(message.exchange, "events");
        IS(message.routing_key, "user.login.ok");
        IS(message.content_type, "text/plain");
        cr_expect(message.timestamp_ms == NOW_MS - 7200000 && message.priority == 3);
        cr_expect(message.n_headers == 9, "%zu", message.n_headers);
        arena_reset(&arena);
        metrics_text_fini(&text);
    }
}

Test(dead, a_page_holds_what_there_is)
{
    struct metrics_text text = { .at = NULL };
    const struct amqp_delivery delivery = bury("row");
    const struct dead_facts facts = facts_of(&delivery, 0);
    dead_write_page(&text, &facts, &delivery.properties, WR_TEXT_OF("line\n\x1b[2J\n"));
    const char *page = end_text(&text);
    cr_expect(strstr(page, "exchange 'events', key 'user.login.ok'"), "%s", page);
    cr_expect(strstr(page, "line\n\\x1b[2J\n") && !strchr(page, 0x1b), "%s", page);
    metrics_text_fini(&text);
    dead_write_page(&text, &facts, &delivery.properties, WR_TEXT_OF("\xff"));
    page = end_text(&text);
    cr_expect(strstr(page, "/w==\n"), "%s", page);
    metrics_text_fini(&text);
}

/* Senders may write any number. */
Test(dead, times_past_the_calendar_are_its_end)
{
    struct metrics_text text = { .at = NULL };
    const struct amqp_delivery delivery = bury("row");
    struct dead_facts facts = facts_of(&delivery, 0);
    facts.died_ms = facts.sent_ms = INT64_MAX;
    dead_write_row(&text, &facts);
    dead_write_json(&text, &facts, &delivery.properties, NULL);
    const char *written = end_text(&text);
    cr_expect(strstr(written, "9999-12-31T23:59:59Z"), "%s", written);
    cr_expect(strstr(written, "\"published\":\"9999-12-31T23:59:59.999Z\""), "%s", written);
    metrics_text_fini(&text);
}
