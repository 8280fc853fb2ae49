/* SPDX-License-Identifier: Apache-2.0
 *
 * A bad release, and a handler whose own dependency is down: the consumer pauses, shows why, loses
 * nothing, and goes on by itself. */
#include <stdlib.h>
#include <string.h>

#include "integration/failure/moods.h"

#define BACKLOG 2000
#define OF 20
#define FEW 5
#define AT_ONCE (OF + 2 * FEW) /* failures: what fills its window, and what lanes had in hand */
#define PREFETCH 400
#define KEYS 40

TestSuite(pauses, .timeout = 900);

#define BREAKER "prefetch: 400, breaker: {share: 90%, of: 20, rest: 1s}"

/* When. */
static uint64_t start(struct play *play, const char *consumer, const char *mood, const char *body)
{
    moods_configure(play, consumer, 0);
    moods_set(play, mood);
    PROVE(play, rabbit_declare(play->rabbit, play->dead, "quorum", 1000000, false));
    PROVE(play, rabbit_declare(play->rabbit, play->queue, "quorum", 100, true));
    play_send_many(play, 0, BACKLOG, body);
    const uint64_t since_ms = clock_now_ms();
    play_start(play);
    return since_ms;
}

/* … or its mood is mended, or a better release takes over; and nothing was lost meanwhile. */
static void mend_and_prove(struct play *play)
{
    moods_set(play, "done");
    WAIT(play, settled(play, "done") + settled(play, "dead") == BACKLOG);
    WAIT(play, play_is_still(play) && play_is_ready(play));
    const double letters = settled(play, "dead");
    PROVE(play, rabbit_ready(play->rabbit, play->dead) == letters);
    WAIT(play, paused(play, "breaker") == 0 && paused(play, "handler") == 0);
    WAIT(play, play_status_says(play, "\"breaker\":\"closed\""));
    PROVE(play, play_metric(play, "warrener_paused_seconds_total@}") > 0.5);
    WAIT(play, play_log_has(play, "goes on"));
    PROVE(play, play_end(play) == 0 && play_left(play) == 0);
}

/* Every message was handled well, or is dead; and those of a key were handled for the last time (what
 * was begun behind a failure is handled again) in the order they were sent. */
static void prove_order(const struct play *play, uint32_t dead)
{
    struct record record;
    uint32_t well = 0;
    size_t *at = calloc(BACKLOG, sizeof *at), last[KEYS] = { 0 };
    record_read(&record, play->record, BACKLOG);
    for (size_t i = 0; i < record.n; i++)
        if (mood_of(&record.lines[i]) == MOOD_DONE) at[record.lines[i].id] = i + 1;
    for (uint32_t id = 0; id < BACKLOG; id++) {
        if (!at[id]) continue;
        PROVE(play, at[id] > last[id % KEYS], "m%u was overtaken", id);
        last[id % KEYS] = at[id];
        well++;
    }
    PROVE(play, well + dead == BACKLOG, "%u done, %u dead", well, dead);
    free(at);
    record_free(&record);
}

static uint64_t bad_release(struct play *play, const char *consumer, const char *mood)
{
    const uint64_t since_ms = start(play, consumer, mood, "{\"key\":1}");
    WAIT(play, paused(play, "breaker") == 1 && play_unready_says(play, "breaker: "));
    PROVE(play, play_unready_says(play, "of the last 20 failed"));
    PROVE(play,
          play_status_says(play, "breaker: ") && play_status_says(play, "it is in a bad mood"));
    WAIT(play, play_status_says(play, "\"breaker\":\"open\"")); /* and half-open now and then */
    WAIT(play, play_log_has(play, "paused by its breaker"));
    const uint64_t begun_ms = clock_now_ms();
    WAIT(play, clock_now_ms() - begun_ms > 1500); /* a rest and more */
    return since_ms;
}

Test(pauses, a_bad_release_pours_no_backlog_into_the_dead_queue)
{
    OPEN(play, "bad-release");
    const uint64_t since_ms = bad_release(&play, BREAKER ", lanes: 2", "reject");
    const double letters = settled(&play, "dead"), most = moods_failures_most(AT_ONCE, since_ms);
    fprintf(stderr, "bad release: %.0f letters of a backlog of %d\n", letters, BACKLOG);
    PROVE(&play, letters >= OF * 0.9 && letters <= most, "%.0f letters", letters);
    PROVE(&play, settled(&play, "done") == 0);
    mend_and_prove(&play);
    play_close(&play);
}

/* What has not failed for good is not sent round and round either. */
Test(pauses, a_bad_release_does_not_retry_its_backlog_away)
{
    if (!moods_are_long()) return;
    OPEN(play, "bad-retries");
    const uint64_t since_ms =
        bad_release(&play, BREAKER ", retry: {delays: [100ms], attempts: 3}", "retry");
    const double copies = settled(&play, "retry") + settled(&play, "dead");
    PROVE(&play, copies <= moods_failures_most(AT_ONCE, since_ms), "%.0f copies", copies);
    mend_and_prove(&play);
    play_close(&play);
}

Test(pauses, a_bad_release_is_replaced_by_a_good_one)
{
    if (!moods_are_long()) return;
    OPEN(play, "release");
    const uint64_t since_ms = bad_release(&play, BREAKER, "reject");
    PROVE(&play, play_end(&play) == 0, "a paused host ends when told to");
    const uint32_t letters = rabbit_ready(play.rabbit, play.dead);
    PROVE(&play, letters <= moods_failures_most(AT_ONCE, since_ms));
    moods_set(&play, "done");
    play_start_ready(&play);
    WAIT(&play, settled(&play, "done") == BACKLOG - letters && play_is_still(&play));
    PROVE(&play, play_end(&play) == 0 && play_left(&play) == 0);
    play_close(&play);
}

static pid_t send_of_keys(const struct play *play, uint32_t first, uint32_t n)
{
    FILE *file = fopen(play_path(play, "lines"), "we");
    cr_assert(file);
    for (uint32_t i = first; i < first + n; i++)
        fprintf(file, "{\"id\":\"m%u\",\"headers\":{\"shop\":\"s%u\"},\"body\":{}}\n", i, i % KEYS);
    cr_assert(fclose(file) == 0);
    return play_spawn(play, (const char *const[]){ "publish", "--exchange", "", "--key",
                                                   play->queue, "--rate", "1000", "--ndjson",
                                                   play_path(play, "lines"), NULL });
}

/* Where an order must be kept, what comes behind a failure waits for it. */
Test(pauses, keep_the_order_of_keys)
{
    OPEN(play, "ordered");
    moods_configure(&play, BREAKER ", lanes: 3, order_by: header:shop", 0);
    moods_set(&play, "done");
    play_start_ready(&play);
    const pid_t before = send_of_keys(&play, 0, BACKLOG / 2);
    WAIT(&play, record_lines(play.record) >= 200);
    moods_set(&play, "wait");
    PROVE(&play, play_reap(before) == 0);
    const pid_t after = send_of_keys(&play, BACKLOG / 2, BACKLOG / 2);
    WAIT(&play, paused(&play, "handler") == 1);
    moods_set(&play, "reject");
    WAIT(&play, paused(&play, "breaker") == 1);
    PROVE(&play, play_reap(after) == 0);
    mend_and_prove(&play);
    prove_order(&play, rabbit_ready(play.rabbit, play.dead));
    play_close(&play);
}

static void prove_first_attempts(const struct play *play)
{
    struct record record;
    record_read(&record, play->record, BACKLOG);
    PROVE(play, record.handled == BACKLOG && record.strange == 0);
    for (size_t i = 0; i < record.n; i++) PROVE(play, record.lines[i].attempt == 1);
    record_free(&record);
}

Test(pauses, a_handler_that_waits_spends_no_attempt_and_turns_in_no_circles)
{
    OPEN(play, "waits");
    start(&play, BREAKER ", lanes: 4, retry: {delays: [100ms], attempts: 2}", "wait", "{}");
    WAIT(&play, paused(&play, "handler") == 1 && play_unready_says(&play, "handler: it is in a"));
    PROVE(&play, play_status_says(&play, "handler: it is in a bad mood"));
    PROVE(&play, fetch_status(play.port, "/livez") == 200);
    const size_t calls = record_lines(play.record);
    const uint64_t begun_ms = clock_now_ms();
    PROVE(&play, calls <= PREFETCH + 10, "%zu calls", calls); /* what lanes had, and one a rest */
    WAIT(&play, clock_now_ms() - begun_ms > 1200);
    PROVE(&play, record_lines(play.record) <= calls + 4);
    PROVE(&play, settled(&play, "dead") == 0 && settled(&play, "retry") == 0);
    PROVE(&play, paused(&play, "breaker") == 0, "waiting is no failure");
    mend_and_prove(&play);
    prove_first_attempts(&play);
    PROVE(&play, rabbit_ready(play.rabbit, play.dead) == 0);
    play_close(&play);
}

/* Longer than the broker likes it: the window is given back once, and one is tried on. */
Test(pauses, a_long_wait_gives_the_window_back_once)
{
    if (!moods_are_long()) return;
    OPEN(play, "long-wait");
    start(&play, BREAKER, "wait", "{}");
    WAIT(&play, play_metric(&play, "warrener_messages_in_flight@}") == PREFETCH);
    const uint64_t begun_ms = clock_now_ms();
    WAIT_UP_TO(&play, 360000, play_metric(&play, "warrener_messages_in_flight@}") == FEW);
    const uint64_t took_ms = clock_now_ms() - begun_ms;
    PROVE(&play, took_ms > 290000 && took_ms < 310000);
    const size_t calls = record_lines(play.record);
    PROVE(&play, rabbit_ready(play.rabbit, play.queue) == BACKLOG - FEW);
    WAIT_UP_TO(&play, 60000, record_lines(play.record) > calls + 3); /* still trying */
    PROVE(&play, rabbit_ready(play.rabbit, play.queue) == BACKLOG - FEW);
    PROVE(&play, paused(&play, "handler") == 1);
    PROVE(&play, play_metric(&play, "warrener_prefetch@}") == FEW);
    moods_set(&play, "done");
    WAIT(&play, play_metric(&play, "warrener_prefetch@}") == PREFETCH);
    mend_and_prove(&play);
    PROVE(&play, rabbit_ready(play.rabbit, play.dead) == 0);
    prove_first_attempts(&play);
    play_close(&play);
}
