/* SPDX-License-Identifier: Apache-2.0
 *
 * Letters and retries: what is in them, and what must not be. */
#include <stdlib.h>
#include <string.h>

#include "integration/outbox/nasty.h"
#include "support/broker_verbs.h"

TestSuite(copies, .timeout = 300);

#define SLOW_MS 6000 /* a command and three rounds, on a machine with much else to do */

static double dead(const struct play *play, const char *reason)
{
    return play_metric(play, "warrener_dead_total@,reason=\"%s\"}", reason);
}

static double settled(const struct play *play, const char *outcome)
{
    return play_metric(play, "warrener_messages_settled_total@,outcome=\"%s\"}", outcome);
}

static double published(const struct play *play, const char *outcome)
{
    return play_metric(play, "warrener_published_total@,outcome=\"%s\"}", outcome);
}

static void take(struct play *play, struct office *office, const char *queue,
                 amqp_message_t *message)
{
    WAIT(play, rabbit_ready(play->rabbit, queue) > 0);
    PROVE(play, office_get(office, queue, message));
}

Test(copies, to_the_dead_queue_say_why_and_where_from)
{
    OPEN(play, "letter");
    struct office *office = office_open(NULL);
    amqp_message_t letter;
    play_configure(&play, &(struct setup){ .options = NULL });
    play_start_ready(&play);
    amqp_table_entry_t nested = { .key = amqp_cstring_bytes("deep") };
    amqp_table_entry_t inside = nasty_text("a", "b");
    nested.value.kind = AMQP_FIELD_KIND_TABLE;
    nested.value.value.table = (amqp_table_t){ 1, &inside };
    amqp_table_entry_t entries[] = { nasty_text("shop", "north"), nested };
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_HEADERS_FLAG | AMQP_BASIC_MESSAGE_ID_FLAG | AMQP_BASIC_TYPE_FLAG |
                  AMQP_BASIC_TIMESTAMP_FLAG | AMQP_BASIC_PRIORITY_FLAG | AMQP_BASIC_APP_ID_FLAG,
        .headers = { 2, entries },
        .message_id = amqp_cstring_bytes("one"),
        .type = amqp_cstring_bytes("order"),
        .timestamp = 1700000000,
        .priority = 0,
        .app_id = amqp_cstring_bytes("shop"),
    };
    office_send(office, "", play.queue, &properties, "{\"do\":\"reject\",\"code\":\"E7\"}");
    take(&play, office, play.dead, &letter);
    PROVE(&play, nasty_is(&letter, "x-warrener-reason", "rejected"));
    PROVE(&play, nasty_is(&letter, "x-warrener-detail", "the message says reject"));
    PROVE(&play, nasty_is(&letter, "x-warrener-code", "E7"));
    PROVE(&play, nasty_is(&letter, "x-warrener-handler", "probe/1.0"));
    PROVE(&play, nasty_is(&letter, "x-warrener-host", play.name));
    PROVE(&play, office_find(&letter, "x-warrener-exchange") &&
                     nasty_is(&letter, "x-warrener-exchange", ""));
    PROVE(&play, nasty_is(&letter, "x-warrener-routing-key", play.queue));
    PROVE(&play, office_number(&letter, "x-warrener-attempt") == 1);
    PROVE(&play, nasty_is(&letter, "shop", "north"));
    const amqp_field_value_t *deep = office_find(&letter, "deep");
    PROVE(&play, deep && deep->kind == AMQP_FIELD_KIND_TABLE && deep->value.table.num_entries == 1);
    PROVE(&play, strcmp(office_text(letter.properties.message_id), "one") == 0);
    PROVE(&play, strcmp(office_text(letter.properties.type), "order") == 0);
    PROVE(&play, strcmp(office_text(letter.properties.app_id), "shop") == 0);
    PROVE(&play, letter.properties.timestamp == 1700000000);
    PROVE(&play, letter.properties._flags & AMQP_BASIC_PRIORITY_FLAG);
    PROVE(&play, letter.properties.delivery_mode == 2);
    PROVE(&play, strcmp(office_text(letter.body), "{\"do\":\"reject\",\"code\":\"E7\"}") == 0);
    office_drop(&letter);
    WAIT(&play, dead(&play, "rejected") == 1 && settled(&play, "dead") == 1);
    PROVE(&play, published(&play, "confirmed") == 1 && published(&play, "returned") == 0);
    PROVE(&play, play_end(&play) == 0 && play_left(&play) == 0);
    office_close(office);
    play_close(&play);
}

static void send_nasty(const struct play *play, const char *id, const char *body, const char *cc)
{
    nasty_send(&(struct nasty){ .key = "test.nasty",
                                .died = play->queue,
                                .id = id,
                                .body = body,
                                .cc = cc,
                                .attempt = 77 });
}

static void expect_clean(struct play *play, const amqp_message_t *letter, const char *cc)
{
    PROVE(play,
          !(letter->properties._flags & (AMQP_BASIC_EXPIRATION_FLAG | AMQP_BASIC_USER_ID_FLAG)));
    PROVE(play, !office_find(letter, "CC") && !office_find(letter, "x-death"));
    PROVE(play, !office_find(letter, "x-first-death-queue"));
    PROVE(play, !office_find(letter, "x-last-death-reason"));
    const amqp_field_value_t *count =
        office_find(letter, "x-delivery-count"); /* the broker's own */
    PROVE(play, !count || count->value.i64 < 99);
    PROVE(play, nasty_is(letter, "x-warrener-expiration", "600000"));
    PROVE(play, nasty_is(letter, "x-warrener-user-id", NASTY_USER));
    PROVE(play, nasty_is(letter, "x-warrener-exchange", "amq.topic"));
    PROVE(play, nasty_is(letter, "x-warrener-routing-key", "test.nasty"));
    const amqp_field_value_t *moved = office_find(letter, "x-warrener-CC");
    PROVE(play,
          moved && moved->kind == AMQP_FIELD_KIND_ARRAY && moved->value.array.num_entries == 1);
    PROVE(play, strcmp(office_text(moved->value.array.entries[0].value.bytes), cc) == 0);
}

Test(copies, of_nasty_messages_are_neither_lost_nor_doubled)
{
    if (!broker_is_ours()) return;
    OPEN(play, "nasty");
    struct office *office = office_open(NULL);
    amqp_message_t letter, seen;
    char cc[120], sink[120], body[300], consumer[300];
    nasty_make_user();
    snprintf(cc, sizeof cc, "%s.cc", play.queue);
    snprintf(sink, sizeof sink, "%s.sink", play.queue);
    PROVE(&play, rabbit_declare(play.rabbit, cc, "classic", 0, false));
    PROVE(&play, rabbit_declare(play.rabbit, sink, "classic", 0, false));
    office_bind(office, cc, "amq.topic", cc);
    snprintf(consumer, sizeof consumer,
             "retry: {delays: [100ms], attempts: 3}, "
             "bind: [{exchange: amq.topic, type: topic, key: test.nasty}]");
    play_configure(&play, &(struct setup){ .consumer = consumer });
    play_start_ready(&play);

    send_nasty(&play, "rejected", "{\"do\":\"reject\"}", cc);
    take(&play, office, play.dead, &letter);
    expect_clean(&play, &letter, cc);
    PROVE(&play, office_number(&letter, "x-warrener-attempt") == 1, "lies are not believed");
    office_drop(&letter);

    send_nasty(&play, "attempts", "{\"do\":\"retry\"}", cc);
    take(&play, office, play.dead, &letter);
    expect_clean(&play, &letter, cc);
    PROVE(&play, nasty_is(&letter, "x-warrener-reason", "attempts"));
    PROVE(&play, office_number(&letter, "x-warrener-attempt") == 3);
    office_drop(&letter);

    snprintf(body, sizeof body, "{\"do\":\"retry\",\"until\":3,\"publish\":{\"key\":\"%s\"}}",
             sink);
    send_nasty(&play, "done", body, cc);
    take(&play, office, sink, &seen); /* its third try saw the original's address */
    PROVE(&play, nasty_is(&seen, "seen-exchange", "amq.topic") &&
                     nasty_is(&seen, "seen-key", "test.nasty"));
    PROVE(&play,
          nasty_is(&seen, "seen-user", NASTY_USER) && office_number(&seen, "seen-attempt") == 3);
    office_drop(&seen);

    WAIT(&play, settled(&play, "done") == 1 && settled(&play, "retry") == 4);
    WAIT(&play, settled(&play, "dead") == 2 && play_is_still(&play));
    PROVE(&play, rabbit_ready(play.rabbit, cc) == 3, "one for each message sent, none for a copy");
    PROVE(&play, rabbit_ready(play.rabbit, play.dead) == 0 && rabbit_ready(play.rabbit, sink) == 0);
    PROVE(&play, play_end(&play) == 0 && play_left(&play) == 0);
    rabbit_delete(play.rabbit, cc);
    rabbit_delete(play.rabbit, sink);
    office_close(office);
    play_close(&play);
}

Test(copies, come_back_after_their_delay)
{
    OPEN(play, "delay");
    play_configure(&play,
                   &(struct setup){ .consumer = "retry: {delays: [300ms, 900ms], attempts: 4}" });
    play_start_ready(&play);
    uint64_t times_ms[5] = { clock_now_ms() };
    play_send(&play, "{\"id\":\"m0\",\"body\":{\"do\":\"retry\"}}\n");
    for (size_t i = 1; i <= 4; i++) {
        WAIT(&play, record_lines(play.record) >= i);
        times_ms[i] = clock_now_ms();
    }
    /* Since it was sent: when it was seen may be later than when it was, never earlier. */
    static const uint64_t since_ms[] = { 300, 300 + 900, 300 + 900 + 900 };
    for (size_t i = 0; i < 3; i++) {
        const uint64_t took_ms = times_ms[i + 2] - times_ms[0];
        PROVE(&play, took_ms >= since_ms[i] && took_ms <= since_ms[i] * 11 / 10 + SLOW_MS, "%u ms",
              (unsigned)took_ms);
    }
    WAIT(&play, dead(&play, "attempts") == 1 && settled(&play, "retry") == 3);
    PROVE(&play, play_end(&play) == 0 && play_left(&play) == 0);
    play_close(&play);
}

Test(copies, wait_while_their_queue_is_missing_and_then_go)
{
    OPEN(play, "missing-dead");
    char retry[120];
    play_configure(&play, &(struct setup){ .consumer = "retry: {delays: [300ms], attempts: 2}" });
    play_start_ready(&play);
    snprintf(retry, sizeof retry, "%s.retry.300ms", play.queue);
    PROVE(&play, rabbit_exists(play.rabbit, retry) && rabbit_exists(play.rabbit, play.dead));
    play_pause_ms(500); /* quorum queues that young are not deleted well */
    rabbit_delete(play.rabbit, play.dead);
    rabbit_delete(play.rabbit, retry);
    play_send_many(&play, 0, 100, "{\"do\":\"retry\"}");
    play_send_many(&play, 100, 100, "{\"do\":\"reject\"}");
    WAIT(&play, dead(&play, "attempts") == 100 && dead(&play, "rejected") == 100);
    WAIT(&play, rabbit_ready(play.rabbit, play.dead) == 200 && play_is_still(&play));
    PROVE(&play, published(&play, "returned") >= 2 && published(&play, "confirmed") == 300);
    PROVE(&play, play_log_has(&play, "declared a missing queue again"));
    PROVE(&play, play_end(&play) == 0 && play_left(&play) == 0);
    play_close(&play);
}

Test(copies, stay_unacked_while_the_dead_queue_takes_none)
{
    if (!broker_is_ours()) return;
    OPEN(play, "full-dead");
    play_configure(&play, &(struct setup){ .options = NULL });
    play_start_ready(&play);
    office_eval(
        "rabbit_policy:parse_set(<<\"/\">>, <<\"%s\">>, <<\"^%s$\">>, "
        "<<\"{\\\"max-length\\\":1,\\\"overflow\\\":\\\"reject-publish\\\"}\">>, <<\"9\">>, "
        "<<\"queues\">>, <<\"test\">>).",
        play.name, play.dead);
    play_send_many(&play, 0, 4, "{\"do\":\"reject\"}"); /* what it takes before it notices */
    WAIT(&play, settled(&play, "dead") + published(&play, "nacked") >= 4);
    play_send_many(&play, 4, 16, "{\"do\":\"reject\"}");
    WAIT(&play, play_unready_says(&play, "does not take what is sent there"));
    WAIT(&play, published(&play, "nacked") > 0);
    WAIT(&play, settled(&play, "dead") + play_metric(&play, "warrener_messages_in_flight@}") == 20);
    PROVE(&play, settled(&play, "dead") < 20);
    PROVE(&play, fetch_status(play.port, "/livez") == 200);
    office_eval("rabbit_policy:delete(<<\"/\">>, <<\"%s\">>, <<\"test\">>).", play.name);
    struct office *office = office_open(NULL);
    const uint32_t first = office_count_ids(office, play.dead, NULL); /* or it does not notice */
    WAIT(&play, settled(&play, "dead") == 20 && play_is_ready(&play));
    PROVE(&play, first + office_count_ids(office, play.dead, NULL) == 20);
    PROVE(&play, play_end(&play) == 0 && play_left(&play) == 0);
    office_close(office);
    play_close(&play);
}

Test(copies, of_what_is_draining_are_sent_first)
{
    OPEN(play, "drained");
    play_configure(&play, &(struct setup){ .consumer = "retry: {delays: [10m], attempts: 2}" });
    play_start_ready(&play);
    play_send_many(&play, 0, 1000, "{\"do\":\"reject\"}");
    play_send_many(&play, 1000, 1000, "{\"do\":\"retry\"}");
    WAIT(&play, settled(&play, "dead") > 100);
    PROVE(&play, play_end(&play) == 0);
    char retry[120];
    snprintf(retry, sizeof retry, "%s.retry.10m", play.queue);
    const uint32_t left = play_left(&play);
    struct office *office = office_open(NULL);
    uint32_t letters, retries;
    const uint32_t all = office_count_ids(office, play.dead, &letters) +
                         office_count_ids(office, retry, &retries) + left;
    PROVE(&play, all == 2000 && letters + retries + left == 2000, "%u of %u letters, %u, %u left",
          all, letters, retries, left);
    office_close(office);
    play_close(&play);
}
