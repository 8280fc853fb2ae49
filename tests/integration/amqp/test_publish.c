/* SPDX-License-Identifier: Apache-2.0
 *
 * Each message's one outcome. */
#include <stdlib.h>

#include "integration/amqp/stage.h"

#define OPEN(name)                                                                                 \
    struct stage stage;                                                                            \
    if (!stage_open(&stage, name)) return
#define WAIT(condition) WAIT_ON(&stage, condition)

static void send(struct stage *stage, const char *exchange, const char *key, void *token)
{
    struct amqp_outgoing message = { .exchange = text_of(exchange),
                                     .routing_key = text_of(key),
                                     .body = WR_TEXT_OF("x"),
                                     .mandatory = true };
    struct status status = { 0 };
    cr_assert(publisher_send(stage->publisher, &message, token, &status), "%s", status.text);
}

Test(publish, an_unroutable_message_is_returned_and_its_neighbours_are_not)
{
    OPEN("return");
    struct ear *ear = ear_open(&stage, ACKS, 10, 1000);
    WAIT(ear->subscribed == 1 && publisher_has_room(stage.publisher) && stage.rooms == 1);
    for (int i = 0; i < 3; i++) {
        send(&stage, "", stage.queue, NULL);
        send(&stage, "", "no.such.queue", &stage.outcomes);
    }
    cr_assert(publisher_pending(stage.publisher) == 6 && stage.outcomes[PUBLISH_CONFIRMED] == 0);
    WAIT(publisher_pending(stage.publisher) == 0);
    cr_assert(stage.outcomes[PUBLISH_CONFIRMED] == 3 && stage.outcomes[PUBLISH_RETURNED] == 3);
    send(&stage, "", "no.such.queue", &stage.outcomes);
    WAIT(stage.outcomes[PUBLISH_RETURNED] == 4);
    cr_assert(stage.last_token == &stage.outcomes && strstr(stage.outcome_why, "312 NO_ROUTE"));
    ear_close(ear);
    stage_close(&stage);
}

Test(publish, a_big_message_that_is_returned_is_known_again)
{
    OPEN("big");
    WAIT(publisher_has_room(stage.publisher));
    struct amqp_outgoing message = { .routing_key = WR_TEXT_OF("no.such.queue"),
                                     .message_id = WR_TEXT_OF("i"),
                                     .mandatory = true };
    struct status status = { 0 };
    message.body.len = 400000;
    char *body = calloc(1, message.body.len);
    message.body.at = body;
    cr_assert(publisher_send(stage.publisher, &message, NULL, &status));
    free(body);
    WAIT(stage.outcomes[PUBLISH_RETURNED] == 1);
    cr_assert(stage.publish.losses == 0);
    stage_close(&stage);
}

Test(publish, the_window_bounds_what_is_pending)
{
    OPEN("window");
    struct ear *ear = ear_open(&stage, ACKS, 100, 1000);
    WAIT(ear->subscribed == 1 && publisher_has_room(stage.publisher));
    int sent = 0;
    while (publisher_has_room(stage.publisher)) {
        send(&stage, "", stage.queue, NULL);
        sent++;
    }
    cr_assert(sent == 100 && stage.rooms == 1);
    WAIT(stage.rooms == 2);
    WAIT(stage.outcomes[PUBLISH_CONFIRMED] == 100 && ear->whole == 100);
    ear_close(ear);
    stage_close(&stage);
}

Test(publish, what_amqp_cannot_hold_is_named_and_nothing_is_sent)
{
    OPEN("encode");
    char id[300];
    memset(id, 'i', sizeof id);
    WAIT(publisher_has_room(stage.publisher));
    struct amqp_outgoing message = { .routing_key = text_of(stage.queue),
                                     .message_id = { id, 256 } };
    struct status status = { 0 };
    cr_assert(!publisher_send(stage.publisher, &message, NULL, &status));
    cr_assert(strstr(status.text, "message_id has 256 bytes"), "%s", status.text);
    message.message_id.len = 255;
    cr_assert(publisher_send(stage.publisher, &message, NULL, &status));
    WAIT(stage.outcomes[PUBLISH_CONFIRMED] == 1);

    char *text = calloc(1, 140000);
    struct wr_pair header = { .name = WR_TEXT_OF("h"), .text = { text, 140000 } };
    message.headers = &header;
    message.n_headers = 1;
    cr_assert(!publisher_send(stage.publisher, &message, NULL, &status));
    cr_assert(strstr(status.text, "headers do not fit"), "%s", status.text);
    free(text);
    cr_assert(publisher_pending(stage.publisher) == 0 && stage.publisher_losses == 0);
    stage_close(&stage);
}

Test(publish, a_channel_closed_over_a_message_says_so_and_comes_back)
{
    OPEN("unknown");
    WAIT(publisher_has_room(stage.publisher));
    send(&stage, "no.such.exchange", "k", &stage);
    WAIT(stage.publisher_losses == 1);
    cr_assert(stage.outcomes[PUBLISH_REFUSED] == 1 && stage.last_token == &stage);
    cr_assert(strstr(stage.outcome_why, "404") && strstr(stage.outcome_why, "no.such.exchange"),
              "%s", stage.outcome_why);
    WAIT(stage.rooms == 2);
    struct ear *ear = ear_open(&stage, ACKS, 10, 1000);
    WAIT(ear->subscribed == 1);
    stage_send(&stage, "after", WR_TEXT_OF("x"));
    ear_close(ear);
    stage_close(&stage);
}
