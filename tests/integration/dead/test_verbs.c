/* SPDX-License-Identifier: Apache-2.0
 *
 * What each verb does with letters, and what it leaves alone. */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "integration/dead/morgue.h"
#include "integration/outbox/nasty.h"
#include "support/broker_verbs.h"

TestSuite(dead, .timeout = 300);

#define EXIT_WRONG_USAGE 64
#define EXIT_NOT_WRITTEN 70
#define LIMIT_OURS 1000000

#define MORGUE(play, name, limit)                                                                  \
    struct play play;                                                                              \
    if (!morgue_open(&play, name, limit)) return

static unsigned count(const char *part)
{
    unsigned n = 0;
    for (const char *at = morgue_output; (at = strstr(at, part)); at += strlen(part)) n++;
    return n;
}

/* The ids of `list --json` are m<first>, m<first+1> … */
static void expect_order(const struct play *play, uint32_t first, uint32_t n)
{
    char id[40];
    const char *at = morgue_output;
    for (uint32_t i = first; i < first + n; i++) {
        snprintf(id, sizeof id, "{\"id\":\"m%u\",", i);
        PROVE(play, strncmp(at, id, strlen(id)) == 0, "%s is not at %.40s", id, at);
        at = strchr(at, '\n') + 1;
    }
    PROVE(play, !*at, "%.80s", at);
}

Test(dead, looking_changes_nothing)
{
    MORGUE(play, "dead-look", LIMIT_OURS);
    morgue_bury(&play, 0, 500);
    for (int i = 0; i < 3; i++) {
        WAIT(&play, rabbit_ready(play.rabbit, play.dead) == 500);
        PROVE(&play, DEAD(&play, "list", play.queue, "--json") == 0);
        expect_order(&play, 0, 500);
        WAIT(&play, rabbit_ready(play.rabbit, play.dead) == 500);
        PROVE(&play, DEAD(&play, "list", play.dead, "--json", "--limit", "7") == 0);
        expect_order(&play, 0, 7);
    }
    PROVE(&play, DEAD(&play, "list", play.queue, "--where", "reason=row", "--type", "t1") == 0);
    SAYS(&play, "83 of 500 letters");
    PROVE(&play, count(" row ") == 83 + 1, "%s", morgue_output);
    PROVE(&play, DEAD(&play, "show", play.queue, "--id", "m7") == 0);
    SAYS(&play, "exchange 'events', key 'a.b'");
    SAYS(&play, "{\"n\":7}");
    PROVE(&play, DEAD(&play, "show", play.queue) == 0 && count("\nbody ") == 10);
    WAIT(&play, rabbit_ready(play.rabbit, play.dead) == 500);
    PROVE(&play, rabbit_ready(play.rabbit, play.queue) == 0);
    morgue_close(&play);
}

Test(dead, letters_leave_as_told)
{
    MORGUE(play, "dead-leave", LIMIT_OURS);
    char other[120];
    snprintf(other, sizeof other, "%s.other", play.queue);
    PROVE(&play, rabbit_declare(play.rabbit, other, "quorum", 0, false));
    morgue_bury(&play, 0, 300);
    PROVE(&play, DEAD(&play, "retry", play.queue, "--dry-run") == 0);
    SAYS(&play, "300 of 300 letters");
    SAYS(&play, "would be retried");
    PROVE(&play, rabbit_ready(play.rabbit, play.queue) == 0);
    PROVE(&play, DEAD(&play, "retry", play.queue, "--where", "reason=row", "--limit", "40") == 0);
    SAYS(&play, "40 of 300 letters");
    WAIT(&play, rabbit_ready(play.rabbit, play.queue) == 40);
    WAIT(&play, rabbit_ready(play.rabbit, play.dead) == 260);
    PROVE(&play, DEAD(&play, "drop", play.queue, "--type", "t0", "--json") == 0);
    SAYS(&play, "\"verb\":\"drop\"");
    const char *done = strstr(morgue_output, "\"done\":");
    const uint32_t dropped = done ? (uint32_t)strtoul(done + strlen("\"done\":"), NULL, 10) : 0;
    PROVE(&play, dropped >= 110 && dropped <= 150, "%s", morgue_output);
    WAIT(&play, rabbit_ready(play.rabbit, play.dead) == 260 - dropped);
    PROVE(&play, DEAD(&play, "retry", play.queue, "--to", other) == 0);
    WAIT(&play, rabbit_ready(play.rabbit, other) == 260 - dropped);
    WAIT(&play, rabbit_ready(play.rabbit, play.dead) == 0);
    PROVE(&play, DEAD(&play, "list", play.queue) == 0);
    SAYS(&play, "0 of 0 letters");
    rabbit_delete(play.rabbit, other);
    morgue_close(&play);
}

Test(dead, what_is_exported_can_be_published)
{
    MORGUE(play, "dead-export", LIMIT_OURS);
    char output[4096];
    play_write(&play, "lines",
               "{\"id\":\"a\",\"content_type\":\"text/x\",\"body\":\"line\\n\\u0000\"}\n"
               "{\"id\":\"b\",\"priority\":4,\"headers\":{\"n\":7},\"body64\":\"/wAB\"}\n");
    PROVE(&play, RUN(&play, output, "publish", "--exchange", "", "--key", play.dead, "--ndjson",
                     play_path(&play, "lines")) == 0);
    for (int i = 0; i < 2; i++) {
        PROVE(&play, DEAD(&play, "export", play.queue) == 0);
        char *end = strstr(morgue_output, "2 of 2 letters");
        PROVE(&play, end, "%s", morgue_output);
        *end = '\0';
        PROVE(&play, strstr(morgue_output, "\"body\":\"line\\u000a\\u0000\"}"), "%s",
              morgue_output);
        PROVE(&play, strstr(morgue_output, "\"priority\":4"), "%s", morgue_output);
        PROVE(&play, strstr(morgue_output, "\"n\":7},\"body64\":\"/wAB\"}"), "%s", morgue_output);
        if (i) break;
        play_write(&play, "again", morgue_output);
        PROVE(&play, DEAD(&play, "drop", play.queue) == 0);
        PROVE(&play,
              RUN(&play, output, "publish", "--key", play.dead, "--ndjson",
                  play_path(&play, "again")) == 0,
              "%s", output);
    }
    morgue_close(&play);
}

/* Runs it through a shell, which redirects; what it says on standard error is in `output`. */
static int run_into(const struct play *play, const char *words, const char *into)
{
    const char *bin = getenv("WARRENER_BIN");
    char line[1024];
    snprintf(line, sizeof line, "'%s' %s -c '%s' %s 2>'%s'", bin ? bin : TEST_WARRENER, words,
             play_path(play, "warrener.yaml"), into, play_path(play, "said"));
    const int end = system(line); /* NOLINT(cert-env33-c): our own words */
    FILE *file = fopen(play_path(play, "said"), "re");
    cr_assert(file);
    morgue_output[fread(morgue_output, 1, sizeof morgue_output - 1, file)] = '\0';
    fclose(file);
    return WIFEXITED(end) ? WEXITSTATUS(end) : -1;
}

/* A full disk; a stream that was closed, whose number the first socket would get otherwise. */
Test(dead, output_that_does_not_arrive_is_no_export)
{
    MORGUE(play, "dead-full", LIMIT_OURS);
    char words[200];
    morgue_bury(&play, 0, 20);
    snprintf(words, sizeof words, "dead export %s", play.queue);
    PROVE(&play, run_into(&play, words, ">/dev/full") == EXIT_NOT_WRITTEN, "%s", morgue_output);
    PROVE(&play, !strcmp(morgue_output, "warrener: standard output: No space left on device\n"),
          "%s", morgue_output);
    PROVE(&play, run_into(&play, words, ">&-") == EXIT_NOT_WRITTEN, "%s", morgue_output);
    SAYS(&play, "standard output: Bad file descriptor");
    snprintf(words, sizeof words, "dead drop %s --limit 1", play.queue);
    PROVE(&play, run_into(&play, words, ">/dev/full") == 0, "done all the same: %s", morgue_output);
    SAYS(&play, "standard output: ");
    WAIT(&play, rabbit_ready(play.rabbit, play.dead) == 19);
    morgue_close(&play);
}

Test(dead, faults_are_told_in_words)
{
    MORGUE(play, "dead-faults", LIMIT_OURS);
    PROVE(&play, DEAD(&play, "list", "no.such.queue") == EXIT_WRONG_USAGE);
    SAYS(&play, "no queue 'no.such.queue.dead'");
    PROVE(&play, !rabbit_exists(play.rabbit, "no.such.queue.dead"));
    PROVE(&play, DEAD(&play, "lits", play.queue) == EXIT_WRONG_USAGE);
    SAYS(&play, "did you mean \"list\"?");
    PROVE(&play, DEAD(&play, "list") == EXIT_WRONG_USAGE);
    PROVE(&play, DEAD(&play, "list", play.queue, "--to", "x") == EXIT_WRONG_USAGE);
    PROVE(&play, DEAD(&play, "show", play.queue, "--dry-run") == EXIT_WRONG_USAGE);
    PROVE(&play, DEAD(&play, "list", play.queue, "--where", "reasn=x") == EXIT_WRONG_USAGE);
    morgue_bury(&play, 0, 20);
    PROVE(&play, DEAD(&play, "retry", play.queue, "--to", "no.such.queue") == EXIT_WRONG_USAGE);
    SAYS(&play, "NO_ROUTE");
    PROVE(&play, DEAD(&play, "drop", play.queue, "--where", "reason=rejectd") == 0);
    SAYS(&play, "no letter has the reason \"rejectd\" (did you mean \"rejected\"?); they have ");
    SAYS(&play, "row 7");
    PROVE(&play, DEAD(&play, "list", play.queue, "--where", "reason=row", "--id", "m1") == 0);
    PROVE(&play, !strstr(morgue_output, "no letter has"), "%s", morgue_output);
    WAIT(&play, rabbit_ready(play.rabbit, play.dead) == 20);
    morgue_close(&play);
}

/* A queue that was made with a low limit drops what is put back too often: looking never does. */
Test(dead, looking_never_drops_a_letter)
{
    MORGUE(play, "dead-limit", 3);
    morgue_bury(&play, 0, 50);
    for (int i = 0; i < 8; i++) {
        PROVE(&play, DEAD(&play, "list", play.queue) == 0);
        SAYS(&play, "50 of 50 letters");
        WAIT(&play, rabbit_ready(play.rabbit, play.dead) == 50);
    }
    PROVE(&play, DEAD(&play, "export", play.queue) == 0 && count("\"x-warrener-reason\"") == 50);
    morgue_close(&play);
}

/* Letters that come while it walks are for the next walk. */
Test(dead, a_queue_that_grows_has_an_end)
{
    MORGUE(play, "dead-grows", LIMIT_OURS);
    morgue_bury(&play, 0, 700);
    PROVE(&play, DEAD(&play, "retry", play.queue, "--to", play.dead) == 0);
    SAYS(&play, "700 of 700 letters");
    WAIT(&play, rabbit_ready(play.rabbit, play.dead) == 700);
    morgue_close(&play);
}

Test(dead, two_at_once_share_the_letters)
{
    MORGUE(play, "dead-two", LIMIT_OURS);
    struct office *office = office_open(NULL);
    uint32_t messages;
    morgue_bury(&play, 0, 2000);
    const char *const words[] = { "dead", "retry", play.queue, NULL };
    const pid_t other = play_spawn(&play, words);
    PROVE(&play, DEAD(&play, "retry", play.queue) == 0, "%s", morgue_output);
    PROVE(&play, play_reap(other) == 0);
    WAIT(&play, rabbit_ready(play.rabbit, play.queue) == 2000);
    WAIT(&play, rabbit_ready(play.rabbit, play.dead) == 0);
    PROVE(&play, office_count_ids(office, play.queue, &messages) == 2000 && messages == 2000);
    office_close(office);
    morgue_close(&play);
}

/* ---- letters that a naive copy would lose or double ------------------------------------------ */

static void send_nasty(const char *died, const char *id, const char *body, const char *cc)
{
    nasty_send(&(struct nasty){
        .key = "test.dead", .died = died, .id = id, .body = body, .cc = cc, .attempt = 1 });
}

/* Reject, retry, `dead retry`, and all of it once more: each time the handler sees the original. */
Test(dead, nasty_letters_are_neither_lost_nor_doubled)
{
    if (!broker_is_ours()) return;
    OPEN(play, "dead-nasty");
    struct office *office = office_open(NULL);
    amqp_message_t seen;
    char cc[120], sink[120], body[300], large[2000];
    nasty_make_user();
    snprintf(cc, sizeof cc, "%s.cc", play.queue);
    snprintf(sink, sizeof sink, "%s.sink", play.queue);
    PROVE(&play, rabbit_declare(play.rabbit, cc, "classic", 0, false));
    PROVE(&play, rabbit_declare(play.rabbit, sink, "classic", 0, false));
    office_bind(office, cc, "amq.topic", cc);
    play_configure(
        &play, &(struct setup){ .consumer =
                                    "retry: {delays: [100ms], attempts: 2}, max_message: 1KiB, "
                                    "bind: [{exchange: amq.topic, type: topic, key: test.dead}]" });
    play_start_ready(&play);
    static const char *const verdicts[] = { "reject", "retry" };
    for (int i = 0; i < 2; i++) {
        snprintf(body, sizeof body, "{\"do\":\"%s\",\"publish\":{\"key\":\"%s\",\"always\":true}}",
                 verdicts[i], sink);
        send_nasty(play.queue, verdicts[i], body, cc);
    }
    snprintf(large, sizeof large, "{\"do\":\"reject\",\"fill\":\"%01500d\"}", 0);
    send_nasty("elsewhere", "large", large, cc);
    for (int round = 0; round < 3; round++) {
        WAIT(&play, rabbit_ready(play.rabbit, play.dead) == 3);
        WAIT(&play, rabbit_ready(play.rabbit, sink) >= 1);
        while (office_get(office, sink, &seen)) {
            PROVE(&play, nasty_is(&seen, "seen-exchange", "amq.topic"));
            PROVE(&play, nasty_is(&seen, "seen-key", "test.dead"));
            PROVE(&play, nasty_is(&seen, "seen-user", NASTY_USER));
            PROVE(&play, office_number(&seen, "seen-attempt") == 1);
            office_drop(&seen);
        }
        PROVE(&play, DEAD(&play, "list", play.queue) == 0);
        SAYS(&play, "3 of 3 letters");
        PROVE(&play, count(" rejected ") == 2 && count(" attempts ") == 2, "%s", morgue_output);
        PROVE(&play, count(" oversize ") == 2, "%s", morgue_output);
        PROVE(&play, DEAD(&play, "list", play.queue, "--json", "--where", "key=test.dead") == 0);
        PROVE(&play, count("\"exchange\":\"amq.topic\"") == 3, "%s", morgue_output);
        WAIT(&play, rabbit_ready(play.rabbit, play.dead) == 3);
        if (round == 2) break;
        PROVE(&play, DEAD(&play, "retry", play.queue) == 0);
        SAYS(&play, "3 of 3 letters");
    }
    PROVE(&play, rabbit_ready(play.rabbit, cc) == 3, "one for each message sent, none for a copy");
    PROVE(&play, play_end(&play) == 0 && play_left(&play) == 0);
    rabbit_delete(play.rabbit, cc);
    rabbit_delete(play.rabbit, sink);
    office_close(office);
    morgue_close(&play);
}
