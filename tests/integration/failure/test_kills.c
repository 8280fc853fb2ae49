/* SPDX-License-Identifier: Apache-2.0
 *
 * A host that is killed at random moments, its supervisor or both, while it retries, buries, commits
 * and publishes: every id has its one right end, and no effect is there twice. */
#include "base/random.h"
#include "integration/failure/bank.h"
#include "integration/failure/moods.h"
#include "integration/outbox/office.h"

TestSuite(kills, .timeout = 3600);

/* ---- the nemesis ----------------------------------------------------------------------------- */

/* The host alone is started again by its supervisor; a supervisor takes its host with it. */
static void strike(struct bank *bank, unsigned *of_host)
{
    struct play *play = &bank->play;
    const pid_t host = random_below(2) ? play_host_pid(play) : 0;
    if (host > 0 && kill(host, SIGKILL) == 0) {
        (*of_host)++;
        if (random_below(4)) return; /* or the supervisor too, in the same moment */
    }
    play_kill(play);
    play_start(play);
}

static unsigned long told(const struct bank *bank)
{
    return bank_ask(bank, "select count(*) from told");
}

static uint32_t retries_ready(const struct play *play)
{
    char first[120], second[120];
    snprintf(first, sizeof first, "%s.retry.200ms", play->queue);
    snprintf(second, sizeof second, "%s.retry.400ms", play->queue);
    return rabbit_ready(play->rabbit, first) + rabbit_ready(play->rabbit, second);
}

/* Once it is quiet: nothing is in the queue, on its way to be tried again, or in hand; nor is what the
 * broker has sent and the host has not read yet, which nobody counts: all that there will be is there. */
static bool is_over(const struct bank *bank, uint32_t n)
{
    const struct play *play = &bank->play;
    return rabbit_ready(play->rabbit, play->dead) >= n / 50 &&
           rabbit_ready(play->rabbit, bank->out) >= n - n / 50 && play_is_still(play) &&
           retries_ready(play) == 0 && play_is_still(play);
}

Test(kills, at_any_moment_neither_lose_nor_repeat)
{
    struct bank bank;
    if (!bank_open(&bank, "kills", "breaker: off")) return;
    struct play *play = &bank.play;
    const unsigned kills = moods_are_long() ? 200 : 3;
    const uint32_t n = moods_are_long() ? 60000 : 2500;
    const uint64_t begun_ms = clock_now_ms();
    unsigned of_host = 0;
    play_write_many(play, "lines", 0, n, "{\"n\":%u}");
    PROVE(play, rabbit_declare(play->rabbit, play->dead, "quorum", 1000000, false));
    play_start_ready(play);
    const pid_t sender =
        play_spawn(play, (const char *const[]){ "publish", "--exchange", "", "--key", play->queue,
                                                "--rate", moods_are_long() ? "300" : "2000",
                                                "--ndjson", play_path(play, "lines"), NULL });
    for (unsigned i = 0; i < kills; i++) {
        play_pause_ms((uint32_t)random_below(moods_are_long() ? 1500 : 900));
        strike(&bank, &of_host);
    }
    PROVE(play, play_reap(sender) == 0);
    play_kill(play); /* one more, so that it is known where the host listens */
    play_start(play);
    const unsigned long before = told(&bank);
    WAIT(play, play_is_ready(play));
    WAIT_UP_TO(play, 600000, told(&bank) == n - n / 50);
    WAIT(play, is_over(&bank, n));
    PROVE(play, bank_ask(&bank, "select count(*) from told where n <> 1") == 0);
    struct office *office = office_open(NULL);
    uint32_t letters, copies;
    const uint32_t dead = office_count_ids(office, play->dead, &letters);
    const uint32_t out = office_count_ids(office, bank.out, &copies);
    fprintf(stderr,
            "%u kills (%u of the host under its supervisor) in %llu s: %lu rows of 1 (%lu before "
            "the quiet), %u ids dead in %u letters, %u ids published in %u messages\n",
            kills, of_host, (unsigned long long)(clock_now_ms() - begun_ms) / 1000, told(&bank),
            before, dead, letters, out, copies);
    PROVE(play, dead == n / 50, "%u ids are dead", dead);
    PROVE(play, out == n - n / 50, "%u ids were published", out);
    office_close(office);
    PROVE(play, play_end(play) == 0 && play_left(play) == 0);
    bank_close(&bank);
}
