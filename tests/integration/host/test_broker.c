/* SPDX-License-Identifier: Apache-2.0
 *
 * What the host asks of the broker, and what it says where it does not get it. */
#include <stdlib.h>
#include <string.h>

#include "support/broker_verbs.h"
#include "support/play.h"

TestSuite(broker, .timeout = 300);

static double done(const struct play *play)
{
    return play_metric(play, "warrener_messages_settled_total@,outcome=\"done\"}");
}

static bool management_says(const char *path, struct fetched *page, const char *a, const char *b)
{
    return fetch_management(path, page) && strstr(page->body, a) && strstr(page->body, b);
}

/* The management API looks every five seconds. */
Test(broker, shows_names_tags_and_prefetch)
{
    OPEN(play, "shown");
    struct fetched *page = malloc(sizeof *page);
    char name[120], tag[200], prefetch[40];
    if (!getenv("MANAGEMENT_URL")) {
        fprintf(stderr, "passed over: MANAGEMENT_URL is not set\n");
        play_close(&play);
        free(page);
        return;
    }
    play_configure(&play, &(struct setup){ .consumer = "lanes: 3, prefetch: 77" });
    play_start_ready(&play);
    snprintf(name, sizeof name, "\"connection_name\":\"%s/consume\"", play.name);
    snprintf(tag, sizeof tag, "\"consumer_tag\":\"%s.%s\"", play.name, play.queue);
    snprintf(prefetch, sizeof prefetch, "\"prefetch_count\":77");
    WAIT(&play, management_says("/api/connections", page, name, "\"product\":\"Warrener\"") ||
                    management_says("/api/connections", page, name, "\"user\":\"guest\""));
    WAIT(&play, management_says("/api/consumers", page, tag, prefetch));
    /* within the one consumer that is ours */
    const char *at = strstr(page->body, tag);
    const char *begin = at;
    while (begin > page->body && strncmp(begin, "{\"arguments\"", 12) != 0) begin--;
    const char *count = strstr(begin, prefetch), *next = strstr(at + 1, "\"consumer_tag\"");
    PROVE(&play, count && (!next || count < next), "%.600s", begin);
    PROVE(&play, strstr(begin, "\"ack_required\":true"));
    free(page);
    PROVE(&play, play_end(&play) == 0);
    play_close(&play);
}

Test(broker, is_waited_for_until_it_has_the_queue)
{
    OPEN(play, "missing");
    char words[200];
    play_configure(&play, &(struct setup){ .consumer = "declare: none" });
    snprintf(words, sizeof words, "queue '%s' does not exist", play.queue);
    play_start(&play);
    WAIT(&play, play_unready_says(&play, words));
    PROVE(&play, fetch_status(play.port, "/livez") == 200);
    PROVE(&play, !rabbit_exists(play.rabbit, play.queue));
    PROVE(&play, rabbit_declare(play.rabbit, play.queue, "quorum", 0, true));
    WAIT(&play, play_is_ready(&play));
    play_send_many(&play, 0, 10, "{}");
    WAIT(&play, done(&play) == 10);
    PROVE(&play, play_end(&play) == 0);
    play_close(&play);
}

Test(broker, has_the_queue_as_another_type)
{
    OPEN(play, "other-type");
    char output[4096];
    PROVE(&play, rabbit_declare(play.rabbit, play.queue, "classic", 0, true));
    play_configure(&play, &(struct setup){ .options = NULL });
    play_start(&play);
    WAIT(&play, play_unready_says(&play, "x-queue-type"));
    PROVE(&play, play_unready_says(&play, "'classic'") && play_unready_says(&play, "'quorum'"));
    PROVE(&play, play_unready_says(&play, play.queue));
    PROVE(&play, fetch_status(play.port, "/livez") == 200);
    WAIT(&play, play_log_has(&play, "has x-queue-type 'classic'"));
    PROVE(&play, RUN(&play, output, "check", "--connect") == 78, "%s", output);
    PROVE(&play, strstr(output, "'classic'") && strstr(output, "'quorum'"), "%s", output);
    PROVE(&play, play_end(&play) == 0);
    play_close(&play);
}

Test(broker, has_the_queue_with_another_delivery_limit)
{
    OPEN(play, "other-limit");
    char output[4096];
    PROVE(&play, rabbit_declare(play.rabbit, play.queue, "quorum", 7, true));
    play_configure(&play, &(struct setup){ .options = NULL });
    play_start_ready(&play);
    PROVE(&play, play_log_has(&play, "x-delivery-limit 7, not 100"));
    play_send_many(&play, 0, 10, "{}");
    WAIT(&play, done(&play) == 10);
    PROVE(&play, RUN(&play, output, "check", "--connect") == 0, "%s", output);
    PROVE(&play, strstr(output, "set_policy") && strstr(output, "agrees"), "%s", output);
    PROVE(&play, play_end(&play) == 0);
    play_close(&play);
}

/* ---- getting in ------------------------------------------------------------------------------ */

Test(broker, refuses_the_password)
{
    OPEN(play, "password");
    char amqp[200], address[40], output[4096];
    struct fetched *page = malloc(sizeof *page);
    snprintf(amqp, sizeof amqp, "url: \"amqp://guest:geheim-17@127.0.0.1:%u/\"",
             play_broker_port());
    snprintf(address, sizeof address, "127.0.0.1:%u", play_broker_port());
    play_configure(&play, &(struct setup){ .amqp = amqp });
    play_start(&play);
    WAIT(&play, play_unready_says(&play, "'guest'"));
    PROVE(&play, play_unready_says(&play, address));
    PROVE(&play, fetch_status(play.port, "/livez") == 200);
    fetch(play.port, "/status", page);
    PROVE(&play, strstr(page->body, "ACCESS_REFUSED") && !strstr(page->body, "geheim"), "%s",
          page->body);
    fetch(play.port, "/readyz", page);
    PROVE(&play, !strstr(page->body, "geheim"));
    PROVE(&play, !play_log_has(&play, "geheim"));
    PROVE(&play, RUN(&play, output, "check", "--connect") == 69, "%s", output);
    PROVE(&play, strstr(output, "'guest'") && !strstr(output, "geheim"), "%s", output);
    free(page);
    PROVE(&play, play_end(&play) == 0);
    play_close(&play);
}

/* From a file, which is read again: the host mends itself when the secret does. */
Test(broker, takes_the_password_once_it_is_mended)
{
    OPEN(play, "mended");
    char amqp[400];
    snprintf(amqp, sizeof amqp, "host: 127.0.0.1, port: %u, user: guest, password: \"${file:%s}\"",
             play_broker_port(), play_path(&play, "secret"));
    play_write(&play, "secret", "wrong\n");
    play_configure(&play, &(struct setup){ .amqp = amqp });
    play_start(&play);
    WAIT(&play, play_unready_says(&play, "ACCESS_REFUSED"));
    play_write(&play, "secret", "guest\n");
    WAIT(&play, play_is_ready(&play));
    PROVE(&play, play_end(&play) == 0);
    play_close(&play);
}

static bool set_tls(struct play *play, const char *ca)
{
    const char *dir = getenv("WARRENER_TEST_TLS_DIR");
    char amqp[500];
    if (!dir || !getenv("AMQPS_URL")) {
        fprintf(stderr, "passed over: AMQPS_URL and WARRENER_TEST_TLS_DIR are not set\n");
        return false;
    }
    snprintf(amqp, sizeof amqp, "url: \"${AMQPS_URL}\", tls: {ca: \"%s/%s.pem\"}", dir, ca);
    play_configure(play, &(struct setup){ .amqp = amqp });
    return true;
}

Test(broker, is_reached_over_tls)
{
    OPEN(play, "tls");
    if (set_tls(&play, "ca")) {
        play_start_ready(&play);
        play_send_many(&play, 0, 2000, "{}");
        WAIT(&play, done(&play) == 2000);
        PROVE(&play, play_end(&play) == 0);
    }
    play_close(&play);
}

Test(broker, is_not_believed_under_a_foreign_authority)
{
    OPEN(play, "foreign-ca");
    if (set_tls(&play, "stranger-ca")) {
        play_start(&play);
        WAIT(&play, play_unready_says(&play, "not trusted by"));
        PROVE(&play, play_unready_says(&play, "stranger-ca.pem"));
        PROVE(&play, fetch_status(play.port, "/livez") == 200);
        PROVE(&play, play_end(&play) == 0);
    }
    play_close(&play);
}
