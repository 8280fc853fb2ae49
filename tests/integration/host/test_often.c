/* SPDX-License-Identifier: Apache-2.0
 *
 * A message that the broker has delivered five times before, by whomever it was left: it may be what
 * they died of, so it is handled alone. */
#include "support/play.h"

#define OTHERS 400
#define TIMES 5
#define ASLEEP_MS 1000

static bool has_begun(const struct play *play)
{
    struct record record;
    record_read(&record, play->record, OTHERS + 1);
    const bool is_there = record_find(&record, 0) != NULL;
    record_free(&record);
    return is_there;
}

Test(often, delivered_messages_are_handled_alone, .timeout = 300)
{
    OPEN(play, "often");
    play_configure(&play, &(struct setup){ .options = "sleep_us: 2000",
                                           .consumer = "lanes: 4, prefetch: 500" });
    play_start_ready(&play);
    PROVE(&play, play_end(&play) == 0); /* its queues are there */
    play_send_many(&play, 0, 1, "{\"do\":\"sleep\",\"ms\":1000}");
    for (int i = 0; i < TIMES; i++) WAIT(&play, rabbit_leave(play.rabbit, play.queue));
    WAIT(&play, rabbit_ready(play.rabbit, play.queue) == 1);
    play_send_many(&play, 1, OTHERS, "{}");

    play_start(&play);
    WAIT(&play, has_begun(&play));
    const uint64_t seen_ms = clock_now_ms();
    const size_t before = record_lines(play.record);
    PROVE(&play, before < OTHERS, "it was handled last");
    play_pause_ms(ASLEEP_MS / 4);
    const size_t now = record_lines(play.record);
    if (clock_now_ms() - seen_ms < ASLEEP_MS / 2) /* or the machine stood still: it may be over */
        PROVE(&play, now == before, "%zu were handled beside it", now - before);
    WAIT(&play, play_handled(&play, OTHERS + 1) == OTHERS + 1 && play_is_still(&play));
    PROVE(&play, play_end(&play) == 0);
    PROVE(&play, play_left(&play) == 0);
    play_close(&play);
}
