/* SPDX-License-Identifier: Apache-2.0
 *
 * What a consumer says and does when messages come, in which all may go well or not. */
#include <stdlib.h>

#include "integration/amqp/stage.h"

#define OPEN(name)                                                                                 \
    struct stage stage;                                                                            \
    if (!stage_open(&stage, name)) return
#define WAIT(condition) WAIT_ON(&stage, condition)

Test(consume, a_message_comes_with_its_properties_and_is_gone_once_acked)
{
    OPEN("properties");
    struct ear *ear = ear_open(&stage, KEEPS, 1, 1000);
    WAIT(ear->subscribed == 1);
    cr_assert(consumer_is_subscribed(ear->consumer));
    cr_assert(consumer_fault(ear->consumer)[0] == '\0');

    const struct wr_pair headers[] = {
        { .name = WR_TEXT_OF("shop"), .text = WR_TEXT_OF("north") },
        { .name = WR_TEXT_OF("n"), .number = -7, .kind = WR_H_INT }
    };
    struct amqp_outgoing message = { .routing_key = text_of(stage.queue),
                                     .body = WR_TEXT_OF("hello"),
                                     .message_id = WR_TEXT_OF("id-1"),
                                     .type = WR_TEXT_OF("greeting"),
                                     .timestamp_ms = 1767312245000,
                                     .priority = 3,
                                     .headers = headers,
                                     .n_headers = 2,
                                     .mandatory = true };
    struct status status = { 0 };
    WAIT(publisher_has_room(stage.publisher));
    cr_assert(publisher_send(stage.publisher, &message, &stage, &status));
    WAIT(ear->whole == 1);
    struct heard *heard = &ear->heard[0];
    cr_assert(strcmp(heard->body, "hello") == 0 && strcmp(heard->id, "id-1") == 0);
    cr_assert(strcmp(heard->key, stage.queue) == 0 && heard->exchange[0] == '\0');
    cr_assert(heard->timestamp_ms == 1767312245000 && heard->priority == 3);
    cr_assert(heard->delivery_mode == 2 && !heard->redelivered);
    cr_assert(strcmp(heard->shop, "north") == 0);
    WAIT(ear->batches >= 1);
    cr_assert(consumer_ack(ear->consumer, heard->epoch, heard->tag, false));
    stage_send(&stage, "id-2", WR_TEXT_OF("next")); /* comes once the broker has had the ack */
    WAIT(ear->whole == 2);
    consumer_pause(ear->consumer);
    consumer_resume(ear->consumer);
    WAIT(ear->whole == 3);
    cr_assert(strcmp(ear->heard[2].id, "id-2") == 0, "%s", ear->heard[2].id);
    ear_close(ear);
    WAIT(stage_count(&stage, stage.queue) == 1);
    stage_close(&stage);
}

Test(consume, one_ack_settles_all_before_it)
{
    OPEN("multiple");
    struct ear *ear = ear_open(&stage, KEEPS, 20, 1000);
    WAIT(ear->subscribed == 1);
    for (int i = 0; i < 40; i++) stage_send(&stage, "m", WR_TEXT_OF("x"));
    WAIT(ear->whole == 20);
    cr_assert(consumer_ack(ear->consumer, ear->epoch, ear->heard[14].tag, true));
    WAIT(ear->whole == 35); /* so the broker has had the ack */
    consumer_pause(ear->consumer);
    cr_assert(ear->unsubscribed == 1 && ear->why[0] == '\0');
    WAIT(stage_count(&stage, stage.queue) == 25);
    ear_close(ear);
    stage_close(&stage);
}

Test(consume, prefetch_bounds_what_is_in_hand)
{
    OPEN("prefetch");
    struct ear *ear = ear_open(&stage, KEEPS, 3, 1000);
    WAIT(ear->subscribed == 1);
    for (int i = 0; i < 10; i++) stage_send(&stage, "m", WR_TEXT_OF("x"));
    WAIT(ear->whole >= 3);
    for (int i = 0; i < 20; i++) stage_turn(&stage);
    cr_assert(ear->whole == 3, "%d came", ear->whole);
    cr_assert(consumer_ack(ear->consumer, ear->epoch, ear->heard[1].tag, true));
    WAIT(ear->whole == 5);
    ear_close(ear);
    stage_close(&stage);
}

Test(consume, a_rejected_message_goes_to_the_dead_queue)
{
    OPEN("reject");
    struct ear *ear = ear_open(&stage, KEEPS, 10, 1000);
    WAIT(ear->subscribed == 1);
    stage_send(&stage, "bad", WR_TEXT_OF("bad"));
    WAIT(ear->whole == 1);
    cr_assert(consumer_reject(ear->consumer, ear->epoch, ear->heard[0].tag, false));
    WAIT(stage_count(&stage, stage.dead) == 1);
    cr_assert(stage_count(&stage, stage.queue) == 0);
    ear_close(ear);
    stage_close(&stage);
}

Test(consume, bodies_of_any_size_come_whole)
{
    OPEN("sizes");
    static const size_t sizes[] = { 0, 1, 131064, 131065, 300000, 5000000 };
    struct ear *ear = ear_open(&stage, ACKS, 10, 6000000);
    WAIT(ear->subscribed == 1);
    char *body = malloc(5000000);
    for (size_t i = 0; i < 5000000; i++) body[i] = (char)(i * 31 ^ i >> 9);
    for (int i = 0; i < 6; i++) {
        stage_send(&stage, "big", text_from(body, sizes[i]));
        WAIT(ear->whole == i + 1);
        cr_assert(ear->heard[i].bytes == sizes[i]);
        cr_assert(memcmp(ear->heard[i].body, body, sizes[i]) == 0);
    }
    free(body);
    ear_close(ear);
    stage_close(&stage);
}

Test(consume, a_message_at_the_limit_is_taken_and_one_above_is_dead_without_being_held)
{
    OPEN("oversize");
    struct ear *ear = ear_open(&stage, ACKS, 10, 200000);
    WAIT(ear->subscribed == 1);
    char *body = calloc(1, 200001);
    stage_send(&stage, "above", text_from(body, 200001));
    stage_send(&stage, "at", text_from(body, 200000));
    WAIT(ear->whole == 1);
    cr_assert(ear->begun == 1 && strcmp(ear->heard[0].id, "at") == 0);
    WAIT(stage_count(&stage, stage.dead) == 1);
    cr_assert(ear->oversize == 1, "it goes there at once, not by way of its delivery limit");
    free(body);
    ear_close(ear);
    stage_close(&stage);
}

Test(consume, what_is_not_wanted_is_rejected)
{
    OPEN("refuse");
    struct ear *ear = ear_open(&stage, REFUSES, 10, 1000);
    WAIT(ear->subscribed == 1);
    stage_send(&stage, "unwanted", WR_TEXT_OF("x"));
    WAIT(stage_count(&stage, stage.dead) == 1);
    cr_assert(ear->whole == 0);
    ear_close(ear);
    stage_close(&stage);
}

Test(consume, a_bogus_ack_loses_the_channel_and_the_consumer_comes_back_in_a_new_epoch)
{
    OPEN("bogus");
    struct ear *ear = ear_open(&stage, KEEPS, 10, 1000);
    WAIT(ear->subscribed == 1);
    stage_send(&stage, "again", WR_TEXT_OF("x"));
    WAIT(ear->whole == 1);
    uint64_t old = ear->epoch;
    cr_assert(consumer_ack(ear->consumer, old, 4711, false));
    WAIT(ear->unsubscribed == 1);
    cr_assert(strstr(ear->why, "406") && strstr(ear->why, stage.queue), "%s", ear->why);
    cr_assert(strstr(ear->why, "unknown delivery tag 4711"), "%s", ear->why);
    cr_assert(strcmp(consumer_fault(ear->consumer), ear->why) == 0);
    cr_assert(!consumer_ack(ear->consumer, old, ear->heard[0].tag, false));
    WAIT(ear->subscribed == 2 && ear->whole == 2);
    cr_assert(ear->epoch != old && ear->heard[1].redelivered && ear->heard[1].epoch == ear->epoch);
    cr_assert(!consumer_ack(ear->consumer, old, ear->heard[0].tag, false), "the epoch is over");
    cr_assert(consumer_ack(ear->consumer, ear->epoch, ear->heard[1].tag, false));
    for (int i = 0; i < 10; i++) stage_turn(&stage);
    cr_assert(ear->unsubscribed == 1 && stage.consume.losses == 0);
    ear_close(ear);
    stage_close(&stage);
}

Test(consume, a_deleted_queue_is_made_again)
{
    OPEN("deleted");
    struct ear *ear = ear_open(&stage, ACKS, 10, 1000);
    WAIT(ear->subscribed == 1);
    stage_drop(&stage, stage.queue);
    WAIT(ear->unsubscribed == 1);
    cr_assert(strstr(ear->why, "cancelled") && strstr(ear->why, stage.queue), "%s", ear->why);
    WAIT(ear->subscribed == 2);
    stage_send(&stage, "after", WR_TEXT_OF("x"));
    WAIT(ear->whole == 1);
    ear_close(ear);
    stage_close(&stage);
}

Test(consume, pausing_gives_back_and_resuming_begins_anew)
{
    OPEN("pause");
    struct ear *ear = ear_open(&stage, KEEPS, 10, 1000);
    WAIT(ear->subscribed == 1);
    stage_send(&stage, "m", WR_TEXT_OF("x"));
    WAIT(ear->whole == 1);
    consumer_pause(ear->consumer);
    cr_assert(ear->unsubscribed == 1 && !consumer_is_subscribed(ear->consumer));
    cr_assert(!consumer_ack(ear->consumer, ear->epoch, ear->heard[0].tag, false));
    WAIT(stage_count(&stage, stage.queue) == 1);
    cr_assert(ear->subscribed == 1);
    consumer_resume(ear->consumer);
    WAIT(ear->whole == 2);
    cr_assert(ear->heard[1].redelivered);
    ear_close(ear);
    stage_close(&stage);
}

Test(consume, cancelling_leaves_what_is_in_hand_to_be_acked)
{
    OPEN("cancel");
    struct ear *ear = ear_open(&stage, KEEPS, 10, 1000);
    WAIT(ear->subscribed == 1);
    stage_send(&stage, "before", WR_TEXT_OF("x"));
    WAIT(ear->whole == 1);
    consumer_cancel(ear->consumer);
    WAIT(ear->unsubscribed == 1);
    cr_assert(ear->why[0] == '\0');
    stage_send(&stage, "after", WR_TEXT_OF("x"));
    for (int i = 0; i < 10; i++) stage_turn(&stage);
    cr_assert(ear->whole == 1, "nothing comes after a cancel");
    cr_assert(consumer_ack(ear->consumer, ear->epoch, ear->heard[0].tag, false));
    consumer_resume(ear->consumer);
    WAIT(ear->whole == 2);
    cr_assert(ear->heard[1].epoch == ear->heard[0].epoch && strcmp(ear->heard[1].id, "after") == 0);
    ear_close(ear);
    stage_close(&stage);
}

Test(consume, its_owner_may_free_or_pause_it_from_inside)
{
    OPEN("inside");
    static const enum habit habits[] = { FREES_AT_MESSAGE, FREES_AT_BEGIN, PAUSES_AT_BEGIN };
    struct ear *ear = ear_open(&stage, ACKS, 10, 1000);
    WAIT(ear->subscribed == 1);
    ear_close(ear);
    for (int i = 0; i < 5; i++) stage_send(&stage, "m", WR_TEXT_OF("some bytes"));
    for (size_t i = 0; i < sizeof habits / sizeof *habits; i++) {
        ear = ear_open(&stage, habits[i], 10, 1000);
        WAIT(ear->begun == 1 && (ear->consumer == NULL || ear->unsubscribed == 1));
        for (int j = 0; j < 5; j++) stage_turn(&stage);
        cr_assert(ear->begun == 1, "%d", ear->begun);
        cr_assert(ear->torn == (habits[i] == PAUSES_AT_BEGIN));
        ear_close(ear);
        WAIT(stage_count(&stage, stage.queue) == 5);
    }
    cr_assert(stage.consume.losses == 0, "%s", stage.consume.why);
    stage_close(&stage);
}
