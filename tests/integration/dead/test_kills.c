/* SPDX-License-Identifier: Apache-2.0
 *
 * `dead retry` killed at random moments, and cut off from its broker: run again, all letters are back. */
#include <stdlib.h>
#include <string.h>

#include "integration/dead/morgue.h"
#include "integration/outbox/office.h"
#include "support/broker_verbs.h"
#include "support/dice.h"

TestSuite(dead_kills, .timeout = 1800);

static bool is_long(void)
{
    const char *form = getenv("WARRENER_FAULTS");
    return form && strcmp(form, "full") == 0;
}

/* The broker may be slow to notice that a command was killed: until it does, letters are ready nowhere. */
static uint32_t count_given_back(struct play *play)
{
    uint32_t ready = 0, consumers = 1;
    WAIT(play, rabbit_look(play->rabbit, play->dead, &ready, &consumers) && consumers == 0);
    return ready;
}

Test(dead_kills, lose_no_letter)
{
    struct play play;
    if (!morgue_open(&play, "dead-kills", 1000000)) return;
    const uint32_t letters = is_long() ? 10000 : 2000, kills = is_long() ? 60 : 8;
    const char *const words[] = { "dead", "retry", play.queue, "--rate", "1000", NULL };
    struct office *office = office_open(NULL);
    uint32_t messages, killed = 0, ran = 0;
    dice_begin("dead-kills");
    morgue_bury(&play, 0, letters);
    while (killed < kills && rabbit_ready(play.rabbit, play.queue) < letters) {
        const pid_t pid = play_spawn(&play, words);
        play_pause_ms((uint32_t)(150 + dice_below(is_long() ? 400 : 250)));
        kill(pid, SIGKILL);
        killed += play_reap(pid) == -SIGKILL;
    }
    do {
        PROVE(&play, ++ran < 5, "letters stay dead");
        PROVE(&play, DEAD(&play, "retry", play.queue) == 0, "%s", morgue_output);
    } while (count_given_back(&play));
    const uint32_t back = office_count_ids(office, play.queue, &messages);
    fprintf(stderr, "dead-kills: %u letters, %u kills, %u runs to the end: %u back, %u twice\n",
            letters, killed, ran, back, messages - back);
    PROVE(&play, back == letters, "%u of %u", back, letters);
    PROVE(&play, messages - back <= killed * 2000, "%u twice", messages - back);
    office_close(office);
    morgue_close(&play);
}

/* The command comes back by itself and goes on; what left stays gone. It stands still until it is cut
 * off, for it might be done before, and until what it had in hand is back. */
Test(dead_kills, a_lost_connection_is_made_again)
{
    if (!broker_is_ours()) return;
    struct play play;
    if (!morgue_open(&play, "dead-cut", 1000000)) return;
    struct office *office = office_open(NULL);
    char name[120];
    uint32_t messages, there = 0, dead = 0;
    const char *const words[] = {
        "dead", "retry", play.queue, "--type", "t0", "--rate", "150", NULL
    };
    snprintf(name, sizeof name, "%s/dead-command", play.name);
    morgue_bury(&play, 0, 1000);
    const pid_t pid = play_spawn(&play, words);
    WAIT(&play, rabbit_ready(play.rabbit, play.queue) > 20);
    cr_assert(kill(pid, SIGSTOP) == 0);
    office_cut(name);
    WAIT(&play, (there = rabbit_ready(play.rabbit, play.queue)) +
                        (dead = rabbit_ready(play.rabbit, play.dead)) >=
                    1000);
    cr_assert(kill(pid, SIGCONT) == 0);
    PROVE(&play, play_reap(pid) == 0);
    WAIT(&play, rabbit_ready(play.rabbit, play.dead) == 500);
    PROVE(&play, office_count_ids(office, play.queue, &messages) == 500, "%u", messages);
    PROVE(&play, messages == there + dead - 500, "%u: %u and %u", messages, there, dead);
    office_close(office);
    morgue_close(&play);
}
