/* SPDX-License-Identifier: Apache-2.0
 *
 * /metrics of a whole host: what is there before the first message, what the broker counts, and what
 * Prometheus' own tool says of it. */
#include <stdlib.h>
#include <string.h>

#include "support/play.h"

TestSuite(metrics, .timeout = 300);

/* @ is the consumer. All of it stands at zero before anything has happened. */
static const char *const at_zero[] = {
    "warrener_messages_received_total@}",
    "warrener_messages_settled_total@,outcome=\"done\"}",
    "warrener_messages_settled_total@,outcome=\"retry\"}",
    "warrener_messages_settled_total@,outcome=\"dead\"}",
    "warrener_dead_total@,reason=\"rejected\"}",
    "warrener_dead_total@,reason=\"attempts\"}",
    "warrener_dead_total@,reason=\"row\"}",
    "warrener_dead_total@,reason=\"unroutable\"}",
    "warrener_dead_total@,reason=\"oversize\"}",
    "warrener_batches_total@,outcome=\"committed\"}",
    "warrener_published_total@,outcome=\"confirmed\"}",
    "warrener_published_total@,outcome=\"returned\"}",
    "warrener_published_total@,outcome=\"nacked\"}",
    "warrener_paused_seconds_total@}",
    "warrener_lane_busy_seconds_total@}",
    "warrener_messages_in_flight@}",
    "warrener_bytes_in_flight@}",
    "warrener_queue_ready@}",
    "warrener_dead_ready@}",
    "warrener_retry_ready@,delay=\"10s\"}",
    "warrener_retry_ready@,delay=\"1h\"}",
    "warrener_last_done_timestamp_seconds@}",
    "warrener_handler_seconds_count@}",
    "warrener_settle_seconds_count@}",
    "warrener_message_age_seconds_count@}",
    "warrener_batch_rows_count@}",
};

/* By promtool, where it is installed; its words are the test's. */
static void check_by_promtool(const struct play *play)
{
    char command[600], words[2000];
    if (system("command -v promtool >/dev/null") != 0) {
        fprintf(stderr, "passed over: promtool (package prometheus) is not installed\n");
        return;
    }
    snprintf(command, sizeof command, "promtool check metrics < %s/page 2>&1", play->dir);
    FILE *pipe = popen(command, "r");
    cr_assert(pipe);
    words[fread(words, 1, sizeof words - 1, pipe)] = '\0';
    PROVE(play, pclose(pipe) == 0 && !*words, "%s", words);
}

Test(metrics, are_all_there_before_the_first_message)
{
    OPEN(play, "from-the-start");
    struct fetched *page = malloc(sizeof *page);
    play_configure(&play, &(struct setup){ .consumer = "lanes: 2, retry: {delays: [10s, 1h]}" });
    play_start_ready(&play);
    for (size_t i = 0; i < sizeof at_zero / sizeof *at_zero; i++)
        PROVE(&play, play_metric(&play, at_zero[i]) == 0, "%s", at_zero[i]);
    PROVE(&play, play_metric(&play, "warrener_lanes@}") == 2);
    PROVE(&play, play_metric(&play, "warrener_prefetch@}") == 100);
    PROVE(&play, play_metric(&play, "warrener_reconnects_total{server=\"amqp\"}") == 0);
    WAIT(&play, play_metric(&play, "warrener_connected{server=\"amqp\"}") == 1);
    WAIT(&play, play_metric(&play, "warrener_loop_lag_seconds_count") > 0);
    PROVE(&play, play_metric(&play, "process_cpu_seconds_total") >= 0);
    fetch(play.port, "/metrics", page);
    play_write(&play, "page", page->body);
    check_by_promtool(&play);
    free(page);
    PROVE(&play, play_end(&play) == 0);
    play_close(&play);
}

/* One is in hand and sleeps, two wait; one waits for its second try, one is dead. */
Test(metrics, count_what_waits_at_the_broker)
{
    OPEN(play, "depths");
    play_configure(&play, &(struct setup){ .consumer = "prefetch: 1, timeout: 1m, retry: {delays: "
                                                       "[1m, 1h], attempts: 9}" });
    play_start_ready(&play);
    play_send(&play, "{\"id\":\"m0\",\"body\":{\"do\":\"reject\"}}\n"
                     "{\"id\":\"m1\",\"body\":{\"do\":\"retry\",\"until\":9}}\n"
                     "{\"id\":\"m2\",\"body\":{\"do\":\"sleep\",\"ms\":50000}}\n"
                     "{\"id\":\"m3\",\"body\":{}}\n{\"id\":\"m4\",\"body\":{}}\n");
    WAIT(&play, play_metric(&play, "warrener_dead_ready@}") == 1);
    WAIT(&play, play_metric(&play, "warrener_queue_ready@}") == 2);
    WAIT(&play, play_metric(&play, "warrener_retry_ready@,delay=\"1m\"}") == 1);
    PROVE(&play, play_metric(&play, "warrener_retry_ready@,delay=\"1h\"}") == 0);
    WAIT(&play, play_status_says(&play, "\"ready\":2,\"retry_ready\":1,\"dead_ready\":1,"));
    WAIT(&play, play_status_says(&play, "\"prefetch\":1,\"in_flight\":1,\"bytes_in_flight\":25,"
                                        "\"received\":3,\"done\":0,\"retried\":1,\"dead\":1,"
                                        "\"crashes\":0,"));
    WAIT(&play, play_status_says(&play, "\"stages\":{\"waiting\":0,\"handling\":1,\"held\":0,"
                                        "\"staged\":0,\"storing\":0,\"caching\":0,"
                                        "\"sending\":0,\"acking\":0}"));
    play_kill(&play);
    play_close(&play);
}
