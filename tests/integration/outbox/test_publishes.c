/* SPDX-License-Identifier: Apache-2.0
 *
 * What handlers publish: when, under which ids, and through what troubles. */
#include <stdlib.h>
#include <string.h>

#include "integration/outbox/office.h"
#include "support/broker_verbs.h"

TestSuite(publishes, .timeout = 300);

static double dead(const struct play *play, const char *reason)
{
    return play_metric(play, "warrener_dead_total@,reason=\"%s\"}", reason);
}

static double settled(const struct play *play, const char *outcome)
{
    return play_metric(play, "warrener_messages_settled_total@,outcome=\"%s\"}", outcome);
}

static const char *sink_of(const struct play *play)
{
    static char name[120];
    snprintf(name, sizeof name, "%s.sink", play->queue);
    return name;
}

static void open_sink(struct play *play)
{
    PROVE(play, rabbit_declare(play->rabbit, sink_of(play), "quorum", 0, false));
}

static const char *publishing(const struct play *play, const char *more)
{
    static char body[400];
    snprintf(body, sizeof body, "{\"publish\":{\"key\":\"%s\",\"n\":2}%s}", sink_of(play), more);
    return body;
}

static void end(struct play *play, struct office *office)
{
    PROVE(play, play_end(play) == 0 && play_left(play) == 0);
    rabbit_delete(play->rabbit, sink_of(play));
    office_close(office);
    play_close(play);
}

Test(publishes, have_ids_that_follow_from_their_source)
{
    OPEN(play, "derived");
    struct office *office = office_open(NULL);
    amqp_message_t message;
    char ids[4][80], line[500];
    open_sink(&play);
    play_configure(&play, &(struct setup){ .options = NULL });
    play_start_ready(&play);
    snprintf(line, sizeof line, "{\"id\":\"same\",\"body\":%s}\n", publishing(&play, ""));
    play_send(&play, line);
    play_send(&play, line); /* as a redelivery would be */
    WAIT(&play, settled(&play, "done") == 2);
    for (int i = 0; i < 4; i++) {
        PROVE(&play, office_get(office, sink_of(&play), &message));
        snprintf(ids[i], sizeof ids[i], "%s", office_text(message.properties.message_id));
        PROVE(&play, strcmp(office_header(&message, "seen-id"), "same") == 0);
        PROVE(&play, message.properties.delivery_mode == 2);
        office_drop(&message);
    }
    PROVE(&play, strlen(ids[0]) == 36 && ids[0][14] == '8', "%s", ids[0]);
    PROVE(&play, strcmp(ids[0], ids[1]) != 0, "two messages of one source");
    PROVE(&play, strcmp(ids[0], ids[2]) == 0 && strcmp(ids[1], ids[3]) == 0);
    PROVE(&play, play_metric(&play, "warrener_published_total@,outcome=\"confirmed\"}") == 4);
    end(&play, office);
}

Test(publishes, of_rejected_messages_are_sent_where_they_always_are)
{
    OPEN(play, "always");
    struct office *office = office_open(NULL);
    char line[500];
    open_sink(&play);
    play_configure(&play, &(struct setup){ .options = NULL });
    play_start_ready(&play);
    snprintf(
        line, sizeof line,
        "{\"id\":\"a\",\"body\":{\"do\":\"reject\",\"publish\":{\"key\":\"%s\",\"always\":true}}}\n"
        "{\"id\":\"b\",\"body\":{\"do\":\"reject\",\"publish\":{\"key\":\"%s\"}}}\n",
        sink_of(&play), sink_of(&play));
    play_send(&play, line);
    WAIT(&play, settled(&play, "dead") == 2);
    PROVE(&play, rabbit_ready(play.rabbit, sink_of(&play)) == 1);
    PROVE(&play, dead(&play, "rejected") == 2);
    end(&play, office);
}

Test(publishes, are_answered_to_who_asked_and_lost_on_who_left)
{
    OPEN(play, "reply");
    struct office *office = office_open(NULL);
    amqp_message_t message;
    open_sink(&play);
    play_configure(&play, &(struct setup){ .options = NULL });
    play_start_ready(&play);
    amqp_basic_properties_t properties = {
        ._flags = AMQP_BASIC_REPLY_TO_FLAG | AMQP_BASIC_CORRELATION_ID_FLAG,
        .reply_to = amqp_cstring_bytes(sink_of(&play)),
        .correlation_id = amqp_cstring_bytes("c-1"),
    };
    office_send(office, "", play.queue, &properties, "{\"reply\":\"yes\"}");
    properties.reply_to = amqp_cstring_bytes("nobody.is.here");
    office_send(office, "", play.queue, &properties, "{\"reply\":\"yes\"}");
    WAIT(&play, settled(&play, "done") == 2);
    PROVE(&play, office_get(office, sink_of(&play), &message));
    PROVE(&play, strcmp(office_text(message.body), "yes") == 0);
    PROVE(&play, strcmp(office_text(message.properties.correlation_id), "c-1") == 0);
    office_drop(&message);
    PROVE(&play, dead(&play, "unroutable") == 0);
    end(&play, office);
}

/* One finds no queue; the other names no exchange there is, which closes the channel each time. Neither
 * holds up the rest. */
Test(publishes, that_no_queue_takes_end_in_the_dead_queue_and_hold_up_nobody)
{
    OPEN(play, "unroutable");
    struct office *office = office_open(NULL);
    amqp_message_t letter;
    open_sink(&play);
    play_configure(&play, &(struct setup){ .options = NULL });
    play_start_ready(&play);
    play_send_many(&play, 0, 5, "{\"publish\":{\"exchange\":\"amq.direct\",\"key\":\"no.queue\"}}");
    play_send_many(&play, 5, 15, "{\"publish\":{\"exchange\":\"no.exchange\",\"key\":\"k\"}}");
    play_send_many(&play, 20, 200, publishing(&play, ""));
    WAIT(&play, settled(&play, "done") == 200 || settled(&play, "dead") > 0);
    PROVE(&play, settled(&play, "dead") == 0, "they are tried for 15 s, and held up others");
    WAIT(&play, dead(&play, "unroutable") == 20 && play_is_still(&play));
    PROVE(&play, office_count_ids(office, sink_of(&play), NULL) == 400);
    PROVE(&play, rabbit_ready(play.rabbit, play.dead) == 20);
    bool has_returned = false, has_closed = false;
    while (office_get(office, play.dead, &letter)) {
        const char *detail = office_header(&letter, "x-warrener-detail");
        PROVE(&play, strcmp(office_header(&letter, "x-warrener-reason"), "unroutable") == 0);
        PROVE(&play, strstr(detail, "no.queue") || strstr(detail, "no.exchange"), "%s", detail);
        has_returned |= strstr(detail, "no.queue") && strstr(detail, "312");
        has_closed |= strstr(detail, "no.exchange") != NULL;
        office_drop(&letter);
    }
    PROVE(&play, has_returned && has_closed);
    end(&play, office);
}

Test(publishes, wait_for_the_end_of_an_alarm)
{
    if (!broker_is_ours()) return;
    OPEN(play, "alarm");
    struct office *office = office_open(NULL);
    open_sink(&play);
    PROVE(&play, rabbit_declare(play.rabbit, play.queue, "quorum", 100, true));
    play_configure(&play, &(struct setup){ .options = NULL });
    play_send_many(&play, 0, 40, publishing(&play, ""));
    broker_ctl("set_vm_memory_high_watermark", "0.00001");
    play_start(&play);
    WAIT(&play, play_unready_says(&play, "blocks publishers") ||
                    play_metric(&play, "warrener_messages_in_flight@}") == 40);
    WAIT(&play, play_metric(&play, "warrener_messages_in_flight@}") == 40);
    WAIT(&play, play_unready_says(&play, "blocks publishers"));
    PROVE(&play, settled(&play, "done") == 0 && fetch_status(play.port, "/livez") == 200);
    broker_ctl("set_vm_memory_high_watermark", "0.4");
    WAIT(&play, settled(&play, "done") == 40 && play_is_ready(&play));
    uint32_t messages;
    PROVE(&play, office_count_ids(office, sink_of(&play), &messages) == 80 && messages >= 80);
    end(&play, office);
}

/* The channel goes between a publish and its confirm, again and again, and then the host itself. */
Test(publishes, that_are_cut_from_their_confirms_are_sent_again_under_their_ids)
{
    if (!broker_is_ours()) return;
    OPEN(play, "cut");
    struct office *office = office_open(NULL);
    char connection[80];
    const uint32_t n = 30000;
    open_sink(&play);
    snprintf(connection, sizeof connection, "%s/publish", play.name);
    PROVE(&play, rabbit_declare(play.rabbit, play.queue, "quorum", 100, true));
    play_configure(&play, &(struct setup){ .consumer = "lanes: 2, prefetch: 1000" });
    play_send_many(&play, 0, n, publishing(&play, ""));
    play_start_ready(&play);
    double before = settled(&play, "done");
    for (int i = 1; i <= 2; i++) {
        office_cut(connection);
        WAIT(&play, play_metric(&play, "warrener_reconnects_total{server=\"amqp\"}") >= i);
        WAIT(&play, settled(&play, "done") > before || before == n);
        before = settled(&play, "done");
    }
    PROVE(&play, play_log_has(&play, "connection=publish"));
    if (before < n) { /* what is left is known, and the next host settles so many */
        play_kill(&play);
        const uint32_t left = play_left(&play);
        play_start_ready(&play);
        WAIT(&play, settled(&play, "done") == left);
    }
    uint32_t messages;
    const uint32_t different = office_count_ids(office, sink_of(&play), &messages);
    PROVE(&play, different == 2 * n, "%u different of %u", different, messages);
    PROVE(&play, rabbit_ready(play.rabbit, play.dead) == 0);
    end(&play, office);
}
