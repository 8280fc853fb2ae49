/* SPDX-License-Identifier: Apache-2.0
 *
 * The host ended in every way while it works: killed, nothing is lost; told to end, nothing is handled
 * twice either. */
#include "faults/scene.h"

TestSuite(ends, .timeout = 900);

/* Its own host each time, on one queue and one record. */
static void prepare(struct play *play, const char *options, uint32_t n)
{
    play_configure(play, &(struct setup){ .consumer = "lanes: 4", .options = options });
    cr_assert(rabbit_declare(play->rabbit, play->dead, "quorum", 1000000, false));
    cr_assert(rabbit_declare(play->rabbit, play->queue, "quorum", 100, true));
    play_send_many(play, 0, n, "{}");
}

static void finish(struct play *play, uint32_t n)
{
    play_start_ready(play);
    WAIT_UP_TO(play, 180000, rabbit_ready(play->rabbit, play->queue) == 0);
    WAIT(play, play_handled(play, n) == n && play_is_still(play));
    PROVE(play, play_end(play) == 0);
    PROVE(play, play_left(play) == 0, "ready + unacked");
    PROVE(play, rabbit_ready(play->rabbit, play->dead) == 0);
}

/* The host has gone. Where the machine kept us waiting while it worked on, there is more to do, or the
 * ends to come would be those of an idle host. */
static void refill(struct play *play, uint32_t *sent, uint32_t least, const char *body)
{
    if (play_left(play) >= least) return;
    play_send_many(play, *sent, least, body);
    *sent += least;
}

Test(ends, ten_times_by_kill_lose_nothing)
{
    enum { MESSAGES = 50000, LEAST = 10000, KILLS = 10 };
    uint32_t sent = MESSAGES;
    struct record record;
    OPEN(play, "kill");
    dice_begin("kill");
    prepare(&play, "sleep_us: 600", MESSAGES);
    for (int i = 0; i < KILLS; i++) {
        const size_t before = record_lines(play.record);
        play_start(&play);
        WAIT(&play, record_lines(play.record) > before);
        play_pause_ms((uint32_t)dice_below(600));
        play_kill(&play);
        refill(&play, &sent, LEAST, "{}");
    }
    finish(&play, sent);
    record_read(&record, play.record, sent);
    fprintf(stderr, "kill: %zu calls for %u messages, %u of them handled again\n", record.n, sent,
            record.repeated);
    PROVE(&play, record.handled == sent && record.strange == 0);
    record_free(&record);
    play_close(&play);
}

/* While messages come in as well; how many were sent in all. */
static uint32_t end_in_good_order(struct play *play, uint32_t backlog, uint32_t stream)
{
    const int ends = 20;
    uint32_t sent = backlog + stream;
    char rate[20];
    snprintf(rate, sizeof rate, "%u", stream / 20);
    play_write_many(play, "stream", backlog, stream, "{}");
    const pid_t publisher = play_spawn(
        play, (const char *const[]){ "publish", "--exchange", "", "--key", play->queue, "--rate",
                                     rate, "--ndjson", play_path(play, "stream"), NULL });
    for (int i = 0; i < ends; i++) {
        const size_t before = record_lines(play->record);
        play_start(play);
        WAIT(play, record_lines(play->record) > before);
        play_pause_ms((uint32_t)dice_below(500));
        const int end = play_end(play);
        PROVE(play, end == 0, "%d, the %d. time", end, i + 1);
        refill(play, &sent, backlog / 6, "{}");
    }
    PROVE(play, play_reap(publisher) == 0);
    return sent;
}

static void prove_each_once(const struct play *play, const char *what, uint32_t n)
{
    struct record record;
    record_read(&record, play->record, n);
    fprintf(stderr, "%s: %zu calls for %u messages\n", what, record.n, n);
    PROVE(play, record.handled == n && record.strange == 0, "%u handled", record.handled);
    PROVE(play, record.repeated == 0 && record.n == n, "%u handled twice", record.repeated);
    record_free(&record);
}

Test(ends, twenty_times_in_good_order_handle_each_once)
{
    enum { BACKLOG = 30000, STREAM = 4000 };
    OPEN(play, "term");
    dice_begin("term");
    prepare(&play, "sleep_us: 1500", BACKLOG);
    const uint32_t sent = end_in_good_order(&play, BACKLOG, STREAM);
    finish(&play, sent);
    prove_each_once(&play, "term", sent);
    play_close(&play);
}

/* Large chunks of quick messages, in one lane: a drain comes in the middle of them. */
Test(ends, twenty_times_among_quick_messages_handle_each_once)
{
    enum { BACKLOG = 60000, STREAM = 4000 };
    OPEN(play, "quick");
    dice_begin("quick");
    prepare(&play, "sleep_us: 0", BACKLOG);
    play_configure(&play, &(struct setup){ .consumer = "prefetch: 30, batch: {wait: 0ms}",
                                           .options = "sleep_us: 100" });
    const uint32_t sent = end_in_good_order(&play, BACKLOG, STREAM);
    finish(&play, sent);
    prove_each_once(&play, "quick", sent);
    play_close(&play);
}

/* Rejected ones are settled by their own frame: it has to arrive as well. */
Test(ends, twenty_times_while_messages_are_rejected_handle_each_once)
{
    enum { MESSAGES = 12000, LEAST = 2000 };
    static const char body[] = "{\"do\":\"reject\"}";
    uint32_t sent = MESSAGES;
    struct record record;
    OPEN(play, "reject");
    dice_begin("reject");
    prepare(&play, "sleep_us: 1500", 0);
    play_send_many(&play, 0, MESSAGES, body);
    for (int i = 0; i < 20; i++) {
        const size_t before = record_lines(play.record);
        play_start(&play);
        WAIT(&play, record_lines(play.record) > before);
        play_pause_ms((uint32_t)dice_below(100));
        PROVE(&play, play_end(&play) == 0);
        refill(&play, &sent, LEAST, body);
    }
    play_start_ready(&play);
    WAIT(&play, rabbit_ready(play.rabbit, play.dead) == sent && play_is_still(&play));
    PROVE(&play, play_end(&play) == 0);
    record_read(&record, play.record, sent);
    fprintf(stderr, "reject: %zu calls for %u messages\n", record.n, sent);
    PROVE(&play, record.handled == sent && record.repeated == 0, "%u handled twice",
          record.repeated);
    record_free(&record);
    play_close(&play);
}
