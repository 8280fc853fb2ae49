/* SPDX-License-Identifier: Apache-2.0
 *
 * What becomes of a message, by what its handler says of it. */
#include <string.h>

#include "support/play.h"
#include "support/watch_livez.h"

TestSuite(messages, .timeout = 300);

static double settled(const struct play *play, const char *outcome)
{
    return play_metric(play, "warrener_messages_settled_total@,outcome=\"%s\"}", outcome);
}

static double dead(const struct play *play, const char *reason)
{
    return play_metric(play, "warrener_dead_total@,reason=\"%s\"}", reason);
}

Test(messages, are_handled_and_acked)
{
    OPEN(play, "handled");
    play_configure(&play, &(struct setup){ .consumer = "lanes: 2" });
    play_start_ready(&play);
    play_send_many(&play, 0, 1000, "{\"key\":%u}");
    WAIT(&play, settled(&play, "done") == 1000 && play_is_still(&play));
    PROVE(&play, play_end(&play) == 0);
    PROVE(&play, play_left(&play) == 0);

    struct record record;
    record_read(&record, play.record, 1000);
    PROVE(&play, record.n == 1000 && record.handled == 1000 && record.strange == 0);
    PROVE(&play, record_find(&record, 567)->attempt == 1);
    PROVE(&play, strcmp(record_find(&record, 567)->key, "567") == 0);
    record_free(&record);
    play_close(&play);
}

Test(messages, rejected_go_to_the_dead_queue)
{
    OPEN(play, "rejected");
    struct letter letter;
    play_configure(&play, &(struct setup){ .options = NULL });
    play_start_ready(&play);
    play_send_many(&play, 0, 1, "{\"do\":\"reject\"}");
    play_send_many(&play, 1, 1, "{\"do\":\"fail\"}");
    play_send_many(&play, 2, 1, "{\"do\":\"done\"}");
    WAIT(&play, rabbit_ready(play.rabbit, play.dead) == 2);
    WAIT(&play, dead(&play, "rejected") == 2 && settled(&play, "dead") == 2);
    WAIT(&play, settled(&play, "done") == 1);
    PROVE(&play, play_handled(&play, 3) == 3);
    PROVE(&play, play_log_has(&play, "the message says reject"));

    PROVE(&play, rabbit_get(play.rabbit, play.dead, &letter));
    PROVE(&play, strcmp(letter.id, "m0") == 0, "%s", letter.id);
    PROVE(&play, strcmp(letter.body, "{\"do\":\"reject\"}") == 0);
    PROVE(&play, strcmp(letter.reason, "rejected") == 0 && strcmp(letter.from, "") == 0);
    PROVE(&play, play_end(&play) == 0);
    play_close(&play);
}

/* How many rejections this host's log stands for, all lines together. */
static unsigned rejections_logged(const struct play *play)
{
    static const char words[] = "message dead: rejected";
    char line[4096];
    unsigned sum = 0;
    FILE *log = fopen(play->log, "re");
    if (!log) return 0;
    while (fgets(line, sizeof line, log)) {
        const char *const count = strstr(line, words) ? strstr(line, " count=") : NULL;
        if (count) sum += (unsigned)strtoul(count + sizeof " count=" - 1, NULL, 10);
    }
    (void)fclose(log);
    return sum;
}

Test(messages, that_fail_at_once_are_all_counted_in_the_log)
{
    OPEN(play, "burst");
    play_configure(&play, &(struct setup){ .options = NULL });
    play_start_ready(&play);
    play_send_many(&play, 0, 20, "{\"do\":\"reject\"}");
    WAIT(&play, settled(&play, "dead") == 20);
    WAIT(&play, rejections_logged(&play) == 20); /* though nothing fails any more */
    play_send_many(&play, 20, 20, "{\"do\":\"reject\"}");
    WAIT(&play, settled(&play, "dead") == 40);
    PROVE(&play, play_end(&play) == 0);
    PROVE(&play, rejections_logged(&play) == 40); /* nor is anything kept back at the end */
    play_close(&play);
}

Test(messages, tally_counts_json_and_rejects_the_rest)
{
    OPEN(play, "tally");
    struct letter letter;
    play_configure(&play, &(struct setup){ .handler = "tally", .plugins = play_workers_dir() });
    play_start_ready(&play);
    play_send(&play, "{\"id\":\"a\",\"body\":{\"kind\":\"login_ok\"}}\n"
                     "{\"id\":\"b\",\"body\":\"this is no JSON\"}\n");
    WAIT(&play, rabbit_ready(play.rabbit, play.dead) == 1 && settled(&play, "done") == 1);
    PROVE(&play, rabbit_get(play.rabbit, play.dead, &letter));
    PROVE(&play, strcmp(letter.id, "b") == 0 && strcmp(letter.reason, "rejected") == 0);
    PROVE(&play,
          play_metric(&play, "warrener_handler_login_ok_total{handler=\"tally\",queue=\"%s\"}",
                      play.queue) == 1);
    PROVE(&play, play_end(&play) == 0);
    play_close(&play);
}

Test(messages, too_large_ones_are_never_held)
{
    OPEN(play, "oversize");
    struct letter letter;
    const size_t bytes = 3000000;
    char *line = malloc(bytes + 100);
    play_configure(&play, &(struct setup){ .consumer = "max_message: 4KiB" });
    play_start_ready(&play);
    const double before = play_metric(&play, "process_resident_memory_bytes");
    snprintf(line, 100, "{\"id\":\"large\",\"body\":\"");
    size_t n = strlen(line);
    memset(line + n, 'x', bytes);
    snprintf(line + n + bytes, 10, "\"}\n");
    for (int i = 0; i < 3; i++) play_send(&play, line);
    snprintf(line, bytes, "{\"id\":\"m0\",\"body\":{\"key\":\"%04000d\"}}\n", 7);
    play_send(&play, line);
    free(line);
    WAIT(&play, rabbit_ready(play.rabbit, play.dead) == 3 && dead(&play, "oversize") == 3);
    WAIT(&play, settled(&play, "done") == 1);
    const double grown = play_metric(&play, "process_resident_memory_bytes") - before;
    PROVE(&play, grown < (play_is_sanitized() ? 20e6 : 2.5e6), "%.0f bytes", grown);
    PROVE(&play, play_log_has(&play, "message_id=large"));
    PROVE(&play, rabbit_get(play.rabbit, play.dead, &letter));
    PROVE(&play, strcmp(letter.id, "large") == 0 && letter.body_bytes == bytes);
    PROVE(&play, play_end(&play) == 0);
    play_close(&play);
}

Test(messages, are_tried_again_and_are_dead_after_their_attempts)
{
    OPEN(play, "retried");
    struct record record;
    play_configure(&play,
                   &(struct setup){ .consumer = "retry: {delays: [100ms, 200ms], attempts: 4}" });
    play_start_ready(&play);
    const uint64_t begun_ms = clock_now_ms();
    play_send(&play, "{\"id\":\"m0\",\"body\":{\"do\":\"retry\"}}\n"
                     "{\"id\":\"m1\",\"body\":{\"do\":\"retry\",\"until\":3}}\n"
                     "{\"id\":\"m2\",\"body\":{}}\n");
    WAIT(&play, settled(&play, "dead") == 1 && settled(&play, "done") == 2);
    PROVE(&play, clock_now_ms() - begun_ms >= 500); /* 100, 200 and 200 again */
    PROVE(&play, settled(&play, "retry") == 5 && dead(&play, "attempts") == 1);
    PROVE(&play, rabbit_ready(play.rabbit, play.dead) == 1);
    record_read(&record, play.record, 3);
    PROVE(&play, record.counts[0] == 4 && record.counts[1] == 3 && record.counts[2] == 1);
    PROVE(&play, record.lines[record.n - 1].id == 0 && record.lines[record.n - 1].attempt == 4);
    record_free(&record);
    PROVE(&play, play_end(&play) == 0);
    PROVE(&play, play_left(&play) == 0);
    play_close(&play);
}

Test(messages, that_wait_spend_no_attempt)
{
    OPEN(play, "waiting");
    struct record record;
    play_configure(&play, &(struct setup){ .consumer = "retry: {delays: [100ms], attempts: 2}" });
    play_start_ready(&play);
    play_send(&play, "{\"id\":\"m0\",\"body\":{\"do\":\"wait\"}}\n"
                     "{\"id\":\"m1\",\"body\":{}}\n");
    WAIT(&play, record_lines(play.record) >= 5); /* m1, and m0 four times: more than its attempts */
    record_read(&record, play.record, 2);
    for (size_t i = 0; i < record.n; i++) PROVE(&play, record.lines[i].attempt == 1);
    record_free(&record);
    WAIT(&play, settled(&play, "done") == 1);
    PROVE(&play, settled(&play, "dead") == 0 && settled(&play, "retry") == 0);
    PROVE(&play, play_end(&play) == 0); /* what waits does not hold up the end */
    PROVE(&play, play_left(&play) == 1);
    PROVE(&play, rabbit_ready(play.rabbit, play.dead) == 0);
    play_close(&play);
}

static double soon(const struct play *play)
{
    return play_metric(play, "warrener_settle_seconds_bucket@,le=\"0.16\"}");
}

/* Received to acked, as the host itself measures it: no more than the batch's wait and a little, but
 * for those that came while the machine kept the test itself waiting. */
Test(messages, that_come_alone_are_acked_soon)
{
    OPEN(play, "alone");
    play_configure(&play, &(struct setup){ .consumer = "batch: {rows: 500, wait: 20ms}" });
    play_start_ready(&play);
    struct watch_livez *watch = watch_livez_start(play.port);
    uint32_t sent = 0;
    do {
        play_send_many(&play, sent++, 1, "{}");
        WAIT(&play, settled(&play, "done") == sent);
    } while (sent < 10 || (soon(&play) < 9 && sent < 100));
    const struct watch_report report = watch_livez_end(watch);
    const double mean = play_metric(&play, "warrener_settle_seconds_sum@}") / sent;
    PROVE(&play, mean >= 0.019 && soon(&play) >= 9, "%.4f s, %.0f of %u", mean, soon(&play), sent);
    PROVE(&play, (mean < 0.2 && sent == 10) || watch_saw_stutter(&report, 50), "%.4f s, %u", mean,
          sent);
    PROVE(&play, play_end(&play) == 0);
    play_close(&play);
}

/* By all lanes together. */
static unsigned long handled(const char *status)
{
    static const char key[] = "\"handled\":";
    unsigned long sum = 0;
    for (const char *at = status; (at = strstr(at, key));)
        sum += strtoul(at += strlen(key), NULL, 10);
    return sum;
}

static bool status_has_it_all(const struct play *play, struct fetched *page)
{
    static const char *const numbers[] = { "\"received\":790", "\"done\":730", "\"retried\":35",
                                           "\"dead\":25", "\"in_flight\":0,\"bytes_in_flight\":0" };
    fetch(play->port, "/status", page);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!strstr(page->body, numbers[i])) return false;
    return page->status == 200 && handled(page->body) == 790;
}

/* The numbers of known traffic, to the last one. */
Test(messages, are_counted_exactly)
{
    OPEN(play, "counted");
    struct fetched *page = malloc(sizeof *page);
    play_configure(
        &play, &(struct setup){ .consumer = "lanes: 3, retry: {delays: [100ms], attempts: 2}" });
    play_start_ready(&play);
    play_send_many(&play, 0, 700, "{}");
    play_send_many(&play, 700, 20, "{\"do\":\"reject\"}");
    play_send_many(&play, 720, 30, "{\"do\":\"retry\",\"until\":2}");
    play_send_many(&play, 750, 5, "{\"do\":\"retry\"}");
    WAIT(&play, settled(&play, "done") == 730 && settled(&play, "dead") == 25);
    WAIT(&play, play_is_still(&play));
    PROVE(&play, play_metric(&play, "warrener_messages_received_total@}") == 790);
    PROVE(&play, settled(&play, "retry") == 35);
    PROVE(&play, dead(&play, "rejected") == 20 && dead(&play, "attempts") == 5);
    PROVE(&play, dead(&play, "oversize") == 0);
    PROVE(&play, play_metric(&play, "warrener_bytes_in_flight@}") == 0);
    PROVE(&play, play_metric(&play, "warrener_lanes@}") == 3);
    PROVE(&play, play_metric(&play, "warrener_prefetch@}") == 150);
    WAIT(&play, play_metric(&play, "warrener_connected{server=\"amqp\"}") == 1);
    PROVE(&play, play_metric(&play, "warrener_reconnects_total{server=\"amqp\"}") == 0);
    PROVE(&play, play_metric(&play, "warrener_settle_seconds_count@}") == 790);
    PROVE(&play, play_metric(&play, "warrener_batch_rows_sum@}") == 730);
    PROVE(&play, play_metric(&play, "warrener_handler_seconds_count@}") == 790);
    PROVE(&play, play_metric(&play, "warrener_handler_probed_total{handler=\"probe\",queue=\"%s\"}",
                             play.queue) == 790);
    WAIT(&play, status_has_it_all(&play, page)); /* it is taken four times a second */
    PROVE(&play, strstr(page->body, "\"prefetch\":150") && strstr(page->body, play.name));
    free(page);
    PROVE(&play, play_end(&play) == 0);
    play_close(&play);
}
/* Many come back from the lanes at once; a batch still takes no more than `rows` of them. */
Test(messages, no_batch_holds_more_than_its_rows)
{
    OPEN(play, "batches");
    play_configure(&play, &(struct setup){ .consumer = "lanes: 3, batch: {rows: 25, wait: 1s}" });
    play_start_ready(&play);
    play_send_many(&play, 0, 2000, "{}");
    WAIT(&play, settled(&play, "done") == 2000);
    PROVE(&play, play_metric(&play, "warrener_batch_rows_count@}") >= 80);
    PROVE(&play, play_metric(&play, "warrener_batch_rows_bucket@,le=\"25\"}") ==
                     play_metric(&play, "warrener_batch_rows_count@}"));
    PROVE(&play, play_end(&play) == 0);
    play_close(&play);
}
