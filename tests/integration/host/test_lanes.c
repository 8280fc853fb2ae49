/* SPDX-License-Identifier: Apache-2.0
 *
 * Who handles what, and in which order. */
#include <stdlib.h>
#include <string.h>

#include "base/random.h"
#include "support/play.h"

#define KEYS 1000
#define NUMBERS 20
#define ASLEEP_MOST 40 /* of a prefetch of 50, messages that wait behind a sleeper */

TestSuite(lanes, .timeout = 300);

static double done(const struct play *play)
{
    return play_metric(play, "warrener_messages_settled_total@,outcome=\"done\"}");
}

/* Number n of key k has the id m<k x NUMBERS + n>; they are sent number by number. */
static void write_sequences(const struct play *play, const char *head, unsigned percent_again)
{
    FILE *file = fopen(play_path(play, "sequences"), "we");
    cr_assert(file);
    for (unsigned number = 0; number < NUMBERS; number++)
        for (unsigned key = 0; key < KEYS; key++) {
            const bool again = random_below(100) < percent_again;
            fprintf(file, "{\"id\":\"m%u\",", key * NUMBERS + number);
            fprintf(file, head, key, key);
            fprintf(file, ",\"body\":{\"key\":%u%s}}\n", key,
                    again ? ",\"do\":\"retry\",\"until\":2" : "");
        }
    cr_assert(fclose(file) == 0);
}

static void prove_order(const struct play *play, bool is_each_once)
{
    struct record record;
    unsigned next[KEYS] = { 0 }, lanes[KEYS], used = 0;
    record_read(&record, play->record, KEYS * NUMBERS);
    PROVE(play, record.handled == KEYS * NUMBERS && record.strange == 0);
    PROVE(play, !is_each_once || record.repeated == 0);
    for (size_t i = 0; i < record.n; i++) {
        const struct record_line *line = &record.lines[i];
        const unsigned key = line->id / NUMBERS, number = line->id % NUMBERS;
        if (next[key] == 0) lanes[key] = line->lane;
        PROVE(play, lanes[key] == line->lane, "key %u in lanes %u and %u", key, lanes[key],
              line->lane);
        /* A second attempt comes before anything behind it. */
        const bool is_next = number == next[key];
        PROVE(play, is_next || (line->attempt == 2 && number + 1 == next[key]),
              "key %u: number %u where %u was next, attempt %u", key, number, next[key],
              line->attempt);
        if (is_next) next[key]++;
    }
    for (unsigned lane = 0; lane < 4; lane++) used += record.by_lane[lane] > 0;
    PROVE(play, used == 4);
    record_free(&record);
}

static void order(struct play *play, const char *by, const char *head, unsigned percent_again)
{
    char consumer[200], output[1024];
    snprintf(consumer, sizeof consumer,
             "lanes: 4, order_by: %s, prefetch: 1000, retry: {delays: [100ms], attempts: 3}%s", by,
             strcmp(by, "routing_key") == 0
                 ? ", bind: [{exchange: EXCHANGE, type: topic, key: \"#\"}]"
                 : "");
    char *name = strstr(consumer, "EXCHANGE");
    char full[400];
    if (name)
        snprintf(full, sizeof full, "%.*s%s%s", (int)(name - consumer), consumer, play->name,
                 name + 8);
    else
        snprintf(full, sizeof full, "%s", consumer);
    play_configure(play, &(struct setup){ .consumer = full });
    write_sequences(play, head, percent_again);
    play_start_ready(play);
    const char *exchange = name ? play->name : "";
    const int end = name ? RUN(play, output, "publish", "--exchange", exchange, "--ndjson",
                               play_path(play, "sequences"))
                         : RUN(play, output, "publish", "--exchange", "", "--key", play->queue,
                               "--ndjson", play_path(play, "sequences"));
    PROVE(play, end == 0, "%s", output);
    WAIT(play, done(play) == KEYS * NUMBERS);
    WAIT(play, play_is_still(play));
    prove_order(play, percent_again == 0);
    PROVE(play, play_end(play) == 0);
    if (name) rabbit_delete_exchange(play->rabbit, exchange);
}

Test(lanes, keep_the_order_of_a_routing_key)
{
    OPEN(play, "by-routing-key");
    order(&play, "routing_key", "\"key\":\"key.%u\"", 0);
    play_close(&play);
}

Test(lanes, keep_the_order_of_a_header)
{
    OPEN(play, "by-header");
    order(&play, "\"header:shop\"", "\"headers\":{\"shop\":\"s%u\"}", 0);
    play_close(&play);
}

Test(lanes, keep_the_order_of_a_json_field)
{
    OPEN(play, "by-json");
    order(&play, "\"json:key\"", "\"type\":\"t%u\"", 0);
    play_close(&play);
}

Test(lanes, keep_the_order_while_some_are_tried_again)
{
    OPEN(play, "again");
    order(&play, "\"json:key\"", "\"type\":\"t%u\"", 2);
    play_close(&play);
}

/* How many are done once nothing more is, with a moment for the broker to have had the last acks, which
 * nothing shows from outside: one in which the machine did not stutter. */
static double settle_down(const struct play *play)
{
    const uint64_t deadline_ms = clock_now_ms() + PLAY_PATIENCE_MS;
    double before, now = done(play);
    uint64_t took_ms;
    do {
        const uint64_t begun_ms = clock_now_ms();
        before = now;
        play_pause_ms(500);
        took_ms = clock_now_ms() - begun_ms;
        now = done(play);
    } while ((now != before || took_ms > 600) && clock_now_ms() < deadline_ms);
    return now;
}

/* One lane is asleep: the others go on, with all but what that lane was given before; and what they
 * finish behind the sleeper is acked singly. The host is killed while it sleeps, so that the broker
 * says what was acked. */
Test(lanes, go_on_while_one_is_asleep)
{
    OPEN(play, "asleep");
    struct record record;
    play_configure(&play, &(struct setup){ .consumer = "lanes: 4, prefetch: 50, timeout: 5m" });
    play_start_ready(&play);
    play_send_many(&play, 1, 3000, "{}"); /* the lanes learn that messages are quick */
    WAIT(&play, done(&play) == 3000);
    play_send_many(&play, 0, 1, "{\"do\":\"sleep\",\"ms\":200000}");
    WAIT(&play, record_lines(play.record) == 3001);
    play_send_many(&play, 3001, 3000, "{}");
    WAIT(&play, done(&play) >= 6000 - ASLEEP_MOST && rabbit_ready(play.rabbit, play.queue) == 0);
    PROVE(&play, play_is_ready(&play));
    WAIT(&play, play_status_says(&play, "\"held\":0,\"staged\":0,\"storing\":0,\"caching\":0,"
                                        "\"sending\":0,\"acking\":0}"));
    const double finished = settle_down(&play);
    play_kill(&play);
    const uint32_t left = play_left(&play);
    PROVE(&play, left == 6001 - (uint32_t)finished, "%u came back, %.0f were done", left, finished);

    record_read(&record, play.record, 6001);
    unsigned used = 0;
    for (unsigned lane = 0; lane < 4; lane++) used += record.by_lane[lane] > 0;
    PROVE(&play, used == 4, "%u lanes shared the work", used);
    record_free(&record);
    play_close(&play);
}

Test(lanes, share_the_work)
{
    OPEN(play, "shared");
    struct record record;
    play_configure(&play, &(struct setup){ .consumer = "lanes: 4", .options = "sleep_us: 500" });
    play_start_ready(&play);
    play_send_many(&play, 0, 4000, "{}");
    WAIT(&play, done(&play) == 4000);
    record_read(&record, play.record, 4000);
    for (unsigned lane = 0; lane < 4; lane++)
        PROVE(&play, record.by_lane[lane] > 400, "lane %u had %llu", lane,
              (unsigned long long)record.by_lane[lane]);
    record_free(&record);
    PROVE(&play, play_end(&play) == 0);
    play_close(&play);
}
