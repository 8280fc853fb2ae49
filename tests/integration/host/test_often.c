/* SPDX-License-Identifier: Apache-2.0
 *
 * A message that the broker has delivered five times before, by whomever it was left: it may be what
 * they died of, so it is handled alone. */
#include "support/play.h"

#define OTHERS 400
#define TIMES 5
#define ASLEEP_MS 1000

/* Up to `unseen_ms` it had not; `before`: how many others had. */
static bool has_begun(const struct play *play, uint64_t *unseen_ms, size_t *before)
{
    struct record record;
    const uint64_t now_ms = clock_now_ms();
    record_read(&record, play->record, OTHERS + 1);
    for (*before = 0; *before < record.n && record.lines[*before].id != 0;) ++*before;
    const bool is_there = *before < record.n;
    if (!is_there) *unseen_ms = now_ms;
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
    uint64_t unseen_ms = clock_now_ms();
    size_t before;
    WAIT(&play, has_begun(&play, &unseen_ms, &before));
    PROVE(&play, before < OTHERS, "it was handled last");
    play_pause_ms(ASLEEP_MS / 4);
    const size_t now = record_lines(play.record);
    if (clock_now_ms() - unseen_ms < ASLEEP_MS) /* or the machine stood still, and it may be over */
        PROVE(&play, now == before + 1, "%zu were handled beside it", now - before - 1);
    WAIT(&play, play_handled(&play, OTHERS + 1) == OTHERS + 1 && play_is_still(&play));
    PROVE(&play, play_end(&play) == 0);
    PROVE(&play, play_left(&play) == 0);
    play_close(&play);
}
